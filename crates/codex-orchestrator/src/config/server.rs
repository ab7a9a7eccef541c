//! Settings of the server. What depends on the machine, such as whether an address is loopback's,
//! the server itself checks.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use orch_core::retry::Backoff;
use orch_core::risk::{DEFAULT_TITLES, RiskPolicy};
use orch_core::rules::{ApprovalRule, Rules};
use orch_core::tool_policy::ToolPolicy;
use orch_server::{Database, Exposure, Retention, SchedulingMode, ServerConfig};

use super::database::{self, Named};
use super::{Reader, Setting, artifacts, client, folders, parse, secrets, team};

const HOST: Setting = Setting::new("ORCH_HOST").flag("host").default("127.0.0.1");
const PORT: Setting = Setting::new("ORCH_PORT").flag("port").default("18080");
const PLATFORM_PORT: Setting = Setting::new("PORT").default("18080");
const DATABASE: Setting = Setting::new("ORCH_DATABASE_URL")
    .flag("database-url")
    .secret();
const UNAUTHENTICATED: Setting = Setting::new("ORCH_ALLOW_UNAUTHENTICATED")
    .flag("allow-unauthenticated")
    .default("false");
const ALLOWED_HOSTS: Setting = Setting::new("ORCH_ALLOWED_HOSTS").default("");
const CORS_ORIGINS: Setting = Setting::new("ORCH_CORS_ORIGINS").default("");
const RATE_LIMIT: Setting = Setting::new("ORCH_RATE_LIMIT_PER_MIN").default("1000");
const REQUIRE_APPROVAL: Setting = Setting::new("ORCH_REQUIRE_APPROVAL").default("true");
const RISKY_TITLES: Setting = Setting::new("ORCH_RISKY_TITLES").default(DEFAULT_TITLES);
const RISKY_KINDS: Setting = Setting::new("ORCH_RISKY_KINDS").default("none");
const MAX_RETRIES: Setting = Setting::new("ORCH_MAX_RETRIES").default("0");
const BACKOFF_BASE: Setting = Setting::new("ORCH_BACKOFF_BASE_SECONDS").default("5");
const BACKOFF_JITTER: Setting = Setting::new("ORCH_BACKOFF_JITTER_SECONDS").default("0");
const TOOL_REQUESTS: Setting = Setting::new("ORCH_TOOL_REQUESTS").default("");
const INTERVAL: Setting = Setting::new("ORCH_SCHEDULER_BACKGROUND_INTERVAL").default("0");
const LOG_DAYS: Setting = Setting::new("ORCH_LOG_RETENTION_DAYS")
    .flag("log-retention-days")
    .default("0");
const LOG_MIB: Setting = Setting::new("ORCH_LOG_RETENTION_MIB")
    .flag("log-retention-mib")
    .default("0");
const ARTIFACT_DAYS: Setting = Setting::new("ORCH_ARTIFACT_RETENTION_DAYS").default("0");
pub(super) const AGENT_SECRET: Setting = Setting::new("AGENT_SECRET_KEY").secret();
const MIN_FREE: Setting = Setting::new("ORCH_MIN_FREE_BYTES")
    .flag("min-free-bytes")
    .default("104857600");

/// Flags of `serve` and `up`.
#[derive(Args, Clone, Debug, Default)]
pub struct ServerFlags {
    /// Address to listen on [env: ORCH_HOST] [default: 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Port to listen on; 0 picks a free one [env: ORCH_PORT, else PORT] [default: 18080]
    #[arg(long, value_name = "PORT")]
    pub port: Option<String>,
    /// Folder of database, logs and keys [env: ORCH_DATA_DIR] [default: ~/.local/share/codex-orchestrator]
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<String>,
    /// Database, such as sqlite:////var/lib/orch.db or postgres://user:password@host/name [env: ORCH_DATABASE_URL] [default: orchestrator.db in the data folder]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// New work is refused while less is free on the disk of database and logs; 0 keeps nothing back [env: ORCH_MIN_FREE_BYTES] [default: 104857600]
    #[arg(long, value_name = "BYTES")]
    pub min_free_bytes: Option<String>,
    /// Listen beyond loopback without a token: whoever reaches the port may do everything [env: ORCH_ALLOW_UNAUTHENTICATED]
    #[arg(long)]
    pub allow_unauthenticated: bool,
    /// Remove logs of runs that ended so many days ago; 0 keeps them [env: ORCH_LOG_RETENTION_DAYS] [default: 0]
    #[arg(long, value_name = "DAYS")]
    pub log_retention_days: Option<String>,
    /// Remove the oldest logs of finished runs where all logs take more; 0 keeps them [env: ORCH_LOG_RETENTION_MIB] [default: 0]
    #[arg(long, value_name = "MIB")]
    pub log_retention_mib: Option<String>,
}

/// Who starts eligible work where no interval is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// `serve`: a tick alone.
    OnTick,
    /// `up`, which has an agent of its own.
    OnWakeUp,
}

