//! Which crate may link which, from `cargo metadata`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// Each crate with the crates of ours that it may link.
const ALLOWED: [(&str, &[&str]); 16] = [
    ("orch-core", &[]),
    ("orch-failpoint", &[]),
    ("orch-store", &["orch-core", "orch-failpoint"]),
    ("orch-api", &["orch-core"]),
    ("orch-sandbox", &["orch-core"]),
    ("orch-archive", &[]),
    ("orch-tools", &["orch-core", "orch-archive"]),
    ("orch-git", &["orch-core"]),
    ("orch-redact", &["orch-core"]),
    ("orch-model", &["orch-core"]),
    ("orch-mcp", &["orch-core", "orch-api", "orch-model"]),
    (
        "orch-agent",
        &[
            "orch-core",
            "orch-api",
            "orch-sandbox",
            "orch-tools",
            "orch-git",
            "orch-redact",
            "orch-failpoint",
        ],
    ),
    (
        "orch-server",
        &[
            "orch-core",
            "orch-api",
            "orch-store",
            "orch-archive",
            "orch-git",
            "orch-mcp",
            "orch-model",
            "orch-redact",
            "orch-failpoint",
        ],
    ),
    (
        "codex-orchestrator",
        &[
            "orch-core",
            "orch-api",
            "orch-archive",
            "orch-sandbox",
            "orch-tools",
            "orch-git",
            "orch-agent",
            "orch-mcp",
            "orch-server",
        ],
    ),
    ("crash", &["orch-failpoint"]),
    ("xtask", &["orch-server", "orch-failpoint"]),
];

/// What the core must not link: it is pure.
const IMPURE: [&str; 6] = ["tokio", "sqlx", "reqwest", "axum", "rand", "getrandom"];

/// Every edge that points the wrong way.
pub fn faults(root: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(root)
        .output()
        .context("failed to run cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("failed to read cargo metadata")?;
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let linked: Vec<&str> = package["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| dependency["name"].as_str())
            .collect();
        faults.extend(judge(name, &linked));
    }
    Ok(faults)
}

fn judge(name: &str, linked: &[&str]) -> Vec<String> {
    let ours = |dependency: &&&str| ALLOWED.iter().any(|(known, _)| *known == **dependency);
    let allowed = ALLOWED
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, allowed)| *allowed);
    let mut faults: Vec<String> = linked
        .iter()
        .filter(ours)
        .filter(|dependency| allowed.is_some_and(|allowed| !allowed.contains(dependency)))
        .map(|dependency| format!("{name} must not link {dependency}"))
        .collect();
    if name == "orch-core" {
        let impure = linked
            .iter()
            .filter(|dependency| IMPURE.contains(dependency));
        faults.extend(
            impure.map(|dependency| format!("orch-core is pure and must not link {dependency}")),
        );
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_edge_is_named() {
        assert_eq!(
            judge("orch-agent", &["orch-core", "orch-store"]),
            ["orch-agent must not link orch-store"]
        );
        assert_eq!(
            judge("orch-core", &["tokio"]),
            ["orch-core is pure and must not link tokio"]
        );
        assert_eq!(
            judge("orch-server", &["orch-store", "axum"]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn layers_of_this_repository_point_one_way() {
        assert_eq!(faults(&crate::root()).unwrap(), Vec::<String>::new());
    }
}
