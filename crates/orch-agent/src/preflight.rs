//! What the agent's settings name and this machine lacks: it would fail every run, so the agent does not
//! begin to take any.

use orch_sandbox::{exec::which, sandbox::Backend};

use crate::{AgentConfig, AgentError, Executor};

/// Something that a setting names and that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// The environment variable.
    pub setting: &'static str,
    /// What it names, why that cannot be used, and what to do.
    pub what: String,
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.setting, self.what)
    }
}

impl AgentConfig {
    /// All that is missing; nothing where `backend` runs steps in an image, whose files are not
    /// known here.
    #[must_use]
    pub fn missing(&self, backend: Option<Backend>) -> Vec<Lack> {
        if matches!(backend, Some(Backend::Docker | Backend::Podman)) {
            return Vec::new();
        }
        let mut missing = Vec::new();
        let mut lacks = |setting, what| missing.push(Lack { setting, what });
        if which(&self.shell.to_string_lossy(), &self.path).is_none() {
            let shell = self.shell.display();
            lacks(
                "AGENT_SHELL",
                format!("is {shell}, which is no program here: install it, or name another shell"),
            );
        }
        for path in self.sandbox.read.iter().filter(|path| !path.exists()) {
            let path = path.display();
            lacks(
                "AGENT_SANDBOX_READ",
                format!("names {path}, which is not there: make it, or take it out"),
            );
        }
        if let Executor::Command(setup) = &self.executor
            && which(&setup.argv[0], &self.path).is_none()
        {
            let program = &setup.argv[0];
            lacks(
                "AGENT_COMMAND",
                format!(
                    "runs {program}, which is no program on the agent's PATH: install it, or name it by its path"
                ),
            );
        }
        missing
    }

    pub(crate) fn preflight(&self, backend: Backend) -> Result<(), AgentError> {
        match self.missing(Some(backend)).as_slice() {
            [] => Ok(()),
            missing => {
                let named: Vec<String> = missing.iter().map(ToString::to_string).collect();
                Err(AgentError::Missing(named.join("; ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_settings_name_and_the_machine_lacks_is_told_before_any_run() {
        let mut config = AgentConfig::new("http://localhost", "/var/lib/none");
        assert_eq!(config.missing(Some(Backend::Process)), Vec::<Lack>::new());
        config.shell = "/nonexistent/sh".into();
        config.sandbox.read = vec!["/usr".into(), "/nonexistent/data".into()];
        let missing = config.missing(Some(Backend::Bubblewrap));
        assert_eq!(missing.len(), 2, "{missing:?}");
        let said = [0, 1].map(|at| missing[at].to_string());
        assert!(said[0].contains("AGENT_SHELL") && said[1].contains("/nonexistent/data"));
        assert!(config.missing(Some(Backend::Docker)).is_empty());
        assert!(config.preflight(Backend::Landlock).is_err());
    }
}
