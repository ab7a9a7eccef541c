//! `man`: the manual pages, made from the same declarations as `--help`.

use std::path::PathBuf;

use clap::CommandFactory;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Arguments of `man`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Write a page for every command into this folder, instead of printing the main one
    #[arg(long, value_name = "FOLDER")]
    out_dir: Option<PathBuf>,
}

/// Runs `man`.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let Some(folder) = &args.out_dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        output.bytes(&page)?;
        return Ok(Exit::Done);
    };
    let failed = |error| {
        Failure::new(
            Exit::Failed,
            format!("failed to write the manual pages to {}", folder.display()),
        )
        .caused_by(&error)
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    output.done(&format!("manual pages written to {}", folder.display()));
    Ok(Exit::Done)
}
