//! What an agent says of itself: how its steps run and what it gives. For people; nothing is
//! decided by it.

use std::collections::BTreeSet;

use orch_core::breakdown::{PROGRAMS, TOOLS_LABEL};
use orch_sandbox::{exec::which, sandbox::Backend};
use orch_tools::Catalog;

use crate::config::{AgentConfig, Executor};

/// So many tools of a catalog are told of.
const MOST_TOOLS: usize = 1_000;

/// `key=value` words.
pub(crate) fn of(config: &AgentConfig, backend: Backend) -> Vec<String> {
    let setup = &config.sandbox;
    let mut labels = vec![
        format!("sandbox={backend}"),
        match &config.executor {
            Executor::Shell => "executor=shell".to_owned(),
            Executor::Codex(_) => "executor=codex".to_owned(),
            Executor::Command(_) => "executor=command".to_owned(),
        },
    ];
    if let Some(hosts) = &setup.allowed_hosts {
        labels.push(format!("hosts={}", hosts.join(",")));
    }
    if backend != Backend::Process {
        let limits = &setup.limits;
        labels.extend([
            format!("limit.memory={}", size(limits.memory_bytes)),
            format!("limit.disk={}", size(limits.disk_bytes)),
            format!("limit.file={}", size(limits.file_bytes)),
            format!("limit.processes={}", limits.processes),
            format!("limit.open_files={}", limits.open_files),
        ]);
        let cpu = limits
            .cpu_percent
            .map(|percent| format!("limit.cpu={}", f64::from(percent) / 100.0));
        labels.extend(cpu);
    }
    labels
}

/// The tools that steps can have: those of the catalog, and well-known programs on their `PATH`. Reads the disk.
pub(crate) fn tools(config: &AgentConfig) -> String {
    let on_path = PROGRAMS.iter().map(|program| (*program).to_owned());
    let mut names: BTreeSet<String> = on_path
        .filter(|program| which(program, &config.path).is_some())
        .collect();
    let settings = &config.tools;
    let read = settings
        .catalog
        .as_ref()
        .map(|folder| Catalog::read(folder, &settings.keys));
    match read.transpose() {
        Ok(catalog) => {
            let entries = catalog.iter().flat_map(|catalog| catalog.entries());
            names.extend(entries.take(MOST_TOOLS).map(|entry| entry.name.clone()));
        }
        Err(error) => {
            tracing::warn!(%error, "the catalog of tools cannot be read: none of it is told of")
        }
    }
    let names: Vec<String> = names.into_iter().collect();
    format!("{TOOLS_LABEL}{}", names.join(","))
}

/// In the largest unit that leaves nothing over.
fn size(bytes: u64) -> String {
    let units = [
        (1_u64 << 40, "T"),
        (1 << 30, "G"),
        (1 << 20, "M"),
        (1 << 10, "K"),
    ];
    let fits = units
        .iter()
        .find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    fits.map_or_else(
        || bytes.to_string(),
        |(unit, name)| format!("{}{name}", bytes / unit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_says_its_sandbox_and_what_it_bounds() {
        let config = AgentConfig::new("http://127.0.0.1:1", "/state");
        assert_eq!(
            of(&config, Backend::Process),
            ["sandbox=process", "executor=shell"]
        );
        let bare = AgentConfig {
            path: "/nowhere".to_owned(),
            ..config.clone()
        };
        assert_eq!(tools(&bare), "tools=");
        let said = of(&config, Backend::Bubblewrap);
        assert!(said.contains(&"limit.memory=4G".to_owned()), "{said:?}");
    }
}
