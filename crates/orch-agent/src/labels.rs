//! What an agent says of itself: how its steps run and what it gives. For people; nothing is
//! decided by it.

use orch_sandbox::sandbox::Backend;

use crate::config::{AgentConfig, Executor};

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
        let said = of(&config, Backend::Bubblewrap);
        assert!(said.contains(&"limit.memory=4G".to_owned()), "{said:?}");
    }
}
