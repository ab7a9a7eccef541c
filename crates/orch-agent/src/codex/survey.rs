//! What an agent with these settings would do with the Codex that is installed, for people.

use std::{collections::BTreeMap, path::Path};

use tokio_util::sync::CancellationToken;

use super::{CodexError, CodexSetup, Mode, mode::Arguments, probe, program::installed};

/// How the installed Codex would be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The program that is started, and how it is talked to.
    pub summary: String,
    /// What is not as it should be, and what to do.
    pub warnings: Vec<String>,
}

/// Looks at the installed Codex.
///
/// # Errors
/// [`CodexError`] where no run could begin.
pub async fn survey(setup: &CodexSetup, path: &str) -> Result<Survey, CodexError> {
    let found = installed(&setup.bin, path)?;
    let env = BTreeMap::from([("PATH".to_owned(), path.to_owned())]);
    let mut warnings = Vec::new();
    let known = match Arguments::read(&setup.extra_args) {
        Err(argument) => Err(format!(
            "CODEX_ARGS holds `{argument}`, which `codex exec` alone takes"
        )),
        Ok(_) => {
            let cancel = CancellationToken::new();
            probe::app_server(&found.program, Path::new("/"), &env, &cancel).await
        }
    };
    let mode = match (known, setup.app.mode) {
        (_, Some(Mode::Exec)) => Mode::Exec,
        (Ok(()), _) => Mode::AppServer,
        (Err(why), Some(Mode::AppServer)) => return Err(CodexError::NoAppServer { why }),
        (Err(why), None) => {
            warnings.push(format!(
                "{why}: `codex exec` would be used, which can neither be steered nor ask for leave"
            ));
            Mode::Exec
        }
    };
    let hosts = match setup.provider_hosts() {
        hosts if hosts.is_empty() => {
            warnings.push(
                "no host of its model provider is known: name it in AGENT_CODEX_HOSTS, or a sandbox lets Codex reach none".to_owned(),
            );
            "no host".to_owned()
        }
        hosts => hosts.join(", "),
    };
    let how = match mode {
        Mode::Exec => "by `codex exec`".to_owned(),
        Mode::AppServer => {
            let budget = match setup.app.token_budget {
                Some(budget) => format!("{budget} tokens for a run"),
                None => "no bound on tokens".to_owned(),
            };
            let asks = setup.app.approval.name();
            format!("by its app-server, asks for leave {asks}, {budget}")
        }
    };
    Ok(Survey {
        summary: format!(
            "{}, {how}; its model provider is at {hosts}",
            found.program.display()
        ),
        warnings,
    })
}
