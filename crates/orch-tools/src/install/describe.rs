//! The list of a tool's parts: CycloneDX 1.5 as JSON, from what is known at its installation.

use serde_json::{Value, json};

use crate::{Kind, cache::Manifest};

/// Files that are listed one by one; of more, only the number is told.
const MAX_FILES: usize = 5_000;

/// What kind of address a package has (a "purl").
const fn purl_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Source => "generic",
        Kind::Npm => "npm",
        Kind::Pypi => "pypi",
        Kind::Crate => "cargo",
        Kind::Apt => "deb/debian",
    }
}

fn purl(kind: Kind, name: &str, version: &str) -> String {
    let name = name.replace('@', "%40");
    format!(
        "pkg:{}/{name}@{}",
        purl_type(kind),
        version.replace('+', "%2B")
    )
}

/// The document.
pub(crate) fn describe(manifest: &Manifest) -> String {
    let tool = &manifest.tool;
    let mut components: Vec<Value> = Vec::new();
    for file in &tool.files {
        let (name, version) = match file.name.is_empty() {
            true => (&tool.name, &tool.version),
            false => (&file.name, &file.version),
        };
        components.push(json!({
            "type": "library",
            "name": name,
            "version": version,
            "purl": purl(tool.kind, name, version),
            "hashes": [{"alg": "SHA-256", "content": file.sha256.hex()}],
            "externalReferences": [{"type": "distribution", "url": file.url}],
        }));
    }
    let files = manifest.contents.iter().take(MAX_FILES);
    components.extend(files.map(|(path, digest)| {
        json!({
            "type": "file",
            "name": path,
            "hashes": [{"alg": "SHA-256", "content": digest.hex()}],
        })
    }));
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": tool.name,
                "version": tool.version,
                "purl": purl(tool.kind, &tool.name, &tool.version),
            },
            "tools": {"components": [{
                "type": "application",
                "name": "codex-orchestrator",
                "version": env!("CARGO_PKG_VERSION"),
            }]},
            "properties": [
                {"name": "orch:platform", "value": manifest.platform.name()},
                {"name": "orch:entry", "value": tool.entry.to_string()},
                {"name": "orch:files", "value": manifest.files.to_string()},
            ],
        },
        "components": components,
    });
    serde_json::to_string_pretty(&document).expect("invariant: JSON values can be written")
}
