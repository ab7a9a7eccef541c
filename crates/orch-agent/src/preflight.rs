//! What the agent's settings name and this machine lacks: it would fail every run, so the agent does not
//! begin to take any.

use orch_sandbox::{exec::which, sandbox::Backend};

use crate::{AgentConfig, AgentError, Executor};

impl AgentConfig {
    /// All that is missing, in words; nothing where `backend` runs steps in an image, whose files are not
    /// known here.
    #[must_use]
    pub fn missing(&self, backend: Option<Backend>) -> Vec<String> {
        if matches!(backend, Some(Backend::Docker | Backend::Podman)) {
            return Vec::new();
        }
        let mut missing = Vec::new();
        if which(&self.shell.to_string_lossy(), &self.path).is_none() {
            missing.push(format!(
                "AGENT_SHELL is {}, which is no program here: install it, or name another shell",
                self.shell.display()
            ));
        }
        for path in self.sandbox.read.iter().filter(|path| !path.exists()) {
            missing.push(format!(
                "AGENT_SANDBOX_READ names {}, which is not there: make it, or take it out",
                path.display()
            ));
        }
        if let Executor::Command(setup) = &self.executor
            && which(&setup.argv[0], &self.path).is_none()
        {
            missing.push(format!(
                "AGENT_COMMAND runs {}, which is no program on the agent's PATH: install it, or name it by its path",
                setup.argv[0]
            ));
        }
        missing
    }

    pub(crate) fn preflight(&self, backend: Backend) -> Result<(), AgentError> {
        match self.missing(Some(backend)).as_slice() {
            [] => Ok(()),
            missing => Err(AgentError::Missing(missing.join("; "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_settings_name_and_the_machine_lacks_is_told_before_any_run() {
        let mut config = AgentConfig::new("http://localhost", "/var/lib/none");
        assert_eq!(config.missing(Some(Backend::Process)), Vec::<String>::new());
        config.shell = "/nonexistent/sh".into();
        config.sandbox.read = vec!["/usr".into(), "/nonexistent/data".into()];
        let missing = config.missing(Some(Backend::Bubblewrap));
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(missing[0].contains("AGENT_SHELL") && missing[1].contains("/nonexistent/data"));
        assert!(config.missing(Some(Backend::Docker)).is_empty());
        assert!(config.preflight(Backend::Landlock).is_err());
    }
}
