//! The log of server and agent, on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};
use crate::failure::Failure;
use crate::output::Paint;

/// Starts the log.
pub fn start(settings: &LogSettings) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(quieter(&settings.filter))
        .map_err(|error| Failure::usage("the log level cannot be used").caused_by(&error))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let started = match settings.format {
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_ansi(false)
            .try_init(),
        LogFormat::Text => {
            let colours = io::stderr().is_terminal() && Paint::of(&io::stderr()) == Paint::Colours;
            builder.with_ansi(colours).try_init()
        }
    };
    started.map_err(|error| Failure::usage("failed to start the log").caused_by(&*error))
}

/// A filter under which a library tells no more than its warnings, where nobody asked for more: at `info` rmcp
/// writes down whole structures of each conversation.
fn quieter(filter: &str) -> String {
    let is_plain = filter.split(',').any(|part| part.trim() == "info");
    match is_plain && !filter.contains("rmcp") {
        true => format!("{filter},rmcp=warn"),
        false => filter.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::quieter;

    #[test]
    fn a_library_is_quieter_unless_more_is_asked_for() {
        assert_eq!(quieter("info"), "info,rmcp=warn");
        assert_eq!(
            quieter("info,orch_store=debug"),
            "info,orch_store=debug,rmcp=warn"
        );
        for filter in ["warn", "debug", "info,rmcp=info"] {
            assert_eq!(quieter(filter), filter);
        }
    }
}
