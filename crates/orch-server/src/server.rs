//! Opening the store, binding the port, serving until told to stop.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::middleware::from_fn_with_state;
use orch_api::client::Client;
use orch_store::blob::{BlobError, Blobs};
use orch_store::{Database, Options, Store, StoreError, token_key};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::health::{Disk, Health};
use crate::app::orchestrate::{Team, TeamError};
use crate::app::{App, run_token};
use crate::audit_file::HeadSigner;
use crate::clock::SteadyClock;
use crate::config::{Exposure, SchedulingMode, ServerConfig};
use crate::edge::{self, AllowedHosts, AllowedOrigins, ApiToken, ConfigError, EdgeConfig};
use crate::vault::{Keys, Kv, KvError, Vault, VaultError};
use crate::{grpc, http, listen, reconcile};

/// Reconcilers get so long to end.
const DRAIN: Duration = Duration::from_secs(2);
/// The store gets so long to close.
const CLOSE: Duration = Duration::from_secs(2);

/// A server that listens.
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
    router: axum::Router,
    mode: SchedulingMode,
    kept: reconcile::Kept,
    signer: HeadSigner,
    streams: CancellationToken,
}

/// Why the server cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error(
        "refusing to listen on {host} without authentication: everybody who reaches it could run commands. \
         Set ORCH_API_TOKEN, or pass --allow-unauthenticated if something else protects it"
    )]
    Exposed { host: String },
    #[error("failed to listen on {address}")]
    Listen {
        address: String,
        source: std::io::Error,
    },
    #[error("failed to use the data folder {path}")]
    DataDir {
        path: String,
        source: std::io::Error,
    },
    #[error("failed to open the database {path}")]
    Store { path: String, source: StoreError },
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Kv(#[from] KvError),
    #[error("artifacts cannot be kept (ORCH_ARTIFACTS)")]
    Artifacts(#[source] BlobError),
    #[error(transparent)]
    Team(#[from] TeamError),
    #[error("failed to prepare the server's way to itself")]
    Inside(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Server {
    /// Opens everything and binds the port; nothing is served yet.
    ///
    /// # Errors
    /// When the configuration is unsafe, or a file or the port cannot be had.
    pub async fn bind(config: ServerConfig) -> Result<Self, ServerError> {
        let address = format!("{}:{}", bracketed(&config.host), config.port);
        let listen = |source| ServerError::Listen {
            address: address.clone(),
            source,
        };
        let resolved: Vec<SocketAddr> = tokio::net::lookup_host(&address)
            .await
            .map_err(listen)?
            .collect();
        let loopback = resolved.iter().all(|address| address.ip().is_loopback());
        if !loopback && config.api_token.is_none() && config.exposure == Exposure::LoopbackOnly {
            return Err(ServerError::Exposed { host: config.host });
        }
        // First what may be refused: a start that fails leaves nothing behind.
        let listener = TcpListener::bind(resolved.as_slice())
            .await
            .map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        let data_dir = |source| ServerError::DataDir {
            path: config.data_dir.display().to_string(),
            source,
        };
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|error| data_dir(std::io::Error::other(error)))?;
        let clock = SteadyClock::start();
        let seed = u64::from_le_bytes(seed);
        let options = Options {
            database: config.database.clone(),
            rules: Arc::new(config.rules.clone()),
            clock: clock.teller(),
            seed,
        };
        let opening = async {
            Store::open(options)
                .await
                .map_err(|source| ServerError::Store {
                    path: config.database.to_string(),
                    source,
                })
        };
        let open_folder = || {
            make_private(&config.data_dir).map_err(data_dir)?;
            let keys = Keys {
                setting: config.secret_key.as_deref(),
                file: config.secret_key_file.as_deref(),
                agent_secret: config.agent_secret.as_deref(),
            };
            let vault = Vault::open(&config.data_dir, keys)?;
            let signer = HeadSigner::open(&config.data_dir).map_err(data_dir)?;
            Ok::<_, ServerError>((vault, signer))
        };
        let (store, (vault, signer)) = match &config.database {
            Database::Postgres { .. } => (opening.await?, open_folder()?),
            // Its files stand in the folder.
            Database::Sqlite { .. } => {
                let opened = open_folder()?;
                (opening.await?, opened)
            }
        };
        let mut fresh = [0; token_key::BYTES];
        getrandom::fill(&mut fresh).map_err(|error| data_dir(std::io::Error::other(error)))?;
        let signing = token_key::load_or_make(&store, fresh).await;
        let signing = signing.map_err(|source| ServerError::Store {
            path: config.database.to_string(),
            source,
        })?;
        let kv = config.vault.clone().map(Kv::new).transpose()?;
        let vault = vault.signing_with(&signing).keeping_in(kv);
        let blobs = blobs(&config, &store, &signing).await?;
        let disk = Disk::new(&config.data_dir, &config.database, config.min_free_bytes);
        let health = Health::new(disk, clock);
        let team = Team::new(&config.team, crate::clock::wall(), seed)?;
        team.warn();
        let app = App::new(store, blobs, vault, config.scheduling, health, team);

        let streams = CancellationToken::new();
        let router = router(&app, &config, bound.port(), &streams)?;
        Ok(Self {
            app,
            listener,
            address: bound,
            router,
            mode: config.scheduling,
            kept: reconcile::Kept {
                logs: config.log_retention,
                artifacts: config.artifact_retention,
            },
            signer,
            streams,
        })
    }

    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What an agent must present to read answers.
    #[must_use]
    pub fn agent_secret(&self) -> &str {
        self.app.vault().agent_secret()
    }

    /// Serves until `shutdown`, then lets open requests end.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServerError> {
        let tasks = TaskTracker::new();
        reconcile::start(&self.app, self.mode, self.kept, &tasks, &shutdown);
        // Heads are signed until the last transaction is over, not until the first request to stop.
        let settled = CancellationToken::new();
        let signing = reconcile::sign_heads(self.app.clone(), self.signer, settled.clone());
        let signing = tokio::spawn(signing);
        let streams = self.streams.clone();
        let stop = shutdown.clone();
        let app = self.app.clone();
        tasks.spawn(async move {
            stop.cancelled().await;
            streams.cancel();
            app.team().close();
        });
        listen::serve(self.listener, self.router, shutdown.clone()).await;
        shutdown.cancel();
        orch_failpoint::pass("server.shutdown.begun");
        tasks.close();
        let _ = tokio::time::timeout(DRAIN, tasks.wait()).await;
        let _ = tokio::time::timeout(DRAIN, self.app.team().closed()).await;
        settled.cancel();
        orch_failpoint::pass("server.shutdown.settled");
        let _ = tokio::time::timeout(DRAIN, signing).await;
        // A database that hangs must not keep the program from ending.
        let _ = tokio::time::timeout(CLOSE, self.app.store().close()).await;
        Ok(())
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

/// Makes the data folder readable by its owner alone.
fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

fn router(
    app: &App,
    config: &ServerConfig,
    port: u16,
    streams: &CancellationToken,
) -> Result<axum::Router, ServerError> {
    let mut mark = [0; 32];
    getrandom::fill(&mut mark).map_err(|error| ServerError::Inside(Box::new(error)))?;
    let mark = hex::encode(mark);
    let mut edge = EdgeConfig::new(AllowedHosts::new(
        &config.host,
        &config.allowed_hosts.join(","),
    )?);
    edge.origins = AllowedOrigins::parse(&config.cors_origins)?;
    edge.token = config
        .api_token
        .as_deref()
        .map(ApiToken::parse)
        .transpose()?;
    edge.rate_per_minute = NonZeroU32::new(config.rate_limit_per_min);
    edge.store = Some(app.store().clone());
    edge.inside = Some(ApiToken::parse(&mark)?);
    edge.runs = Some(Arc::new(run_token::Judge::new(app.clone())));
    let area = http::area()
        .layer(from_fn_with_state(
            (app.clone(), http::UnderWay::default()),
            http::replay,
        ))
        .layer(from_fn_with_state(app.clone(), http::note_unreadable))
        .merge(grpc::area(app, streams))
        .merge(http::mcp(own_client(&config.host, port, &mark)?, streams))
        .with_state(app.clone());
    Ok(edge::apply(area, &edge))
}

/// A client of this very server, which calls no further than this machine where it can.
fn own_client(host: &str, port: u16, mark: &str) -> Result<Client, ServerError> {
    let address: Option<std::net::IpAddr> = host.parse().ok();
    let host = match address {
        Some(std::net::IpAddr::V4(address)) if address.is_unspecified() => "127.0.0.1",
        Some(std::net::IpAddr::V6(address)) if address.is_unspecified() => "::1",
        Some(_) | None => host,
    };
    let url = format!("http://{}:{port}", bracketed(host));
    Client::new(&url, None)
        .and_then(|client| client.from_inside(mark))
        .map_err(|error| ServerError::Inside(Box::new(error)))
}

/// Where artifacts are kept. A bucket that is away is waited for while the server runs; one that is another
/// installation's is not.
async fn blobs(config: &ServerConfig, store: &Store, signing: &[u8]) -> Result<Blobs, ServerError> {
    let folder = config.data_dir.join("artifacts");
    let Some(address) = &config.bucket else {
        return Ok(Blobs::of(store, &folder));
    };
    // What all servers on one database have, and no other; the key itself is not told.
    let digest = Sha256::digest([b"orch/installation/v1".as_slice(), signing].concat());
    let installation = hex::encode(&digest[..16]);
    let blobs = Blobs::in_bucket(address.clone(), &installation, &folder);
    let blobs = blobs.map_err(ServerError::Artifacts)?;
    match blobs.look().await {
        Err(error @ BlobError::Taken { .. }) => return Err(ServerError::Artifacts(error)),
        Err(error) => tracing::warn!(%error, "artifacts cannot be kept yet"),
        Ok(()) => {}
    }
    Ok(blobs)
}
