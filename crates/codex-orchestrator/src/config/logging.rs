//! Settings of the log of server and agent.

use clap::Args;

use super::{Reader, Setting};

const LEVEL: Setting = Setting::new("LOG_LEVEL").flag("log-level").default("info");
const FORMAT: Setting = Setting::new("LOG_FORMAT")
    .flag("log-format")
    .default("text");

/// Flags of the log.
#[derive(Args, Clone, Debug, Default)]
pub struct LogFlags {
    /// error, warning, info, debug or trace, or a filter such as `info,orch_store=debug` [env: LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// text or json, on standard error [env: LOG_FORMAT] [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// A filter of `tracing-subscriber`.
    pub filter: String,
    pub format: LogFormat,
}

impl LogSettings {
    pub fn read(reader: &mut Reader<'_>, flags: &LogFlags) -> Self {
        Self {
            filter: reader.value(&LEVEL, flags.log_level.as_deref(), filter),
            format: reader.value(&FORMAT, flags.log_format.as_deref(), format),
        }
    }
}

fn filter(text: &str) -> Result<String, String> {
    // Python's names are what existing set-ups carry.
    let filter = match text.to_ascii_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        "critical" | "fatal" => "error".to_owned(),
        "notset" => "trace".to_owned(),
        other => other.to_owned(),
    };
    match tracing_subscriber::EnvFilter::try_new(&filter) {
        // A lone word that is no level would be taken for the name of a module.
        Ok(_) if filter.contains(['=', ',']) || is_level(&filter) => Ok(filter),
        Ok(_) | Err(_) => {
            Err("expected error, warning, info, debug or trace, or a filter such as info,orch_store=debug".to_owned())
        }
    }
}

fn is_level(word: &str) -> bool {
    matches!(word, "off" | "error" | "warn" | "info" | "debug" | "trace")
}

fn format(text: &str) -> Result<LogFormat, String> {
    match text.to_ascii_lowercase().as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("expected text or json".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_with_pythons_names_and_typos_are_refused() {
        assert_eq!(filter("WARNING"), Ok("warn".to_owned()));
        assert_eq!(filter("Debug"), Ok("debug".to_owned()));
        assert_eq!(
            filter("info,orch_store=debug"),
            Ok("info,orch_store=debug".to_owned())
        );
        assert!(filter("verbose").is_err());
        assert!(filter("orch_store=loud").is_err());
    }
}
