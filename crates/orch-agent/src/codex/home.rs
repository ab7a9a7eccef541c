//! Codex's own folder (`CODEX_HOME`) for one run: configuration, login, sessions.
//!
//! Each run has its own, readable by this user alone, and it goes when the run ends; while a run waits
//! or is interrupted its conversation stays, without the login. Never in a
//! folder for temporary files: Codex refuses to keep its helper programs there, and the commands it
//! runs could write to it. Blocks on the file system.

#[cfg(test)]
use std::collections::BTreeMap;
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Read as _, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use orch_core::digest::Digest;
use orch_sandbox::exec::remove_if_there;

use super::{
    CodexError, CodexSetup,
    provider::Route,
    template::{Config, Files, configure},
};

const AUTH: &str = "auth.json";
const MOST_LOGIN_BYTES: u64 = 256 * 1024;
const CONFIG: &str = "config.toml";
/// How the files end that `codex --profile` lays over the configuration.
const PROFILE_END: &str = ".config.toml";

/// The folder; dropping it removes it, and keeps a login that Codex renewed meanwhile.
#[derive(Debug)]
pub(super) struct CodexHome {
    path: PathBuf,
    login: Option<Login>,
    at_the_end: AtTheEnd,
}

#[derive(Clone, Copy, Debug)]
enum AtTheEnd {
    Goes,
    Stays,
}

/// What becomes of a folder that an earlier hold of the run left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    Goes,
    /// Its conversations stay.
    Stays,
}

/// Where the folder is and what the run's Codex may see.
pub(super) struct Site<'s> {
    pub(super) path: PathBuf,
    /// Names of variables that its commands may see.
    pub(super) visible: Vec<&'s str>,
    /// Whether files of the user's are within its reach.
    pub(super) reach: Reach,
    pub(super) earlier: Earlier,
    /// To the agent, which has the provider's keys.
    pub(super) route: Option<&'s Route>,
}

/// Whether the user's own files can be read by Codex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Everything,
    ItsFolder,
}

#[derive(Debug)]
struct Login {
    source: PathBuf,
    content: Vec<u8>,
}

impl CodexHome {
    /// Makes the folder for the run whose folder is given, from the user's configuration and login.
    #[cfg(test)]
    pub(super) fn create(
        setup: &CodexSetup,
        run_folder: &Path,
        run_env: &BTreeMap<String, String>,
    ) -> Result<(Self, Config), CodexError> {
        let site = Site {
            path: place(setup, run_folder)?,
            visible: run_env.keys().map(String::as_str).collect(),
            reach: Reach::Everything,
            earlier: Earlier::Goes,
            route: None,
        };
        Self::make(setup, site)
    }

    /// Makes the folder, from the user's configuration and login.
    pub(super) fn make(setup: &CodexSetup, site: Site<'_>) -> Result<(Self, Config), CodexError> {
        let path = site.path.clone();
        // A link that a command has put there leads anywhere.
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        if site.earlier == Earlier::Goes || !is_folder {
            remove_if_there(&path).map_err(failed("remove", &path))?;
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(failed("create folder", &path))?;
        let mut home = Self {
            path,
            login: None,
            at_the_end: AtTheEnd::Goes,
        };
        let config = read_config(setup, &site)?;
        home.write(CONFIG, config.text.as_bytes())?;
        for (source, name) in &config.copies {
            let content = fs::read(source).map_err(failed("read", source))?;
            home.write(name, &content)?;
        }
        home.copy_profiles(setup)?;
        if let Some(user_home) = &setup.user_home {
            let source = user_home.join(AUTH);
            if let Some(content) = read_if_there(&source)? {
                home.write(AUTH, &content)?;
                home.login = Some(Login { source, content });
            }
        }
        Ok((home, config))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The run goes on later: its conversation stays, without what gives access to the provider.
    pub(super) fn stay(&mut self) {
        self.at_the_end = AtTheEnd::Stays;
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), CodexError> {
        let file = self.path.join(name);
        remove_if_there(&file).map_err(failed("remove", &file))?;
        write_private(&file, content).map_err(failed("write", &file))
    }

    fn copy_profiles(&self, setup: &CodexSetup) -> Result<(), CodexError> {
        let folder = setup.config.as_deref().and_then(Path::parent);
        let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
        for entry in entries.into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.ends_with(PROFILE_END)) else {
                continue;
            };
            if let Some(content) = read_if_there(&entry.path())? {
                self.write(name, &content)?;
            }
        }
        Ok(())
    }

