//! The log of server and agent, on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};
use crate::failure::Failure;
use crate::output::Paint;

/// Starts the log.
pub fn start(settings: &LogSettings) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.filter)
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
