//! `tool keygen` and `tool sign`: minisign's format, without a password.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use orch_tools::{Entry, SecretKey};
use serde::Serialize;

use crate::clock;
use crate::commands::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Details, Row};

/// Arguments of `tool keygen`.
#[derive(clap::Args, Debug)]
pub struct KeygenArgs {
    /// Where the secret key goes; the public one goes beside it, ending in .pub
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Arguments of `tool sign`.
#[derive(clap::Args, Debug)]
pub struct SignArgs {
    /// The catalog entries
    #[arg(value_name = "ENTRY", required = true)]
    entries: Vec<PathBuf>,
    /// File of the secret key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Debug, Serialize)]
struct Made {
    id: String,
    public_key: String,
    public_file: String,
    secret_file: String,
}

impl Details for Made {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("key", Cell::new(&self.id)),
            ("public key", Cell::new(&self.public_key)),
            ("public file", Cell::new(&self.public_file)),
            ("secret file", Cell::new(&self.secret_file)),
        ]
    }
}

#[derive(Debug, Serialize)]
struct Signed {
    entry: String,
    signature: String,
    key: String,
}

impl Row for Signed {
    const HEAD: &'static [&'static str] = &["entry", "signature", "key"];
    const NAME: &'static str = "entries";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.entry),
            Cell::new(&self.signature),
            Cell::new(&self.key),
        ]
    }
}

fn failed(action: &str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let message = format!("failed to {action} {}", path.display());
    move |error| Failure::new(Exit::Failed, message).caused_by(&error)
}

/// A file that was not there: whoever trusts a key would lose it with its file.
fn create(path: &Path, mode: u32) -> Result<File, Failure> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{} is already there", path.display())).next_step(
                "name another file, or move this one away if nothing needs its key any more",
            )
        }
        _ => failed("make the key", path)(error),
    })
}

/// Runs `tool keygen`.
pub fn keygen(args: &KeygenArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut entropy = [0; 40];
    getrandom::fill(&mut entropy).map_err(|error| {
        Failure::new(Exit::Failed, "the machine gives no randomness").caused_by(&error)
    })?;
    let key = SecretKey::from_entropy(&entropy);
    let public = key.public();
    let mut public_path = args.file.as_os_str().to_owned();
    public_path.push(".pub");
    let public_path = PathBuf::from(public_path);
    let mut public_file = create(&public_path, 0o644)?;
    let secret_file = create(&args.file, 0o600).inspect_err(|_| {
        // It was made a moment ago and is empty.
        let _ = std::fs::remove_file(&public_path);
    });
    let written = secret_file?.write_all(key.to_text().as_bytes());
    written.map_err(failed("write", &args.file))?;
    let written = public_file.write_all(public.to_text().as_bytes());
    written.map_err(failed("write", &public_path))?;
    context.output.one(&Made {
        id: public.id(),
        public_key: public
            .to_text()
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned(),
        public_file: public_path.display().to_string(),
        secret_file: args.file.display().to_string(),
    })?;
    context.output.note(
        "whoever has the secret file can sign: keep it away from agents; give agents the public file in AGENT_TOOL_KEYS",
    );
    Ok(Exit::Done)
}

/// Runs `tool sign`.
pub fn sign(args: &SignArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let text = std::fs::read_to_string(&args.key).map_err(failed("read the key", &args.key))?;
    let key = SecretKey::parse(&text).map_err(|error| {
        Failure::usage(format!("{} is no key that can sign", args.key.display())).caused_by(&error)
    })?;
    let mut signed = Vec::new();
    for path in &args.entries {
        let text = std::fs::read_to_string(path).map_err(failed("read", path))?;
        let entry = Entry::parse(&text, None, &[], path.clone()).map_err(|why| {
            Failure::usage(format!("{} is no catalog entry: {why}", path.display()))
        })?;
        let comment = format!(
            "{} {} signed {}",
            entry.name,
            entry.version.as_deref().unwrap_or("any version"),
            clock::now()
        );
        let mut beside = path.as_os_str().to_owned();
        beside.push(".minisig");
        let beside = PathBuf::from(beside);
        let signature = key.sign(text.as_bytes(), &comment);
        std::fs::write(&beside, signature).map_err(failed("write", &beside))?;
        signed.push(Signed {
            entry: path.display().to_string(),
            signature: beside.display().to_string(),
            key: key.public().id(),
        });
    }
    context.output.list(&signed)?;
    Ok(Exit::Done)
}
