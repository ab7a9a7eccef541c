//! How runs' workspaces come about and how long they stay, from the agent's environment names.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use orch_git::{Git, GitError, Mirrors, SshKey};

use crate::{AgentError, confine::parse_bytes, kept::Keeping};

/// What one mirror may grow to unless a cap says less.
const MIRROR_BYTES: u64 = 20 << 30;

/// How workspaces are made and kept.
#[derive(Clone, Debug)]
pub struct WorkspaceSetup {
    /// For repositories over ssh (`AGENT_GIT_SSH_KEY`, `AGENT_GIT_SSH_KNOWN_HOSTS`); without one
    /// they are refused.
    pub ssh: Option<SshKey>,
    /// How long one call of git may take (`AGENT_GIT_TIMEOUT`).
    pub git_timeout: Duration,
    /// What all workspaces and mirrors together may take up (`AGENT_DISK_CAP`).
    pub disk_cap_bytes: Option<u64>,
    /// How long workspaces stay after a failure; zero is not at all (`AGENT_KEEP_FAILED`).
    pub keep_failed: Duration,
    /// What those that stay may take up, oldest first to go (`AGENT_KEEP_FAILED_BYTES`).
    pub keep_failed_bytes: u64,
    /// What a workspace may hold to be kept between steps; zero is none (`AGENT_SNAPSHOT_BYTES`).
    pub snapshot_bytes: u64,
}

impl Default for WorkspaceSetup {
    fn default() -> Self {
        Self {
            ssh: None,
            git_timeout: Duration::from_secs(600),
            disk_cap_bytes: None,
            keep_failed: Duration::from_secs(24 * 3600),
            keep_failed_bytes: 5 << 30,
            snapshot_bytes: 256 << 20,
        }
    }
}

impl WorkspaceSetup {
    /// The git of this search path, as it may be used.
    pub(crate) fn git(&self, path: &str) -> Result<Git, GitError> {
        Ok(Git::find(path, self.git_timeout)?.with_ssh(self.ssh.clone()))
    }

    /// What stays after a failure.
    pub(crate) fn keeping(&self) -> Keeping {
        Keeping {
            time: self.keep_failed,
            max_bytes: self.keep_failed_bytes,
        }
    }

    /// Where repositories are mirrored.
    pub(crate) fn mirrors(&self, state_dir: &std::path::Path) -> Mirrors {
        let most = self
            .disk_cap_bytes
            .unwrap_or(MIRROR_BYTES)
            .min(MIRROR_BYTES);
        Mirrors::new(state_dir.join("mirrors"), most)
    }
}

/// Reads the variables of workspaces.
pub(crate) struct Variables<'v>(pub(crate) &'v BTreeMap<String, String>);

impl Variables<'_> {
    /// Applies them over these settings.
    pub(crate) fn apply(&self, setup: &mut WorkspaceSetup) -> Result<(), AgentError> {
        let hosts = self.file("AGENT_GIT_SSH_KNOWN_HOSTS")?;
        if let Some(key) = self.file("AGENT_GIT_SSH_KEY")? {
            let known_hosts = hosts;
            setup.ssh = Some(SshKey { key, known_hosts });
        }
        if let Some(text) = self.get("AGENT_GIT_TIMEOUT") {
            let seconds = text
                .parse::<u64>()
                .ok()
                .filter(|s| (1..=86_400).contains(s));
            let expected = "whole seconds from 1 to 86400";
            let seconds = seconds.ok_or_else(|| setting("AGENT_GIT_TIMEOUT", text, expected))?;
            setup.git_timeout = Duration::from_secs(seconds);
        }
        if let Some(text) = self.get("AGENT_DISK_CAP") {
            let bytes = parse_bytes(text).filter(|bytes| *bytes >= 16 << 20);
            let expected = "bytes from 16M on, such as 20G";
            setup.disk_cap_bytes =
                Some(bytes.ok_or_else(|| setting("AGENT_DISK_CAP", text, expected))?);
        }
        if let Some(text) = self.get("AGENT_KEEP_FAILED") {
            let expected = "a time such as 24h, 90m or 7d (up to 365d), or 0 for not at all";
            let time =
                parse_time(text).ok_or_else(|| setting("AGENT_KEEP_FAILED", text, expected))?;
            setup.keep_failed = time;
        }
        let size = |name, value: &mut u64| {
            let Some(text) = self.get(name) else {
                return Ok::<(), AgentError>(());
            };
            let expected = "bytes such as 256M, or 0 for none";
            *value = parse_bytes(text).ok_or_else(|| setting(name, text, expected))?;
            Ok(())
        };
        size("AGENT_KEEP_FAILED_BYTES", &mut setup.keep_failed_bytes)?;
        size("AGENT_SNAPSHOT_BYTES", &mut setup.snapshot_bytes)?;
        Ok(())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.trim();
        Some(value).filter(|value| !value.is_empty())
    }

    fn file(&self, name: &'static str) -> Result<Option<PathBuf>, AgentError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let path = PathBuf::from(text);
        match path.is_absolute() && path.is_file() {
            true => Ok(Some(path)),
            false => Err(setting(
                name,
                text,
                "the absolute path of a file that is there",
            )),
        }
    }
}

/// At most a year.
fn parse_time(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (at, unit) = text.char_indices().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return None,
    };
    let seconds = text[..at].parse::<u64>().ok()?.checked_mul(seconds)?;
    (seconds <= 365 * 24 * 3600).then(|| Duration::from_secs(seconds))
}

fn setting(name: &'static str, value: &str, expected: &'static str) -> AgentError {
    AgentError::Setting {
        name,
        value: value.to_owned(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<WorkspaceSetup, String> {
        let env = [(name.to_owned(), value.to_owned())].into();
        let mut setup = WorkspaceSetup::default();
        let read = Variables(&env).apply(&mut setup);
        read.map(|()| setup).map_err(|error| error.to_string())
    }

    #[test]
    fn values_that_cannot_be_used_are_named_with_what_is_expected() {
        assert_eq!(
            read("AGENT_DISK_CAP", "2G").unwrap().disk_cap_bytes,
            Some(2 << 30)
        );
        assert_eq!(
            read("AGENT_DISK_CAP", "2").unwrap_err(),
            "AGENT_DISK_CAP is \"2\"; expected bytes from 16M on, such as 20G"
        );
        assert_eq!(
            read("AGENT_GIT_SSH_KEY", "/nowhere/key").unwrap_err(),
            "AGENT_GIT_SSH_KEY is \"/nowhere/key\"; expected the absolute path of a file that is there"
        );
        let hours = read("AGENT_KEEP_FAILED", "2h").unwrap().keep_failed;
        assert_eq!(hours, Duration::from_secs(7200));
        assert!(
            read("AGENT_KEEP_FAILED", "0")
                .unwrap()
                .keep_failed
                .is_zero()
        );
        assert!(read("AGENT_KEEP_FAILED", "24").unwrap_err().contains("24h"));
        assert_eq!(
            read("AGENT_GIT_TIMEOUT", "0").unwrap_err(),
            "AGENT_GIT_TIMEOUT is \"0\"; expected whole seconds from 1 to 86400"
        );
    }
}
