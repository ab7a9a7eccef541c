//! How the installed Codex would be used, where it carries runs out.

use orch_agent::codex::{CodexSetup, survey};

use super::checks::Check;

/// Looks at the Codex CLI.
pub async fn checks(setup: Option<&CodexSetup>, path: &str) -> Vec<Check> {
    let Some(setup) = setup else {
        return Vec::new();
    };
    match survey(setup, path).await {
        Err(error) => vec![Check::failed("codex", error.to_string())],
        Ok(found) => {
            let warnings = found.warnings.into_iter();
            let warnings = warnings.map(|text| Check::warning("codex", text));
            [Check::ok("codex", found.summary)]
                .into_iter()
                .chain(warnings)
                .collect()
        }
    }
}
