//! The blueprints: what each consists of, what speaks for and against it, and the words of a vision
//! that it is matched by. Data only.

/// A way to build a product.
#[derive(Debug)]
pub struct Blueprint {
    pub name: &'static str,
    pub title: &'static str,
    pub summary: &'static str,
    pub strengths: &'static [&'static str],
    pub trade_offs: &'static [&'static str],
    /// Words that name it or ask for just this, parted by `, `.
    pub strong: &'static str,
    /// Words that speak for it beside others.
    pub weak: &'static str,
    /// Words of what it cannot do; empty where there is none.
    pub unfit: &'static str,
    /// What of it somebody has to look after.
    pub operated: Option<Operated>,
}

/// A part of a blueprint that costs money and people each month.
#[derive(Debug)]
pub struct Operated {
    pub what: &'static str,
    /// The words by which it is left out or asked for.
    pub names: &'static str,
    /// Who has less for a month (of euros, dollars or the like) hardly pays for it: a guess on the low side.
    pub least_per_month: f64,
    /// How the blueprint is built without it, and what speaks against that.
    pub without: Option<(&'static str, &'static str)>,
}

pub const BLUEPRINTS: &[Blueprint] = &[
    Blueprint {
        name: "saas-monolith",
        title: "SaaS monolith",
        summary: "One web application (FastAPI) with PostgreSQL and Redis, built with OpenTofu, on Kubernetes, with CI.",
        strengths: &[
            "one thing to build, test, deploy and observe",
            "transactions over all data",
        ],
        trade_offs: &[
            "all of it is scaled and deployed together",
            "a fault in one part may stop the others",
        ],
        strong: "saas, web app, web application, webapp, website, web shop, webshop, online shop, shop, \
                 marketplace, portal, monolith, fastapi, django, rails, laravel, dashboard, booking, bookings, \
                 crm, onlineshop, webseite, plattform",
        weak: "customers, customer, accounts, account, admin, administrators, login, log in, sign up, orders, \
               order, cart, checkout, payment, payments, pay, invoices, subscription, subscriptions, members, \
               tenants, profile, profiles, site, kunden, kunde, rechnungen, bestellungen, anmelden, users",
        unfit: "",
        operated: Some(Operated {
            what: "Kubernetes",
            names: "kubernetes, k8s",
            least_per_month: 200.0,
            without: Some((
                "One web application (FastAPI) with PostgreSQL and Redis, in containers on one machine that is built \
                 with OpenTofu, with CI.",
                "one machine is away while it fails or restarts",
            )),
        }),
    },
    Blueprint {
        name: "evented-microservices",
        title: "Evented microservices",
        summary: "Services (Node, Nest) that speak by events over Kafka, each with its PostgreSQL; an API gateway; Kubernetes and Helm.",
        strengths: &[
            "parts scale and are deployed by themselves",
            "bursts are buffered, and new consumers can be added beside old ones",
        ],
        trade_offs: &[
            "more to operate and to observe",
            "data is consistent only after a while, and a change over services needs care",
        ],
        strong: "microservice, microservices, event-driven, event driven, evented, kafka, rabbitmq, nats, mqtt, \
                 message queue, message broker, pub/sub, telemetry, sensors, sensor, iot, event sourcing",
        weak: "events, real time, real-time, devices, device, notifications, messages, streaming, concurrent, \
               simultaneously, multiplayer, orders, gateway, per second, teams, scale, independently, geräte, \
               echtzeit",
        unfit: "",
        operated: Some(Operated {
            what: "Kubernetes and Kafka",
            names: "kubernetes, k8s, kafka",
            least_per_month: 400.0,
            without: None,
        }),
    },
    Blueprint {
        name: "serverless-api",
        title: "Serverless API",
        summary: "Functions behind an API (Lambda, Cloud Run or Azure Functions), with managed storage, all of it as code.",
        strengths: &[
            "costs little while nobody calls it",
            "no servers to look after, and it scales by itself",
        ],
        trade_offs: &[
            "slow first answers after a pause, and limits on running time",
            "bound to one provider",
        ],
        strong: "serverless, lambda, cloud functions, cloud run, azure functions, rest api, http api, graphql, \
                 webhook, webhooks, public api, api",
        weak: "endpoint, endpoints, backend, mobile app, json, requests, openapi, sporadic, spikes, aws, \
               app, apps, checkout, upload, uploads, notifications",
        unfit: "",
        operated: None,
    },
    Blueprint {
        name: "data-pipeline",
        title: "Data pipeline",
        summary: "Scheduled loads and transformations (Airflow, dbt) into a warehouse (Snowflake, BigQuery or Redshift).",
        strengths: &[
            "each step can be run again by itself",
            "history is kept and can be queried",
        ],
        trade_offs: &[
            "answers are as old as the last run",
            "schemas of the sources change without notice",
        ],
        strong: "etl, elt, data pipeline, pipeline, data warehouse, warehouse, airflow, dbt, snowflake, bigquery, \
                 redshift, parquet, data lake, datenpipeline",
        weak: "csv, data, dataset, datasets, nightly, daily, hourly, import, imports, ingest, ingests, ingestion, \
               transform, transforms, aggregate, aggregates, export, exports, batch, reports, report, analytics, \
               telemetry, rows, records, daten",
        unfit: "",
        operated: Some(Operated {
            what: "Airflow and a warehouse",
            names: "airflow, warehouse",
            least_per_month: 150.0,
            without: None,
        }),
    },
    Blueprint {
        name: "command-line-tool",
        title: "Command-line program",
        summary: "One program that is installed and called from a shell; no service.",
        strengths: &["nothing to operate", "works offline, in scripts and in CI"],
        trade_offs: &[
            "each user installs and updates it",
            "no shared state between users",
        ],
        strong: "cli, command line, command-line, command line tool, command-line tool, terminal, stdin, stdout, \
                 shell script, kommandozeile, subcommand, subcommands",
        weak: "flag, flags, exit code, exit codes, command, commands, files, folder, directory, script, scripts, \
               arguments, pipe, binary",
        unfit: "",
        operated: None,
    },
    Blueprint {
        name: "library",
        title: "Library",
        summary: "A package that other programs link, with documentation and a versioned interface.",
        strengths: &["nothing to operate", "fits into whatever uses it"],
        trade_offs: &[
            "its interface can hardly be changed once it is used",
            "faults are fixed only when users update",
        ],
        strong: "library, sdk, npm package, python package, crate, bibliothek, pypi, crates.io",
        weak: "package, module, function, functions, developers, bindings, semver, interface, import",
        unfit: "",
        operated: None,
    },
    Blueprint {
        name: "static-site",
        title: "Static site",
        summary: "Pages that are built once and served as files.",
        strengths: &[
            "cheap, fast, and next to nothing to attack",
            "the content lives in version control",
        ],
        trade_offs: &[
            "no accounts, and nothing that is computed for one visitor",
            "each change of content is a build",
        ],
        strong: "static site, static website, static pages, landing page, blog, portfolio, documentation site, \
                 homepage, hugo, jekyll",
        weak: "pages, page, posts, articles, markdown, visitors, read, publish, gallery, rss, text, photos",
        unfit: "pay, payment, payments, checkout, login, account, accounts, orders",
        operated: None,
    },
];
