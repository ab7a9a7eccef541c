//! The whole environment of a run's steps.
//!
//! Built from nothing: the agent's own variables, its tokens and keys among them, never get in. What
//! stands in a step wins over its tools, answers and the run's own variables.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use orch_api::proto::Assignment;
use orch_core::recipe::{Step, Tool};
use orch_sandbox::exec::{RunFolder, SecretFile, WorkspaceError, base_env};

use super::answers;

/// What all steps of a run have in common, and the files that go with it.
pub(super) struct Environment {
    common: BTreeMap<String, String>,
    /// Removed when this is dropped.
    _files: Vec<SecretFile>,
}

impl Environment {
    /// Writes the private files of answers and gathers the variables.
    pub(super) fn make(
        folder: &RunFolder,
        path: &str,
        assignment: &Assignment,
        tools: &[Tool],
    ) -> Result<Self, WorkspaceError> {
        let mut common = base_env(path, &folder.home(), &folder.tmp());
        common.extend(run_variables(assignment));
        // Rust by rustup hangs on a folder in the user's home, which is not the step's.
        common.extend(rustup_home().map(|folder| {
            let folder = folder.to_string_lossy().into_owned();
            ("RUSTUP_HOME".to_owned(), folder)
        }));
        for tool in tools {
            common.extend(tool.env.clone());
        }
        let given: &HashMap<String, String> = &assignment.answers;
        common.extend(answers::variables(given).map(|(name, value)| (name.clone(), value.clone())));
        let mut files = Vec::new();
        for answer in answers::files(given) {
            let file = folder.secret_file(answer.file_name, answer.content.as_bytes())?;
            let at = file.path().to_string_lossy().into_owned();
            common.insert(answer.variable.to_owned(), at);
            files.push(file);
        }
        Ok(Self {
            common,
            _files: files,
        })
    }

    /// With more of what every process gets.
    pub(super) fn with(mut self, more: BTreeMap<String, String>) -> Self {
        self.common.extend(more);
        self
    }

    /// What every process of the run gets.
    pub(super) fn common(&self) -> &BTreeMap<String, String> {
        &self.common
    }

    /// What this step gets.
    pub(super) fn of(&self, step: &Step) -> BTreeMap<String, String> {
        let mut env = self.common.clone();
        env.extend(step.env.clone());
        env
    }
}

/// The folder of the agent's own Rust toolchains, when there is one.
pub(super) fn rustup_home() -> Option<PathBuf> {
    let named = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".rustup"));
    let folder = named.or_else(usual)?;
    Some(folder).filter(|folder| folder.is_dir())
}

/// What tells a process which run it belongs to.
pub(super) fn run_variables(assignment: &Assignment) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = [
        ("ORCH_RUN_ID", assignment.run_id.to_string()),
        ("ORCH_WORK_ITEM_ID", assignment.work_item_id.to_string()),
        ("ORCH_ATTEMPT", assignment.attempt.to_string()),
        ("ORCH_TRACE_ID", assignment.trace_id.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(parent) = trace_parent(assignment) {
        variables.insert("TRACEPARENT".to_owned(), parent);
    }
    variables
}

/// W3C Trace Context, where the run's trace id is one. The span is the run under this hold.
fn trace_parent(assignment: &Assignment) -> Option<String> {
    let trace_id = assignment.trace_id.to_ascii_lowercase();
    let is_id = trace_id.len() == 32
        && trace_id.bytes().all(|byte| byte.is_ascii_hexdigit())
        && trace_id.bytes().any(|byte| byte != b'0');
    let span = (assignment.run_id.unsigned_abs() << 20) | (assignment.epoch & 0xF_FFFF) | 1 << 63;
    is_id.then(|| format!("00-{trace_id}-{span:016x}-01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(trace_id: &str) -> Assignment {
        Assignment {
            run_id: 3,
            epoch: 2,
            trace_id: trace_id.to_owned(),
            ..Assignment::default()
        }
    }

    #[test]
    fn a_trace_id_becomes_a_traceparent_and_nothing_else_does() {
        let trace_id = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(
            trace_parent(&assignment(trace_id)),
            Some(format!("00-{trace_id}-8000000000300002-01"))
        );
        for other in ["", "abc", &"0".repeat(32), &"g".repeat(32)] {
            assert_eq!(trace_parent(&assignment(other)), None, "{other:?}");
        }
    }
}
