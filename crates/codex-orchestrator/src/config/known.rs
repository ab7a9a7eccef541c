//! Which variables are settings, so that a misspelt one is named and not passed over in silence.

use std::path::Path;

use super::{
    AgentFlags, CallerSettings, LogFlags, LogSettings, Reader, ServerFlags, Settings, Start,
    agent_config, server_config,
};

/// Read by the compose files.
const ELSEWHERE: &str = "ORCH_PUBLISH_PORT";

/// Variables that look like settings and are none: mostly misspelt ones. In order, each once.
pub fn misspelt(settings: &Settings) -> Vec<&str> {
    let mut reader = Reader::new(settings);
    CallerSettings::read(&mut reader, None);
    server_config(&mut reader, &ServerFlags::default(), Start::OnTick);
    agent_config(&mut reader, &AgentFlags::default(), "", Path::new(""));
    LogSettings::read(&mut reader, &LogFlags::default());
    let known = reader.taken();
    let mut names: Vec<&str> = settings
        .own_names()
        .filter(|name| name.starts_with("ORCH_") || name.starts_with("AGENT_"))
        .filter(|name| *name != ELSEWHERE && known.iter().all(|one| one.variable != *name))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Says so in the log.
pub fn warn_of_misspelt(settings: &Settings) {
    for name in misspelt(settings) {
        tracing::warn!("{name} is set, and no setting has that name");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_variables_are_named() {
        let environment = [
            ("ORCH_PROT", "1"),
            ("ORCH_PORT", "2"),
            ("AGENT_SLOTS", "3"),
            ("HOME", "/h"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::new(environment, &[]).unwrap();
        assert_eq!(misspelt(&settings), ["ORCH_PROT"]);
    }
}
