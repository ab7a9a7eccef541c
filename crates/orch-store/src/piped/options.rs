//! How to connect: what the URL and the environment say, as the other driver understood them.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::home::GREETS_WITHIN;
use crate::StoreError;

/// A connection over which nothing comes through for so long has ended.
const NOWHERE: Duration = Duration::from_secs(10);

/// Settings of connections that find few rows by their keys. Plans are made once, when tables may
/// still be empty, and must suit them when they are large: by the indexes.
pub(crate) const BY_KEYS: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// The same way to connect. There is no TLS: a server that insists on it was refused before.
pub(crate) fn config(options: &PgConnectOptions) -> Result<Config, StoreError> {
    let mut config = Config::new();
    config
        .connect_timeout(GREETS_WITHIN)
        // A way that leads nowhere, as after a failover, must end; a database that is slow, or
        // stopped, is still there for the machine that it runs on.
        .tcp_user_timeout(NOWHERE)
        .keepalives_idle(NOWHERE)
        .keepalives_interval(NOWHERE / 5)
        .keepalives_retries(3)
        .ssl_mode(SslMode::Disable)
        .port(options.get_port())
        .user(options.get_username());
    match options.get_socket() {
        Some(socket) => config.host_path(socket),
        None => config.host(options.get_host()),
    };
    if let Some(password) = password(options)? {
        config.password(password);
    }
    if let Some(database) = options.get_database() {
        config.dbname(database);
    }
    if let Some(name) = options.get_application_name() {
        config.application_name(name);
    }
    if let Some(settings) = options.get_options() {
        config.options(settings);
    }
    Ok(config)
}

/// The other driver shows it in a URL alone.
fn password(options: &PgConnectOptions) -> Result<Option<String>, StoreError> {
    // Not every name of a host or user has a place in a URL.
    let url = options
        .clone()
        .host("localhost")
        .username("user")
        .to_url_lossy();
    let decoded = url.password().map(|encoded| {
        percent_encoding::percent_decode_str(encoded)
            .decode_utf8()
            .map(String::from)
    });
    decoded
        .transpose()
        .map_err(|error| sqlx::Error::Configuration(error.into()).into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::str::FromStr as _;

    use tokio_postgres::config::Host;

    use super::*;

    fn parsed(url: &str) -> Config {
        let options = PgConnectOptions::from_str(url).expect("a URL");
        config(&options).expect("a configuration")
    }

    #[test]
    fn a_url_means_the_same_to_both_drivers() {
        let given = parsed(
            "postgres://us%2Fer:a%40b%3A%25%20c@db.example:6543/orch?application_name=x&options=-c%20jit%3Doff",
        );
        assert_eq!(given.get_user(), Some("us/er"));
        assert_eq!(given.get_password(), Some(b"a@b:% c".as_slice()));
        assert_eq!(given.get_hosts(), [Host::Tcp("db.example".to_owned())]);
        assert_eq!(given.get_ports(), [6543]);
        assert_eq!(given.get_dbname(), Some("orch"));
        assert_eq!(given.get_application_name(), Some("x"));
        assert_eq!(given.get_options(), Some("-c jit=off"));
    }

    #[test]
    fn a_socket_and_an_address_are_taken_as_they_are() {
        let folder = Host::Unix(Path::new("/run/postgresql").to_owned());
        for url in [
            "postgres://u:p@%2Frun%2Fpostgresql/orch",
            "postgres:///orch?host=/run/postgresql",
        ] {
            assert_eq!(parsed(url).get_hosts(), std::slice::from_ref(&folder));
        }
        let given = parsed("postgres://u:p@ignored/orch?hostaddr=::1");
        assert_eq!(given.get_hosts(), [Host::Tcp("::1".to_owned())]);
    }
}
