//! From arguments to an exit code: parses, reads the settings, runs the command, reports a failure.

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::commands::{self, Context};
use crate::config::Settings;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Runs the program.
pub fn launch() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to be done where even this cannot be written.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()));
        }
    };
    let format = if cli.json { Format::Json } else { Format::Text };
    let mut output = Output::of_the_process(format);
    let ended = run(cli.command, cli.url, &mut output);
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}

fn run(command: Command, url: Option<String>, output: &mut Output) -> Result<Exit, Failure> {
    // These need no settings, and work beside a broken .env.
    let command = match command {
        Command::Completions(args) => return commands::completions::run(&args, output),
        Command::Man(args) => return commands::man::run(&args, output),
        command => command,
    };
    let settings = Settings::load()?;
    let runtime = match command.load() {
        Load::OneCommand => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build(),
        Load::Service => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build(),
    }
    .map_err(|error| {
        Failure::new(Exit::Failed, "failed to start the async runtime").caused_by(&error)
    })?;
    let ended = runtime.block_on(commands::dispatch(
        command,
        &mut Context {
            settings,
            url,
            output,
        },
    ));
    // A read of standard input that nobody waits for any more must not hold the program back.
    runtime.shutdown_background();
    ended
}

/// How much a command has to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    OneCommand,
    Service,
}
