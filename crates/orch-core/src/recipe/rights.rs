//! What a recipe asks for beyond its workspace, and what of it a policy denies.
//!
//! A recipe can only ask. The one answer counts where a run begins and where somebody only wants to
//! see what would run.

use super::{Network, Recipe};

/// Names at the top of a workspace that later programs would obey: no step writes them whose recipe does
/// not name them.
pub const PROTECTED: [&str; 15] = [
    ".git",
    // With it a folder can be a repository by itself.
    "HEAD",
    ".codex",
    ".claude",
    ".gemini",
    ".opencode",
    ".cursor",
    ".husky",
    ".githooks",
    ".mcp.json",
    ".cursorrules",
    "AGENTS.md",
    "CLAUDE.md",
    "GEMINI.md",
    "opencode.json",
];

/// A right that a recipe asks for and a policy does not give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the recipe asks for {right}, which is denied by {policy}; {advice}")]
pub struct Denied {
    pub right: String,
    pub policy: String,
    pub advice: &'static str,
}

/// What an agent gives.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policy<'p> {
    /// The sandbox that steps run in; none are plain processes.
    pub sandbox: Option<&'p str>,
    /// The only hosts that recipes may be given; any without a list.
    pub allowed_hosts: Option<&'p [String]>,
}

/// All that is denied, in the order in which it is asked for.
#[must_use]
pub fn denied(recipe: &Recipe, policy: Policy<'_>) -> Vec<Denied> {
    let mut all = Vec::new();
    let permissions = recipe.permissions.clone().unwrap_or_default();
    if let Some(sandbox) = policy.sandbox {
        all.extend(permissions.capabilities.iter().map(|capability| Denied {
            right: format!("the capability `{capability}`"),
            policy: format!("the sandbox `{sandbox}`, which gives none"),
            advice: "take it out of `permissions.capabilities`, or run it on an agent with \
                     AGENT_SANDBOX=process",
        }));
        let asked = permissions.filesystem.iter();
        all.extend(asked.filter_map(|asked| opened(asked).err()));
    }
    if let Some(allowed) = policy.allowed_hosts {
        all.extend(networks(recipe).flat_map(|network| outside(network, allowed)));
    }
    all
}

/// What the recipe and its tools may reach.
pub fn networks(recipe: &Recipe) -> impl Iterator<Item = &Network> {
    let permissions = recipe.permissions.as_ref();
    let own = permissions.map(|permissions| &permissions.network);
    recipe.tools.iter().map(|tool| &tool.network).chain(own)
}

/// What of a network no entry of the list covers.
fn outside(network: &Network, allowed: &[String]) -> Vec<Denied> {
    let denied = |right: String| Denied {
        right,
        policy: "the agent's AGENT_ALLOWED_HOSTS".to_owned(),
        advice: "list fewer hosts, or have the operator allow them",
    };
    match network {
        Network::Denied => Vec::new(),
        Network::Open => vec![denied("the whole network".to_owned())],
        Network::Hosts(hosts) => hosts
            .iter()
            .filter(|host| !allowed.iter().any(|may| covers(may, host)))
            .map(|host| denied(format!("the host `{host}`")))
            .collect(),
    }
}

/// Whether an allowed entry covers an asked one: itself, one port of it, or a name below it.
fn covers(allowed: &str, asked: &str) -> bool {
    let host = asked.rsplit_once(':').map_or(asked, |(host, _)| host);
    let below = allowed.strip_prefix('*').is_some_and(|above| {
        let name = host.strip_prefix("*.").unwrap_or(host);
        name.ends_with(above) || above.strip_prefix('.') == host.strip_prefix("*.")
    });
    allowed == asked || allowed == host || below
}

/// The protected name at the top of the workspace that a folder of the recipe's permissions opens,
/// if it does.
///
/// # Errors
/// When it leads out of the workspace, is a pattern, or lies within a protected name: who reads the
/// recipe must see all that it opens.
pub fn opened(asked: &str) -> Result<Option<String>, Denied> {
    let inside = ["/workspace", "workspace", ".", "./", "/tmp"];
    if inside.contains(&asked.trim_end_matches('/')) || asked == "./" {
        return Ok(None);
    }
    let relative = asked.strip_prefix("/workspace/").unwrap_or(asked);
    let relative = relative.strip_prefix("./").unwrap_or(relative);
    let leaves = relative.starts_with(['/', '~']) || relative.split('/').any(|part| part == "..");
    if leaves {
        return Err(Denied {
            right: format!("to write `{asked}`"),
            policy: "the workspace rule: steps write their workspace alone".to_owned(),
            advice: "name a folder inside the workspace",
        });
    }
    let denied = |policy: String, advice| {
        let right = format!("to write `{asked}`");
        Err(Denied {
            right,
            policy,
            advice,
        })
    };
    if relative.contains(['*', '?', '[']) {
        return denied(
            "the rule that each name is named: there are no patterns".to_owned(),
            "name what must be written; the rest of the workspace can be written anyway",
        );
    }
    let mut names = relative
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".");
    let Some(top) = names.next() else {
        return Ok(None);
    };
    if PROTECTED.contains(&top) && names.next().is_some() {
        return denied(
            format!("the protection of `{top}`, which is opened as a whole or not at all"),
            "name all of it where steps must write there, or leave it out",
        );
    }
    Ok(Some(top.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::parse;

    #[test]
    fn everything_that_is_denied_is_named() {
        let yaml = "permissions:\n  network: [a.example, b.example]\n  filesystem: [/etc, ./x]\n  \
                    capabilities: [docker]\nsteps: [true]\n";
        let recipe = parse(yaml).unwrap();
        let rights = |policy| -> Vec<String> {
            let denied = denied(&recipe, policy).into_iter();
            denied.map(|denied| denied.right).collect()
        };
        assert_eq!(rights(Policy::default()), Vec::<String>::new());
        let hosts = ["a.example".to_owned()];
        let strict = Policy {
            sandbox: Some("bubblewrap"),
            allowed_hosts: Some(&hosts),
        };
        assert_eq!(
            rights(strict),
            [
                "the capability `docker`",
                "to write `/etc`",
                "the host `b.example`"
            ]
        );
    }

    #[test]
    fn protected_names_are_opened_as_a_whole_and_by_their_names_alone() {
        for (asked, top) in [
            (".git", Some(".git")),
            ("/workspace/.git/", Some(".git")),
            ("./.git/.", Some(".git")),
            ("build/deep", Some("build")),
            (".", None),
            ("/workspace", None),
        ] {
            assert_eq!(opened(asked).unwrap().as_deref(), top, "{asked}");
        }
        for asked in [".git/hooks", "./.codex//prompts", "/workspace/.claude/a/b"] {
            let refusal = opened(asked).unwrap_err().to_string();
            assert!(refusal.contains("as a whole or not at all"), "{refusal}");
        }
        for asked in ["*", ".git*", "./[a-z]"] {
            let refusal = opened(asked).unwrap_err().to_string();
            assert!(refusal.contains("there are no patterns"), "{refusal}");
        }
    }
}
