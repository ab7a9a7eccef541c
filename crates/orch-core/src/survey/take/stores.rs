//! Databases, caches and queues, by the libraries that speak to them and the images that they run from.

use super::found::Found;
use crate::survey::bounds::MOST_STORES;
use crate::survey::model::{Place, StoreKind, StoreUse};
use crate::survey::tree::name;

/// Libraries that speak to one store and nothing else, and names of images.
const KNOWN: [(&str, StoreKind, &[&str]); 19] = [
    (
        "PostgreSQL",
        StoreKind::Database,
        &[
            "pg",
            "postgres",
            "postgresql",
            "psycopg",
            "psycopg2",
            "psycopg2-binary",
            "asyncpg",
            "tokio-postgres",
            "github.com/lib/pq",
            "github.com/jackc/pgx",
            "org.postgresql:postgresql",
            "npgsql",
            "postgis",
            "timescaledb",
            "pg8000",
            "@neondatabase/serverless",
            "deadpool-postgres",
            "bb8-postgres",
            "gorm.io/driver/postgres",
            "npgsql.entityframeworkcore.postgresql",
            "org.postgresql:r2dbc-postgresql",
            "ext-pgsql",
            "ext-pdo_pgsql",
            "postgrex",
        ],
    ),
    (
        "MySQL",
        StoreKind::Database,
        &[
            "mysql",
            "mysql2",
            "mysqlclient",
            "pymysql",
            "mysql_async",
            "mysql-connector-java",
            "mysql:mysql-connector-java",
            "com.mysql:mysql-connector-j",
            "github.com/go-sql-driver/mysql",
            "mysql-connector-python",
            "aiomysql",
            "asyncmy",
            "gorm.io/driver/mysql",
            "mysqlconnector",
            "mysql.data",
            "pomelo.entityframeworkcore.mysql",
            "ext-mysqli",
            "ext-pdo_mysql",
        ],
    ),
    (
        "MariaDB",
        StoreKind::Database,
        &["mariadb", "org.mariadb.jdbc:mariadb-java-client"],
    ),
    (
        "SQLite",
        StoreKind::Database,
        &[
            "sqlite3",
            "better-sqlite3",
            "rusqlite",
            "aiosqlite",
            "github.com/mattn/go-sqlite3",
            "modernc.org/sqlite",
            "org.xerial:sqlite-jdbc",
            "sqlite",
            "libsqlite3-sys",
            "gorm.io/driver/sqlite",
            "microsoft.data.sqlite",
            "microsoft.entityframeworkcore.sqlite",
            "ext-sqlite3",
            "ext-pdo_sqlite",
        ],
    ),
    (
        "MongoDB",
        StoreKind::Database,
        &[
            "mongo",
            "mongodb",
            "mongoose",
            "pymongo",
            "motor",
            "go.mongodb.org/mongo-driver",
            "mongoid",
            "mongodb/mongodb",
            "mongodb.driver",
            "org.springframework.boot:spring-boot-starter-data-mongodb",
            "org.mongodb:mongodb-driver-sync",
            "ext-mongodb",
        ],
    ),
    (
        "Oracle Database",
        StoreKind::Database,
        &["cx-oracle", "oracledb", "cx_oracle"],
    ),
    (
        "Microsoft SQL Server",
        StoreKind::Database,
        &[
            "mssql",
            "tedious",
            "pymssql",
            "tiberius",
            "com.microsoft.sqlserver:mssql-jdbc",
            "microsoft.data.sqlclient",
            "system.data.sqlclient",
            "microsoft.entityframeworkcore.sqlserver",
            "gorm.io/driver/sqlserver",
        ],
    ),
    (
        "Cassandra",
        StoreKind::Database,
        &["cassandra", "cassandra-driver", "scylla"],
    ),
    (
        "ClickHouse",
        StoreKind::Database,
        &["clickhouse", "clickhouse-server", "clickhouse-driver"],
    ),
    (
        "Neo4j",
        StoreKind::Database,
        &["neo4j", "neo4j-driver", "neo4rs"],
    ),
    (
        "Redis",
        StoreKind::Cache,
        &[
            "redis",
            "ioredis",
            "aioredis",
            "valkey",
            "github.com/go-redis/redis",
            "github.com/redis/go-redis",
            "redis.clients:jedis",
            "fred",
            "deadpool-redis",
            "bb8-redis",
            "django-redis",
            "predis/predis",
            "ext-redis",
            "stackexchange.redis",
            "io.lettuce:lettuce-core",
            "org.springframework.boot:spring-boot-starter-data-redis",
            "hiredis",
        ],
    ),
    (
        "Memcached",
        StoreKind::Cache,
        &["memcached", "pymemcache", "memcache", "pylibmc", "dalli"],
    ),
    (
        "Kafka",
        StoreKind::Queue,
        &[
            "kafka",
            "kafkajs",
            "rdkafka",
            "confluent-kafka",
            "kafka-python",
            "cp-kafka",
            "redpanda",
            "org.apache.kafka:kafka-clients",
            "github.com/segmentio/kafka-go",
            "aiokafka",
            "github.com/ibm/sarama",
            "github.com/shopify/sarama",
            "github.com/confluentinc/confluent-kafka-go",
            "org.springframework.kafka:spring-kafka",
            "confluent.kafka",
        ],
    ),
    (
        "RabbitMQ",
        StoreKind::Queue,
        &[
            "rabbitmq",
            "amqplib",
            "lapin",
            "pika",
            "github.com/rabbitmq/amqp091-go",
            "aio-pika",
            "bunny",
            "php-amqplib/php-amqplib",
            "rabbitmq.client",
            "com.rabbitmq:amqp-client",
            "org.springframework.boot:spring-boot-starter-amqp",
            "amqp-connection-manager",
            "github.com/streadway/amqp",
        ],
    ),
    (
        "NATS",
        StoreKind::Queue,
        &[
            "nats",
            "async-nats",
            "nats-py",
            "github.com/nats-io/nats.go",
        ],
    ),
    ("Celery", StoreKind::Queue, &["celery"]),
    ("Sidekiq", StoreKind::Queue, &["sidekiq"]),
    (
        "Elasticsearch",
        StoreKind::Search,
        &[
            "elasticsearch",
            "@elastic/elasticsearch",
            "opensearch",
            "github.com/elastic/go-elasticsearch",
            "elasticsearch-dsl",
            "opensearch-py",
            "elasticsearch/elasticsearch",
            "@opensearch-project/opensearch",
        ],
    ),
    (
        "S3",
        StoreKind::Files,
        &[
            "boto3",
            "aws-sdk-s3",
            "@aws-sdk/client-s3",
            "minio",
            "github.com/aws/aws-sdk-go-v2/service/s3",
            "awssdk.s3",
            "software.amazon.awssdk:s3",
        ],
    ),
];