/// Reads the server's settings.
pub fn server_config(reader: &mut Reader<'_>, flags: &ServerFlags, start: Start) -> ServerConfig {
    let host = reader.value(&HOST, flags.host.as_deref(), host);
    let port = port(reader, flags.port.as_deref());
    let (data_dir, database) = installation(
        reader,
        flags.data_dir.as_deref(),
        flags.database_url.as_deref(),
    );
    let unauthenticated = flags.allow_unauthenticated.then_some("true");
    ServerConfig {
        host,
        port,
        data_dir,
        database,
        api_token: reader.optional(&client::TOKEN, None, parse::text),
        exposure: match reader.value(&UNAUTHENTICATED, unauthenticated, parse::switch) {
            true => Exposure::Unauthenticated,
            false => Exposure::LoopbackOnly,
        },
        log_retention: log_retention(reader, flags),
        artifact_retention: artifact_retention(reader),
        bucket: artifacts::bucket(reader),
        rules: rules(reader),
        scheduling: scheduling(reader, start),
        allowed_hosts: reader.value(&ALLOWED_HOSTS, None, parse::list),
        cors_origins: reader.value(&CORS_ORIGINS, None, parse::text),
        rate_limit_per_min: reader.value(&RATE_LIMIT, None, parse::whole(0, 10_000_000)),
        secret_key: secrets::key(reader),
        secret_key_file: secrets::key_file(reader),
        vault: secrets::vault(reader),
        agent_secret: reader.optional(&AGENT_SECRET, None, parse::text),
        min_free_bytes: reader.value(&MIN_FREE, flags.min_free_bytes.as_deref(), parse::bytes),
        team: team::team(reader),
    }
}

fn artifact_retention(reader: &mut Reader<'_>) -> Option<Duration> {
    let days = u64::from(reader.value(&ARTIFACT_DAYS, None, parse::whole(0, 36_500)));
    (days > 0).then(|| Duration::from_secs(days * 86_400))
}

fn log_retention(reader: &mut Reader<'_>, flags: &ServerFlags) -> Retention {
    let days = flags.log_retention_days.as_deref();
    let days = u64::from(reader.value(&LOG_DAYS, days, parse::whole(0, 36_500)));
    let mib = flags.log_retention_mib.as_deref();
    let mib = u64::from(reader.value(&LOG_MIB, mib, parse::whole(0, 1_000_000_000)));
    Retention {
        age: (days > 0).then(|| Duration::from_secs(days * 86_400)),
        size_bytes: (mib > 0).then_some(mib * 1_048_576),
    }
}

/// The data folder and the database of an installation.
pub fn installation(
    reader: &mut Reader<'_>,
    data_dir: Option<&str>,
    database_url: Option<&str>,
) -> (PathBuf, Database) {
    let data_dir = folders::data_dir(reader, data_dir);
    let database = reader
        .optional(&DATABASE, database_url, database::named)
        .unwrap_or(Named::File(data_dir.join("orchestrator.db")))
        .beside(&data_dir);
    reader.show(&DATABASE, &database.to_string());
    (data_dir, database)
}

fn scheduling(reader: &mut Reader<'_>, start: Start) -> SchedulingMode {
    let interval = reader.value(&INTERVAL, None, parse::seconds);
    match start {
        _ if !interval.is_zero() => SchedulingMode::Every(interval),
        Start::OnTick => SchedulingMode::OnTick,
        Start::OnWakeUp => SchedulingMode::OnWakeUp,
    }
}

/// `ORCH_PORT` wherever it is set, else `PORT`, which hosting platforms set.
fn port(reader: &mut Reader<'_>, flag: Option<&str>) -> u16 {
    if flag.is_none()
        && reader.plain(PORT.variable).is_none()
        && reader.plain(PLATFORM_PORT.variable).is_some()
    {
        return reader.value(&PLATFORM_PORT, None, parse::port);
    }
    reader.value(&PORT, flag, parse::port)
}

fn rules(reader: &mut Reader<'_>) -> Rules {
    let approval = match reader.value(&REQUIRE_APPROVAL, None, parse::switch) {
        true => ApprovalRule::Required,
        false => ApprovalRule::Off,
    };
    let titles = reader.value(&RISKY_TITLES, None, rule_text);
    let kinds = reader.value(&RISKY_KINDS, None, |text| {
        let kinds = rule_text(text)?;
        RiskPolicy::parse("", &kinds).map(|_| kinds)
    });
    let risk = RiskPolicy::parse(&titles, &kinds).unwrap_or_default();
    let backoff = Backoff {
        base: reader.value(&BACKOFF_BASE, None, parse::seconds),
        jitter: reader.value(&BACKOFF_JITTER, None, parse::seconds),
    };
    Rules {
        tools: reader.value(&TOOL_REQUESTS, None, ToolPolicy::parse),
        approval,
        risk,
        backoff,
        max_retries: reader.value(&MAX_RETRIES, None, parse::whole(0, 1000)),
    }
}

/// `none` is without a rule; an empty variable is the default, as everywhere.
fn rule_text(text: &str) -> Result<String, String> {
    Ok(if text.eq_ignore_ascii_case("none") {
        String::new()
    } else {
        text.to_owned()
    })
}

fn host(text: &str) -> Result<String, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let is_name = !bare.is_empty()
        && bare
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if is_name || bare.parse::<IpAddr>().is_ok() {
        Ok(bare.to_owned())
    } else {
        Err(
            "expected a host name or an address without scheme and port, such as 127.0.0.1"
                .to_owned(),
        )
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
