//! Finding out which arguments the installed Codex accepts.
//!
//! Codex changes its command line between versions; what is passed to it is what its own help
//! names. Asked once for each binary, and again when the file has changed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use orch_sandbox::exec::{Command, ExecError, Exit, Program, which};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{CodexError, capture::capture};

const PROBE_TIME: Duration = Duration::from_secs(30);
const KILL_GRACE: Duration = Duration::from_secs(1);
const MAX_HELP_BYTES: usize = 256 * 1024;

/// The arguments of `codex exec`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Forms(BTreeSet<String>);

impl Forms {
    pub(super) fn accepts(&self, argument: &str) -> bool {
        self.0.contains(argument)
    }

    /// Reads the left column of a help text.
    fn read(help: &str) -> Self {
        let lines = help.lines().map(str::trim_start);
        let arguments = lines
            .filter(|line| line.starts_with('-'))
            .flat_map(|line| {
                line.split([' ', ',', '='])
                    .take_while(|word| is_column(word))
            })
            .filter(|word| word.starts_with('-'));
        Self(arguments.map(str::to_owned).collect())
    }

    #[cfg(test)]
    pub(super) fn of(flags: &[&str]) -> Self {
        Self(flags.iter().map(|flag| (*flag).to_owned()).collect())
    }
}

/// Whether a word still belongs to the arguments of a help line: a dash, or nothing, between them.
fn is_column(word: &str) -> bool {
    word.is_empty() || word.starts_with('-')
}

type Known = Mutex<HashMap<(PathBuf, Option<SystemTime>), Arc<Forms>>>;

/// The arguments that the binary's `exec` accepts; `bin` is looked for along the `PATH` of `env`.
pub(super) async fn forms(
    bin: &Path,
    cwd: &Path,
    env: &BTreeMap<String, String>,
    cancel: &CancellationToken,
) -> Result<Arc<Forms>, CodexError> {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    let name = bin.to_string_lossy().into_owned();
    let path = env.get("PATH").map_or("", String::as_str);
    let file = which(&name, path).ok_or_else(|| CodexError::Missing {
        bin: bin.to_owned(),
        path: path.to_owned(),
    })?;
    let changed = std::fs::metadata(&file).and_then(|metadata| metadata.modified());
    let key = (file, changed.ok());
    // Held while asking: runs that start together ask once.
    let mut known = KNOWN.get_or_init(Known::default).lock().await;
    if let Some(forms) = known.get(&key) {
        return Ok(Arc::clone(forms));
    }
    let forms = Arc::new(ask(&key.0, cwd, env, cancel).await?);
    known.insert(key, Arc::clone(&forms));
    Ok(forms)
}

/// Whether the binary has an app-server, or why not.
pub(super) async fn app_server(
    bin: &Path,
    cwd: &Path,
    env: &BTreeMap<String, String>,
    cancel: &CancellationToken,
) -> Result<(), String> {
    type Known = Mutex<HashMap<(PathBuf, Option<SystemTime>), bool>>;
    static KNOWN: OnceLock<Known> = OnceLock::new();
    let changed = std::fs::metadata(bin).and_then(|metadata| metadata.modified());
    let key = (bin.to_owned(), changed.ok());
    let mut known = KNOWN.get_or_init(Known::default).lock().await;
    let has = match known.get(&key) {
        Some(has) => *has,
        None => {
            let help = help(bin, "app-server", cwd, env, cancel).await;
            // A version without one takes the word for a prompt and shows its own usage.
            let has = help
                .map_err(|error| crate::text::chain(&error))?
                .lines()
                .any(|line| line.starts_with("Usage:") && line.contains("app-server"));
            known.insert(key, has);
            has
        }
    };
    match has {
        true => Ok(()),
        false => Err(format!("{} has no `app-server`", bin.display())),
    }
}

async fn ask(
    bin: &Path,
    cwd: &Path,
    env: &BTreeMap<String, String>,
    cancel: &CancellationToken,
) -> Result<Forms, CodexError> {
    Ok(Forms::read(&help(bin, "exec", cwd, env, cancel).await?))
}

async fn help(
    bin: &Path,
    subcommand: &str,
    cwd: &Path,
    env: &BTreeMap<String, String>,
    cancel: &CancellationToken,
) -> Result<String, CodexError> {
    let argv = [&*bin.to_string_lossy(), subcommand, "--help"];
    let command = Command {
        program: Program::Argv(argv.map(str::to_owned).into()),
        stdin: None,
        // Outside of any sandbox: nothing that a run has left in its folders has a say in it.
        env: env
            .get_key_value("PATH")
            .map(|(name, path)| (name.clone(), path.clone()))
            .into_iter()
            .collect(),
        cwd: match bin.is_absolute() {
            true => "/".into(),
            false => cwd.to_owned(),
        },
        timeout: Some(PROBE_TIME),
        kill_grace: KILL_GRACE,
        records: None,
    };
    let captured = capture(command, MAX_HELP_BYTES, cancel).await;
    let captured = captured.map_err(|source: ExecError| CodexError::Run {
        action: "ask codex for its arguments",
        source,
    })?;
    match captured.exit {
        Exit::Code(0) => Ok(captured.stdout),
        exit => Err(CodexError::Probe {
            bin: bin.to_owned(),
            subcommand: subcommand.to_owned(),
            exit: super::error::ended(exit),
            stderr: captured.stderr.text(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_from_both_layouts_of_a_help_text() {
        let help = "\
Usage: codex exec [OPTIONS]

Options:
  -c, --config <key=value>
          Override, as in `--not-this`; may start with
          a dash - or not
      --json                 Print events, see --neither
  -s, --sandbox <MODE>       read-only
      --color=<WHEN>
";
        assert_eq!(
            Forms::read(help),
            Forms::of(&["-c", "--config", "--json", "-s", "--sandbox", "--color"])
        );
    }
}
