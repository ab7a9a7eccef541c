//! What would run, and with what rights: a dry run starts nothing.

use std::collections::BTreeMap;

use orch_core::recipe::{Network, Output, Recipe, Step, rights};
use orch_core::secret::{Delivery, SecretUse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a run would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DryRun {
    /// `null` where a recipe alone was looked at.
    pub work_item_id: Option<i64>,
    pub title: Option<String>,
    /// Where its files come from; `null` is nowhere, or not known.
    pub source: Option<DryRunSource>,
    /// In order. Empty where the agent plans them when the run begins.
    pub steps: Vec<DryRunStep>,
    pub tools: Vec<DryRunTool>,
    pub rights: DryRunRights,
    /// What is kept of the workspace at the run's end.
    #[serde(default)]
    pub artifacts: Vec<DryRunArtifact>,
    /// `null` where a recipe alone was looked at.
    pub approval: Option<DryRunApproval>,
    /// The agents that are connected, and what each would refuse.
    pub agents: Vec<DryRunAgent>,
    /// What cannot be told before the run begins.
    pub unknown: Vec<String>,
}

/// The commit that would be worked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRunSource {
    pub repository: String,
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// `null` is resolved when the run begins.
    pub commit: Option<String>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DryRunStep {
    /// From 1.
    pub number: u32,
    pub name: Option<String>,
    pub run: String,
    /// The names of its own variables.
    pub env: Vec<String>,
    /// Relative to the workspace.
    pub cwd: String,
    /// `null` is no limit of its own.
    pub timeout_seconds: Option<f64>,
    /// Whether it may be repeated without a person's word.
    pub idempotent: bool,
    /// The secrets that it alone gets.
    #[serde(default)]
    pub secrets: Vec<DryRunSecret>,
    /// What is kept of the workspace at its end.
    #[serde(default)]
    pub artifacts: Vec<DryRunArtifact>,
}

/// A secret by its name; no value is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRunSecret {
    pub name: String,
    /// variable or file.
    #[serde(rename = "as")]
    pub form: String,
    /// The variable that holds its value, or the path of its file.
    pub variable: String,
}

/// Files that are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRunArtifact {
    /// A path or a pattern in the workspace.
    pub path: String,
    /// What it is called in place of its path.
    pub name: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// A tool that must be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRunTool {
    pub name: String,
    pub version: Option<String>,
    pub checksum: Option<String>,
    /// The names of the variables that it sets in every step.
    pub env: Vec<String>,
}

/// What the steps may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRunRights {
    /// none, listed or any.
    #[schema(example = "none")]
    pub network: String,
    /// The hosts that are listed.
    pub hosts: Vec<String>,
    /// What may be written: the workspace, home, temporary files, and protected names that the
    /// recipe opens.
    pub writable: Vec<String>,
    pub capabilities: Vec<String>,
    /// What an agent with a sandbox refuses of it, whatever its settings: the run would fail.
    #[serde(default)]
    pub refused: Vec<String>,
}

/// Whether somebody has to approve it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRunApproval {
    pub needed: bool,
    /// Why it could not start now, or that it could.
    pub state: String,
    /// Steps that the agent plans need an approval of their own.
    pub of_planned_steps: bool,
}

/// An agent that could take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRunAgent {
    pub name: String,
    /// `null` where it did not say; `process` is no sandbox.
    pub sandbox: Option<String>,
    /// What it bounds a run to.
    pub limits: BTreeMap<String, String>,
    /// What it would refuse, with the policy's name.
    pub denied: Vec<String>,
}

impl DryRun {
    /// What a recipe says.
    #[must_use]
    pub fn of(recipe: &Recipe) -> Self {
        let steps: Vec<DryRunStep> = (1..)
            .zip(&recipe.steps)
            .map(|(number, step)| DryRunStep::of(number, step))
            .collect();
        let tools = recipe.tools.iter().map(|tool| DryRunTool {
            name: tool.name.clone(),
            version: tool.version.clone(),
            checksum: tool.checksum.as_ref().map(ToString::to_string),
            env: tool.env.keys().cloned().collect(),
        });
        let mut unknown = Vec::new();
        if steps.is_empty() {
            unknown.push("the steps: the agent plans them when the run begins".to_owned());
        }
        Self {
            steps,
            tools: tools.collect(),
            rights: DryRunRights::of(recipe),
            artifacts: recipe.artifacts.iter().map(DryRunArtifact::of).collect(),
            unknown,
            ..Self::default()
        }
    }
}

impl DryRunStep {
    fn of(number: u32, step: &Step) -> Self {
        Self {
            number,
            name: step.name.clone(),
            run: step.run.clone(),
            env: step.env.keys().cloned().collect(),
            cwd: step.folder(),
            timeout_seconds: step.timeout.map(|timeout| timeout.as_secs_f64()),
            idempotent: step.is_idempotent(),
            secrets: step.secrets.iter().map(DryRunSecret::of).collect(),
            artifacts: step.artifacts.iter().map(DryRunArtifact::of).collect(),
        }
    }
}

impl DryRunSecret {
    fn of(used: &SecretUse) -> Self {
        let (form, variable) = match &used.delivery {
            Delivery::Variable(variable) => ("variable", variable),
            Delivery::File(variable) => ("file", variable),
        };
        Self {
            name: used.name.as_str().to_owned(),
            form: form.to_owned(),
            variable: variable.clone(),
        }
    }
}

