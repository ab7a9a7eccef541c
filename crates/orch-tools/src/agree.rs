//! Whether a lock says no more than the catalog entry that it names.
//!
//! Pure. A lock is a file that anybody may have written; the entry is what was signed. Of an archive or a
//! program everything follows from the entry. Of a package the entry says which one, which versions of it
//! and which programs; its files and their hashes are the registry's word, which only the lock keeps.

use orch_core::recipe::{Package, Registry};
use orch_core::version::Version;

use crate::{
    Kind, Locked, Pinned, Platform,
    catalog::Entry,
    registry::normal_name,
    resolve::{Want, locked, meant, of_source},
};

/// Compares a locked tool with its entry.
///
/// # Errors
/// Where they differ.
pub(crate) fn agrees(entry: &Entry, tool: &Locked, platform: Platform) -> Result<(), String> {
    let expected = match &entry.recipe.offer.package {
        None => of_sources(entry, tool, platform)?,
        Some(package) => of_package(entry, package, tool)?,
    };
    differs(&expected, tool).map_or(Ok(()), Err)
}

/// The tool as the entry alone has it.
fn of_sources(entry: &Entry, tool: &Locked, platform: Platform) -> Result<Locked, String> {
    let version = entry.own_version().ok_or("the entry has no version")?;
    // Where the entry has not the whole checksum, a recipe had it.
    let checksum = tool.files.first().map(|file| file.sha256.to_string());
    let want = Want {
        name: entry.name.clone(),
        range: None,
        checksum: checksum.and_then(|text| text.parse().ok()),
    };
    let file = of_source(&want, entry, &version, platform).map_err(|error| error.to_string())?;
    let label = entry.version.clone().unwrap_or_default();
    let files = vec![file];
    Ok(locked(
        entry,
        label,
        Kind::Source,
        files,
        tool.signed_by.clone(),
    ))
}

/// The tool with everything that the entry has a say in as the entry has it.
fn of_package(entry: &Entry, package: &Package, tool: &Locked) -> Result<Locked, String> {
    let (kind, version) = match package.registry {
        Registry::Npm => (Kind::Npm, Version::parse(&tool.version)),
        Registry::Pypi => (Kind::Pypi, Version::parse(&tool.version)),
        Registry::Crate => (Kind::Crate, Version::parse(&tool.version)),
        Registry::Apt => (Kind::Apt, Version::debian(&tool.version)),
    };
    let is_meant = meant(entry, package).map_err(|error| error.to_string())?;
    if !version.is_some_and(|version| is_meant(&version)) {
        return Err(format!("its version is none of {package}"));
    }
    let first = tool.files.first().ok_or("it has no file")?;
    if !is_named(package, first) || first.version != tool.version {
        return Err(format!(
            "its first file is of `{} {}`, and the entry means {package}",
            first.name, first.version
        ));
    }
    let (label, files) = (tool.version.clone(), tool.files.clone());
    Ok(locked(entry, label, kind, files, tool.signed_by.clone()))
}

/// Whether a file is one of the package itself; names are compared as the registry does.
fn is_named(package: &Package, file: &Pinned) -> bool {
    match package.registry {
        Registry::Npm | Registry::Apt => file.name == package.name,
        Registry::Pypi => normal_name(&file.name) == normal_name(&package.name),
        Registry::Crate => {
            let plain = |name: &str| name.to_ascii_lowercase().replace('_', "-");
            plain(&file.name) == plain(&package.name)
        }
    }
}

fn differs(expected: &Locked, tool: &Locked) -> Option<String> {
    let Locked {
        name,
        version,
        entry,
        kind,
        files,
        bin,
        strip,
        // Who signed the entry is looked up anew, whatever a lock says.
        signed_by: _,
    } = expected;
    let what = if (name, version, entry) != (&tool.name, &tool.version, &tool.entry) {
        format!("it is of {name} {version}")
    } else if *kind != tool.kind {
        "its files are to be taken in another way".to_owned()
    } else if *files != tool.files {
        match files.first() {
            Some(file) => format!("it is {} from {}", file.sha256, file.url),
            None => "its files are others".to_owned(),
        }
    } else if *bin != tool.bin {
        "its programs are others".to_owned()
    } else if *strip != tool.strip {
        "other folders are left out of it".to_owned()
    } else {
        return None;
    };
    Some(what)
}
