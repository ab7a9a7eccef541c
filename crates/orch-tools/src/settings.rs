//! The settings of tools, by their environment names.
//!
//! Reads key files; looks at nothing else on disk.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{osv::Severity, registry::Registries, signature::PublicKey};

/// What becomes of an entry that nobody who is trusted has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsigned {
    /// It is not installed.
    Refuse,
    /// It is: somebody said so.
    Allow,
}

/// The settings of tools.
#[derive(Clone, Debug)]
pub struct ToolSettings {
    /// The folder of entries (`AGENT_TOOL_CATALOG`); without one tools are those on the `PATH`.
    pub catalog: Option<PathBuf>,
    /// Where tools are installed (`AGENT_TOOL_CACHE`).
    pub cache: PathBuf,
    /// The keys that are trusted (`AGENT_TOOL_KEYS`).
    pub keys: Vec<PublicKey>,
    /// What becomes of unsigned entries (`AGENT_TOOL_UNSIGNED`).
    pub unsigned: Unsigned,
    /// Tools may take so much room (`AGENT_TOOL_CACHE_BYTES`).
    pub cache_bytes: u64,
    /// A tool unused for so long is removed (`AGENT_TOOL_CACHE_DAYS`).
    pub cache_age: Duration,
    /// Known vulnerabilities: a folder or a zip of OSV records (`AGENT_TOOL_OSV`).
    pub osv: Option<PathBuf>,
    /// From what severity on a tool is refused (`AGENT_TOOL_SEVERITY`); never without one.
    pub severity: Option<Severity>,
    /// Where packages come from, as the package managers' own configuration says.
    pub registries: Registries,
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value:?}; expected {expected}")]
pub struct SettingError {
    /// The environment variable.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What it takes.
    pub expected: &'static str,
}

impl ToolSettings {
    /// The defaults, with the cache in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            catalog: None,
            cache: folder.join("tools"),
            keys: Vec::new(),
            unsigned: Unsigned::Refuse,
            cache_bytes: 20 << 30,
            cache_age: Duration::from_secs(30 * 24 * 3600),
            osv: None,
            severity: Some(Severity::High),
            registries: Registries::default(),
        }
    }

    /// Applies the environment's variables over these settings; blank ones count as unset.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn with_variables(mut self, env: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        let get = |name: &str| {
            let value = env.get(name).map(|value| value.trim());
            value.filter(|value| !value.is_empty())
        };
        let wrong = |name: &'static str, value: &str, expected: &'static str| SettingError {
            name,
            value: value.to_owned(),
            expected,
        };
        if let Some(folder) = get("AGENT_TOOL_CATALOG") {
            if !Path::new(folder).is_dir() {
                return Err(wrong(
                    "AGENT_TOOL_CATALOG",
                    folder,
                    "a folder of catalog entries that exists",
                ));
            }
            self.catalog = Some(folder.into());
        }
        if let Some(folder) = get("AGENT_TOOL_CACHE") {
            self.cache = folder.into();
        }
        if let Some(keys) = get("AGENT_TOOL_KEYS") {
            let expected = "public keys of minisign, or files of them, with `,` between them";
            self.keys = read_keys(keys).ok_or_else(|| wrong("AGENT_TOOL_KEYS", keys, expected))?;
        }
        if let Some(word) = get("AGENT_TOOL_UNSIGNED") {
            self.unsigned = match word.to_ascii_lowercase().as_str() {
                "refuse" => Unsigned::Refuse,
                "allow" => Unsigned::Allow,
                _ => return Err(wrong("AGENT_TOOL_UNSIGNED", word, "refuse or allow")),
            };
        }
        if let Some(text) = get("AGENT_TOOL_CACHE_BYTES") {
            let bytes = parse_bytes(text).filter(|bytes| *bytes >= 1 << 20);
            let expected = "bytes from 1M on, such as 512M or 20G";
            self.cache_bytes =
                bytes.ok_or_else(|| wrong("AGENT_TOOL_CACHE_BYTES", text, expected))?;
        }
        if let Some(text) = get("AGENT_TOOL_CACHE_DAYS") {
            let days: Option<u64> = text.parse().ok().filter(|days| (1..=36_500).contains(days));
            let expected = "whole days from 1, such as 30";
            let days = days.ok_or_else(|| wrong("AGENT_TOOL_CACHE_DAYS", text, expected))?;
            self.cache_age = Duration::from_secs(days * 24 * 3600);
        }
        if let Some(path) = get("AGENT_TOOL_OSV") {
            if !Path::new(path).exists() {
                return Err(wrong(
                    "AGENT_TOOL_OSV",
                    path,
                    "a folder or a zip of OSV records that exists",
                ));
            }
            self.osv = Some(path.into());
        }
        if let Some(word) = get("AGENT_TOOL_SEVERITY") {
            let expected = "low, medium, high, critical, or never";
            self.severity = match word.to_ascii_lowercase().as_str() {
                "never" => None,
                word => {
                    let severity = Severity::parse(word);
                    Some(severity.ok_or_else(|| wrong("AGENT_TOOL_SEVERITY", word, expected))?)
                }
            };
        }
        self.registries = Registries::read(env);
        Ok(self)
    }
}

/// Keys as text, or files that hold one each.
fn read_keys(text: &str) -> Option<Vec<PublicKey>> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let of_file = || PublicKey::parse(&fs::read_to_string(part).ok()?).ok();
            PublicKey::parse(part).ok().or_else(of_file)
        })
        .collect()
}

fn parse_bytes(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 1 << 10),
        (at, 'm' | 'M') => (&text[..at], 1 << 20),
        (at, 'g' | 'G') => (&text[..at], 1 << 30),
        (at, 't' | 'T') => (&text[..at], 1_u64 << 40),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::SecretKey;

    fn read(pairs: &[(&str, &str)]) -> Result<ToolSettings, String> {
        let env = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = ToolSettings::new(Path::new("/data")).with_variables(&env.collect());
        settings.map_err(|error| error.to_string())
    }

    #[test]
    fn settings_are_read_and_wrong_ones_are_named() {
        let key = SecretKey::from_entropy(&[3; 40]).public().to_text();
        let settings = read(&[
            ("AGENT_TOOL_CATALOG", "/"),
            ("AGENT_TOOL_KEYS", key.lines().last().unwrap()),
            ("AGENT_TOOL_UNSIGNED", "allow"),
            ("AGENT_TOOL_CACHE_BYTES", "512M"),
            ("AGENT_TOOL_SEVERITY", "critical"),
        ])
        .unwrap();
        assert_eq!((settings.keys.len(), settings.cache_bytes), (1, 512 << 20));
        assert_eq!(settings.unsigned, Unsigned::Allow);
        assert_eq!(settings.severity, Some(Severity::Critical));
        for (name, value, expected) in [
            (
                "AGENT_TOOL_CATALOG",
                "/nowhere",
                "expected a folder of catalog entries",
            ),
            ("AGENT_TOOL_KEYS", "abc", "expected public keys of minisign"),
            ("AGENT_TOOL_UNSIGNED", "maybe", "expected refuse or allow"),
            ("AGENT_TOOL_CACHE_BYTES", "5", "expected bytes from 1M on"),
            ("AGENT_TOOL_CACHE_DAYS", "0", "expected whole days"),
            ("AGENT_TOOL_OSV", "/nowhere", "expected a folder or a zip"),
            ("AGENT_TOOL_SEVERITY", "huge", "expected low, medium"),
        ] {
            let refusal = read(&[(name, value)]).unwrap_err();
            assert!(
                refusal.contains(name) && refusal.contains(expected),
                "{refusal}"
            );
        }
    }
}
