//! The catalog of tools, the keys that are trusted, and what is installed.

use orch_tools::{Cache, Catalog, ToolSettings, Trust, Unsigned};

use orch_core::plural::counted;

use super::checks::Check;

/// Looks at the catalog and the cache; fetches nothing.
pub fn checks(settings: &ToolSettings) -> Vec<Check> {
    let Some(folder) = &settings.catalog else {
        let message =
            "no catalog (AGENT_TOOL_CATALOG): tools of recipes are looked for on the PATH";
        return vec![Check::ok("tool catalog", message)];
    };
    vec![catalog(folder, settings), keys(settings), cache(settings)]
}

fn catalog(folder: &std::path::Path, settings: &ToolSettings) -> Check {
    const NAME: &str = "tool catalog";
    let read = match Catalog::read(folder, &settings.keys) {
        Ok(read) => read,
        Err(error) => {
            return Check::failed(
                NAME,
                format!("{} cannot be read: {error}", folder.display()),
            );
        }
    };
    let is_signed = |trust: &Trust| matches!(trust, Trust::Signed { .. });
    let signed = read
        .entries()
        .iter()
        .filter(|entry| is_signed(&entry.trust))
        .count();
    let mut message = format!(
        "{} in {}, {signed} of them signed by a trusted key",
        counted(read.entries().len() as u64, "entry"),
        folder.display()
    );
    let faults = read.faults().iter();
    for fault in faults.clone() {
        message.push_str(&format!(
            "; {} is passed over: {}",
            fault.file.display(),
            fault.why
        ));
    }
    match faults.len() {
        0 => Check::ok(NAME, message),
        _ => Check::warning(NAME, message),
    }
}

fn keys(settings: &ToolSettings) -> Check {
    const NAME: &str = "tool keys";
    let ids: Vec<String> = settings
        .keys
        .iter()
        .map(orch_tools::PublicKey::id)
        .collect();
    match (settings.unsigned, ids.is_empty()) {
        (Unsigned::Allow, _) => Check::warning(
            NAME,
            "AGENT_TOOL_UNSIGNED=allow: entries that nobody has signed are installed",
        ),
        (Unsigned::Refuse, true) => Check::warning(
            NAME,
            "no key is trusted (AGENT_TOOL_KEYS), so that no entry is installed",
        ),
        (Unsigned::Refuse, false) => Check::ok(NAME, format!("trusted: {}", ids.join(", "))),
    }
}

fn cache(settings: &ToolSettings) -> Check {
    const NAME: &str = "tool cache";
    let shown = settings.cache.display();
    if !settings.cache.exists() {
        return Check::ok(NAME, format!("{shown} is made with the first tool"));
    }
    let usage = Cache::open(&settings.cache).and_then(|cache| cache.usage());
    match usage {
        Ok(usage) => {
            let (tools, bytes, most) = (usage.tools, usage.bytes, settings.cache_bytes);
            let tools = counted(tools, "tool");
            let message = format!("{tools} in {shown}: {bytes} of {most} bytes");
            Check::ok(NAME, message)
        }
        Err(error) => Check::failed(NAME, format!("{shown} cannot be used: {error}")),
    }
}
