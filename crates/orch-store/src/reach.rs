//! Whether the shared database can be reached at all, asked before anything is done with it, so
//! that the true cause is told: nobody listens, the database does not exist, the password is wrong.

use std::borrow::Cow;
use std::io;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::StoreError;

/// One attempt to connect.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// A database that is about to start is waited for, where a server starts.
const STARTS_WITHIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(250);

/// Why it cannot be reached. The user is named, never the password.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    #[error("no connection to PostgreSQL at {place}")]
    Unreachable { place: String, source: io::Error },
    #[error("PostgreSQL at {place} did not answer within {} s", ANSWERS_WITHIN.as_secs())]
    Silent { place: String },
    #[error("PostgreSQL at {place} has no database `{database}`")]
    NoDatabase {
        place: String,
        user: String,
        database: String,
    },
    /// The password, or `pg_hba.conf`; what the server says of it names no secret.
    #[error("PostgreSQL at {place} does not let user `{user}` in: {said}")]
    Denied {
        place: String,
        user: String,
        said: String,
    },
    #[error("PostgreSQL at {place} takes no connections now: {said}")]
    Busy { place: String, said: String },
    #[error(
        "PostgreSQL at {place} was to be reached with TLS, which this program does not speak to databases"
    )]
    Tls { place: String },
}

impl ReachError {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> Cow<'static, str> {
        match self {
            Self::Unreachable { .. } => {
                "start PostgreSQL, or correct host and port in the database URL (ORCH_DATABASE_URL, --database-url)"
                    .into()
            }
            Self::Silent { .. } => {
                "see whether what listens there is PostgreSQL and not stopped, and what stands between".into()
            }
            Self::NoDatabase {
                place,
                user,
                database,
            } => format!(
                "make it with `createdb {}-U {user} {database}`, or correct the name in the database URL (ORCH_DATABASE_URL, \
                 --database-url)",
                arguments(place)
            )
            .into(),
            Self::Denied { .. } => {
                "correct user and password in the database URL (ORCH_DATABASE_URL, --database-url; special characters \
                 percent-encoded), or let the user in (ALTER ROLE … PASSWORD, pg_hba.conf)"
                    .into()
            }
            Self::Busy { .. } => "wait until it is ready, or raise max_connections".into(),
            Self::Tls { .. } => {
                "leave PGSSLMODE and sslmode out; keep the way to the database private, or put a tunnel before it".into()
            }
        }
    }

    /// Whether another attempt may succeed a moment later.
    fn may_pass(&self) -> bool {
        match self {
            // A socket's file is missing while its server is.
            Self::Unreachable { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
            ),
            Self::Busy { .. } => true,
            Self::Silent { .. }
            | Self::NoDatabase { .. }
            | Self::Denied { .. }
            | Self::Tls { .. } => false,
        }
    }
}

/// Whether a database that is away is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    None,
    /// As long as a database takes to start.
    AStart,
}

/// Connects once and goes again.
pub(crate) async fn knock(
    options: &PgConnectOptions,
    patience: Patience,
) -> Result<(), StoreError> {
    let begun = Instant::now();
    let mut is_told = false;
    loop {
        let fault = match attempt(options).await? {
            None => return Ok(()),
            Some(fault) => fault,
        };
        let waits = patience == Patience::AStart && fault.may_pass();
        if !waits || begun.elapsed() >= STARTS_WITHIN {
            return Err(fault.into());
        }
        if !is_told {
            is_told = true;
            let seconds = STARTS_WITHIN.as_secs();
            tracing::warn!(
                error = &fault as &dyn std::error::Error,
                "the database cannot be reached: trying again for {seconds} s"
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Why it failed, where that is about reaching it.
async fn attempt(options: &PgConnectOptions) -> Result<Option<ReachError>, StoreError> {
    let place = place(options);
    let connected = tokio::time::timeout(ANSWERS_WITHIN, options.connect()).await;
    let error = match connected {
        Err(_) => return Ok(Some(ReachError::Silent { place })),
        Ok(Ok(connection)) => {
            farewell(connection).await;
            return Ok(None);
        }
        Ok(Err(error)) => error,
    };
    let said = match error {
        sqlx::Error::Io(source) => return Ok(Some(ReachError::Unreachable { place, source })),
        sqlx::Error::Tls(_) => return Ok(Some(ReachError::Tls { place })),
        sqlx::Error::Database(said) => said,
        other => return Err(other.into()),
    };
    let user = options.get_username().to_owned();
    let database = options.get_database().unwrap_or(&user).to_owned();
    let message = said.message().to_owned();
    Ok(Some(match said.code().as_deref() {
        Some("3D000") => ReachError::NoDatabase {
            place,
            user,
            database,
        },
        Some(code) if code.starts_with("28") => ReachError::Denied {
            place,
            user,
            said: message,
        },
        Some("57P03" | "53300") => ReachError::Busy {
            place,
            said: message,
        },
        Some(_) | None => return Err(sqlx::Error::Database(said).into()),
    }))
}

async fn farewell(connection: PgConnection) {
    // It was only to see that there is somebody; that it closes badly changes nothing.
    let _ = tokio::time::timeout(ANSWERS_WITHIN, connection.close()).await;
}

fn place(options: &PgConnectOptions) -> String {
    let port = options.get_port();
    match options.get_socket() {
        Some(folder) => format!("{}/.s.PGSQL.{port}", folder.display()),
        None if options.get_host().contains(':') && !options.get_host().starts_with('[') => {
            format!("[{}]:{port}", options.get_host())
        }
        None => format!("{}:{port}", options.get_host()),
    }
}

/// The place, for PostgreSQL's own programs.
fn arguments(place: &str) -> String {
    let socket = place.rsplit_once("/.s.PGSQL.");
    match socket.or_else(|| place.rsplit_once(':')) {
        Some((host, port)) => format!("-h {} -p {port} ", host.trim_matches(['[', ']'])),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    fn placed(url: &str) -> String {
        place(&PgConnectOptions::from_str(url).expect("a URL"))
    }

    #[test]
    fn a_place_is_shown_as_it_is_reached() {
        assert_eq!(placed("postgres://u:p@db:6000/o"), "db:6000");
        assert_eq!(placed("postgres://u@[::1]:6000/o"), "[::1]:6000");
        let socket = placed("postgres:///o?host=/run/pg&port=6000");
        assert_eq!(socket, "/run/pg/.s.PGSQL.6000");
        assert_eq!(arguments(&socket), "-h /run/pg -p 6000 ");
        assert_eq!(arguments("[::1]:6000"), "-h ::1 -p 6000 ");
    }

    #[tokio::test]
    async fn a_closed_port_is_named_with_what_the_machine_says() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = socket.local_addr().expect("an address").port();
        drop(socket);
        let url = format!("postgres://me:hunter2@127.0.0.1:{port}/orch");
        let options = PgConnectOptions::from_str(&url).expect("a URL");
        let error = knock(&options, Patience::None)
            .await
            .expect_err("nobody listens");
        let StoreError::Reach(fault) = error else {
            panic!("{error:?}")
        };
        assert_eq!(
            fault.to_string(),
            format!("no connection to PostgreSQL at 127.0.0.1:{port}")
        );
        let cause = std::error::Error::source(&fault)
            .expect("a cause")
            .to_string();
        assert!(cause.contains("refused"), "{cause}");
    }
}