impl DryRunArtifact {
    fn of(output: &Output) -> Self {
        Self {
            path: output.path().to_owned(),
            name: output.name.clone(),
            kind: output.kind.clone(),
        }
    }
}

impl DryRunRights {
    fn of(recipe: &Recipe) -> Self {
        let mut hosts: Vec<String> = Vec::new();
        let mut is_open = false;
        for network in rights::networks(recipe) {
            match network {
                Network::Denied => {}
                Network::Open => is_open = true,
                Network::Hosts(listed) => hosts.extend(listed.iter().cloned()),
            }
        }
        hosts.sort();
        hosts.dedup();
        let permissions = recipe.permissions.clone().unwrap_or_default();
        let opened = permissions.filesystem.iter();
        let opened = opened.filter_map(|asked| rights::opened(asked).ok().flatten());
        let own = ["workspace", "home", "tmp"].map(str::to_owned);
        let sandboxed = rights::Policy {
            sandbox: Some("bubblewrap"),
            allowed_hosts: None,
        };
        let refused = rights::denied(recipe, sandboxed).into_iter();
        Self {
            refused: refused.map(|denied| denied.to_string()).collect(),
            network: match (is_open, hosts.is_empty()) {
                (true, _) => "any",
                (false, false) => "listed",
                (false, true) => "none",
            }
            .to_owned(),
            hosts,
            writable: own
                .into_iter()
                .chain(opened.map(|name| format!("workspace/{name}")))
                .collect(),
            capabilities: permissions.capabilities,
        }
    }
}

impl DryRunAgent {
    /// An agent by what it said of itself, and what it would refuse of this recipe.
    #[must_use]
    pub fn of(name: String, labels: &[String], recipe: &Recipe) -> Self {
        let said = |key: &str| {
            let prefix = format!("{key}=");
            labels
                .iter()
                .find_map(|label| label.strip_prefix(&prefix).map(str::to_owned))
        };
        let sandbox = said("sandbox");
        let hosts: Option<Vec<String>> =
            said("hosts").map(|hosts| hosts.split(',').map(str::to_owned).collect());
        let policy = rights::Policy {
            sandbox: sandbox.as_deref().filter(|sandbox| *sandbox != "process"),
            allowed_hosts: hosts.as_deref(),
        };
        let denied = rights::denied(recipe, policy).into_iter();
        let limits = labels.iter().filter_map(|label| {
            let (key, value) = label.strip_prefix("limit.")?.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        });
        Self {
            name,
            denied: denied.map(|denied| denied.to_string()).collect(),
            limits: limits.collect(),
            sandbox,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_shows_its_steps_and_its_rights_without_values() {
        let yaml = "permissions: {network: [a.example], filesystem: [.git]}\nsteps:\n  - make\n  - \
                    {run: pay, name: pay, env: {KEY: hush}, timeout: 1.5, cwd: ./x, idempotent: false, \
                    secrets: [{name: CARD, file: CARD_FILE}], artifacts: [{path: 'receipts/*', type: report}]}\nartifacts: ['out/**']\n";
        let shown = DryRun::of(&orch_core::recipe::parse(yaml).unwrap());
        assert_eq!(
            shown.steps[1],
            DryRunStep {
                number: 2,
                name: Some("pay".to_owned()),
                run: "pay".to_owned(),
                env: vec!["KEY".to_owned()],
                cwd: "x".to_owned(),
                timeout_seconds: Some(1.5),
                idempotent: false,
                secrets: vec![DryRunSecret {
                    name: "CARD".to_owned(),
                    form: "file".to_owned(),
                    variable: "CARD_FILE".to_owned(),
                }],
                artifacts: vec![DryRunArtifact {
                    path: "receipts/*".to_owned(),
                    name: None,
                    kind: Some("report".to_owned()),
                }],
            }
        );
        assert_eq!(shown.artifacts[0].path, "out/**");
        assert_eq!(shown.rights.refused, Vec::<String>::new());
        assert_eq!(shown.rights.network, "listed");
        assert_eq!(
            shown.rights.writable,
            ["workspace", "home", "tmp", "workspace/.git"]
        );
        assert!(!serde_json::to_string(&shown).unwrap().contains("hush"));
    }

    #[test]
    fn what_every_sandbox_refuses_is_told_without_an_agent() {
        let yaml = "permissions: {filesystem: [/etc], capabilities: [SYS_ADMIN]}\nsteps: [x]";
        let shown = DryRun::of(&orch_core::recipe::parse(yaml).unwrap());
        let refused = shown.rights.refused.join("\n");
        assert!(
            refused.contains("SYS_ADMIN") && refused.contains("/etc"),
            "{refused}"
        );
    }

    #[test]
    fn an_agent_says_what_it_would_refuse() {
        let recipe = orch_core::recipe::parse("permissions: {network: true}\nsteps: [a]").unwrap();
        let labels =
            ["sandbox=bubblewrap", "hosts=a.example", "limit.memory=512M"].map(str::to_owned);
        let agent = DryRunAgent::of("a".to_owned(), &labels, &recipe);
        assert_eq!(agent.sandbox.as_deref(), Some("bubblewrap"));
        assert_eq!(agent.limits["memory"], "512M");
        assert!(
            agent.denied[0].contains("AGENT_ALLOWED_HOSTS"),
            "{:?}",
            agent.denied
        );
    }
}
