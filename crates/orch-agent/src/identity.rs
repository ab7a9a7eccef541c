//! The agent's name across restarts.
//!
//! Made once and kept in the state folder, so that a restarted agent is known as the one that held
//! its runs. Never changes a name that is there.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    io::{self, Write},
    path::Path,
};

use orch_core::ids::AgentName;

use crate::AgentError;

const FILE: &str = "agent-id";

/// The name kept in `state_dir`, made there at the first time.
///
/// # Errors
/// When the file cannot be read or written, or holds no name.
pub(crate) fn load_or_make(state_dir: &Path) -> Result<AgentName, AgentError> {
    let path = state_dir.join(FILE);
    let failed = |action| {
        let path = path.clone();
        move |source| AgentError::Identity {
            action,
            path,
            source,
        }
    };
    match fs::read_to_string(&path) {
        Ok(text) => {
            return AgentName::parse(&text).ok_or(AgentError::InvalidIdentity { path });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("read")(error)),
    }
    fs::create_dir_all(state_dir).map_err(failed("make the folder of"))?;
    let name = format!(
        "agent-{:016x}",
        RandomState::new().hash_one(std::process::id())
    );
    // Renamed into place: a crash in between leaves no half name behind.
    let new = path.with_extension("new");
    let written = fs::File::create(&new).and_then(|mut file| {
        writeln!(file, "{name}")?;
        file.sync_all()
    });
    written
        .and_then(|()| fs::rename(&new, &path))
        .map_err(failed("write"))?;
    Ok(AgentName::parse(&name).expect("invariant: a made name is a valid one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_once_and_kept() {
        let top = tempfile::tempdir().unwrap();
        let state = top.path().join("state");
        let first = load_or_make(&state).unwrap();
        assert!(first.as_str().starts_with("agent-"), "{first}");
        assert_eq!(load_or_make(&state).unwrap(), first);
        let other = load_or_make(&top.path().join("other")).unwrap();
        assert_ne!(other, first);
    }

    #[test]
    fn a_file_without_a_name_is_refused_and_kept() {
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join(FILE), "\n").unwrap();
        let refusal = load_or_make(top.path()).unwrap_err().to_string();
        assert!(refusal.contains("holds no agent id"), "{refusal}");
        assert_eq!(fs::read_to_string(top.path().join(FILE)).unwrap(), "\n");
    }
}
