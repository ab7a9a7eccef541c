//! `secret`: set, list, rm, reseal. A value comes from a file or standard input, never from an
//! argument, which every process on the machine could read.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use orch_api::types::secret::{HiddenText, SetSecret};
use orch_core::secret::MAX_VALUE_BYTES;

use super::{Connect, Context, Listing, ids};
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `secret`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Set a secret: the value is read from a file, or from standard input
    Set {
        #[command(flatten)]
        named: Named,
        /// File whose bytes are the value; without one it is standard input, less one newline at its end
        #[arg(long, value_name = "PATH")]
        file: Option<String>,
    },
    /// List the secrets of a project, without values
    List {
        /// The project's id
        #[arg(long, short, value_parser = ids::id())]
        project: i64,
        #[command(flatten)]
        listing: Listing,
    },
    /// Remove a secret
    #[command(visible_alias = "remove")]
    Rm {
        #[command(flatten)]
        named: Named,
    },
    /// Seal all secrets and answers anew with the first of the server's keys
    Reseal,
}

/// Which secret.
#[derive(clap::Args, Debug)]
struct Named {
    /// Its name: capital letters, digits and underscores, such as DB_PASSWORD
    name: String,
    /// The project's id
    #[arg(long, short, value_parser = ids::id())]
    project: i64,
    /// Only for runs of this environment; it wins over the project's own
    #[arg(long, short, value_name = "NAME")]
    environment: Option<String>,
}

/// Runs `secret`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::Set { named, file } => {
            let value = SetSecret {
                value: None,
                value_base64: Some(HiddenText(STANDARD.encode(value(file.as_deref())?))),
            };
            let environment = named.environment.as_deref();
            let set = client
                .set_secret(named.project, &named.name, environment, &value)
                .await?;
            context.output.one(&set)?;
            if let Some(warning) = &set.warning {
                context.output.warn(warning);
            }
        }
        Action::List { project, listing } => {
            let page = listing
                .collect(async |paging| client.secrets(project, &paging).await)
                .await?;
            context.output.page(&page)?;
        }
        Action::Rm { named } => {
            let environment = named.environment.as_deref();
            client
                .remove_secret(named.project, &named.name, environment)
                .await?;
            context.output.note(&format!("removed {}", named.name));
        }
        Action::Reseal => {
            let done = client.reseal_secrets().await?;
            context.output.one(&done)?;
            if done.unreadable > 0 {
                let message = format!(
                    "{} values could not be opened, and stay as they are",
                    done.unreadable
                );
                return Err(Failure::new(Exit::Failed, message).next_step(
                    "add the key that sealed them to ORCH_SECRET_KEY, behind the new one, and reseal again; drop no key before",
                ));
            }
        }
    }
    Ok(Exit::Done)
}

fn value(file: Option<&str>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let most = MAX_VALUE_BYTES as u64 + 2;
    let read = match file {
        Some(path) => File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)),
        None => {
            if io::stdin().is_terminal() {
                let failure = Failure::usage("a secret typed here would show on the terminal");
                return Err(failure.next_step("pipe it in, or name a file with --file PATH"));
            }
            io::stdin().take(most).read_to_end(&mut bytes)
        }
    };
    let name = file.map_or_else(|| "standard input".to_owned(), |path| format!("`{path}`"));
    read.map_err(|error| Failure::usage(format!("failed to read {name}")).caused_by(&error))?;
    if file.is_none() && bytes.last() == Some(&b'\n') {
        bytes.pop();
        // Of a line that ends as on Windows, both go.
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.len() > MAX_VALUE_BYTES {
        return Err(Failure::usage(format!(
            "{name} holds more than {MAX_VALUE_BYTES} bytes, the most that a secret may have"
        )));
    }
    if bytes.is_empty() {
        return Err(Failure::usage(format!(
            "{name} is empty: a secret needs a value"
        )));
    }
    Ok(bytes)
}