    /// A renewed login replaces the user's, whose one-time refresh token it has used up; one that
    /// somebody else has renewed meanwhile stays.
    fn keep_login(&self) -> io::Result<()> {
        let Some(Login { source, content }) = &self.login else {
            return Ok(());
        };
        let renewed = read_plain(&self.path.join(AUTH))?;
        if renewed == *content || !is_renewal(content, &renewed) || fs::read(source)? != *content {
            return Ok(());
        }
        let new = source.with_extension("json.new");
        let _ = fs::remove_file(&new);
        write_private(&new, &renewed)?;
        fs::rename(new, source)
    }
}

impl Drop for CodexHome {
    fn drop(&mut self) {
        if let Err(error) = self.keep_login() {
            tracing::warn!(%error, "failed to keep a login that Codex may have renewed");
        }
        let gone = match self.at_the_end {
            AtTheEnd::Goes => self.path.clone(),
            AtTheEnd::Stays => self.path.join(AUTH),
        };
        if let Err(error) = remove_if_there(&gone) {
            tracing::warn!(path = %self.path.display(), %error, "failed to remove the folder of a run's Codex");
        }
    }
}

fn read_config(setup: &CodexSetup, site: &Site<'_>) -> Result<Config, CodexError> {
    let (file, text) = match &setup.config {
        Some(file) => {
            let text = fs::read_to_string(file).map_err(failed("read", file))?;
            (file.as_path(), text)
        }
        None => (Path::new(""), String::new()),
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let names = site.visible.iter().copied();
    let files = match site.reach {
        Reach::Everything => Files::Stay,
        Reach::ItsFolder => Files::Copied(&site.path),
    };
    configure(&text, folder, names, files, site.route).map_err(|error| CodexError::Template {
        path: file.to_owned(),
        reason: error.to_string().trim().to_owned(),
    })
}

/// In the run's folder, else in the user's cache.
pub(super) fn place(setup: &CodexSetup, run_folder: &Path) -> Result<PathBuf, CodexError> {
    let run_folder = fs::canonicalize(run_folder).map_err(failed("open", run_folder))?;
    if !is_temporary(&run_folder, setup) {
        return Ok(run_folder.join("codex"));
    }
    let folder = |name: &str| {
        let path = setup.agent_env.get(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let in_home = || Some(folder("HOME")?.join(".cache"));
    let cache = folder("XDG_CACHE_HOME").or_else(in_home);
    match cache.filter(|cache| !is_temporary(cache, setup)) {
        Some(cache) => {
            let run = run_folder.as_os_str().as_encoded_bytes();
            let name = Digest::of("orch/codex-home/v1", &[Some(run)]).to_hex();
            Ok(cache
                .join("codex-orchestrator/codex-homes")
                .join(&name[..24]))
        }
        None => Err(CodexError::TemporaryHome { path: run_folder }),
    }
}

fn is_temporary(path: &Path, setup: &CodexSetup) -> bool {
    let own = setup.agent_env.get("TMPDIR").map(Path::new);
    let own = own.filter(|folder| folder.is_absolute() && folder.parent().is_some());
    ["/tmp", "/var/tmp"]
        .map(Path::new)
        .into_iter()
        .chain(own)
        .any(|folder| path.starts_with(folder))
}

/// Reads a file that a command may have put there: no link, and no more than a login has.
fn read_plain(file: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let open = options.read(true).custom_flags(flags).open(file)?;
    if !open.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut content = Vec::new();
    open.take(MOST_LOGIN_BYTES).read_to_end(&mut content)?;
    Ok(content)
}

/// Whether this is the same account's login: a command could have written another's.
fn is_renewal(old: &[u8], new: &[u8]) -> bool {
    let account = |content: &[u8]| -> Option<serde_json::Value> {
        let login: serde_json::Value = serde_json::from_slice(content).ok()?;
        Some(login.get("tokens")?.get("account_id")?.clone())
    };
    let (old, new) = (account(old), account(new));
    new.is_some() && old == new
}

fn read_if_there(file: &Path) -> Result<Option<Vec<u8>>, CodexError> {
    match fs::read(file) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", file)(error)),
    }
}

fn write_private(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    file.write_all(content)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CodexError {
    let path = path.to_owned();
    move |source| CodexError::Home {
        action,
        path,
        source,
    }
}

#[cfg(test)]
#[path = "home_tests.rs"]
mod tests;