fn known(wanted: &str) -> Option<(&'static str, StoreKind)> {
    let lower = wanted.to_ascii_lowercase();
    // Go writes the major version behind a module's name.
    let bare = match lower.rsplit_once("/v") {
        Some((bare, version)) if version.chars().all(|c| c.is_ascii_digit()) => bare,
        Some(_) | None => lower.as_str(),
    };
    let found = KNOWN.iter().find(|(_, _, names)| names.contains(&bare));
    found.map(|(name, kind, _)| (*name, *kind))
}

pub fn recognise(found: &mut Found<'_>) {
    let mut uses: Vec<StoreUse> = Vec::new();
    let mut add = |wanted: &str, by: &str, place: &Place| {
        if let Some((name, kind)) = known(wanted)
            && !uses
                .iter()
                .any(|known| known.name == name && known.by == by)
            && uses.len() < MOST_STORES
        {
            uses.push(StoreUse {
                name: name.to_owned(),
                kind,
                by: by.to_owned(),
                place: place.clone(),
            });
        }
    };
    for dependency in &found.survey.dependencies {
        add(&dependency.name, &dependency.name, &dependency.place);
    }
    for (store, by, place) in &found.drivers {
        add(store, by, place);
    }
    for service in &found.survey.services {
        if let Some(image) = &service.image {
            let bare = image.split('@').next().unwrap_or(image);
            let bare = name(bare).split(':').next().unwrap_or(bare);
            add(bare, image, &service.place);
        }
    }
    uses.sort_by(|a, b| (a.kind, &a.name, &a.by).cmp(&(b.kind, &b.name, &b.by)));
    found.survey.stores = uses;
}
