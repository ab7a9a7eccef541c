//! What a catalog entry says beyond a recipe: sources by platform, a package, its programs.
//!
//! Owns the shape, the bounds and the grammar of these keys. Whether anything stands behind an
//! address is not known here.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::error::RecipeError;
use super::model::Source;
use super::node::{Node, Value, error_at};
use super::read::{Fields, join, read_source, text};
use super::rules::{self, excerpt};
use super::suggest::nearest;

/// Keys of an entry beyond those of every recipe.
pub(super) const OFFER_KEYS: [&str; 5] = ["sources", "package", "bin", "strip", "sbom"];

/// Platforms that a source can be for, as `os/architecture`.
pub const PLATFORMS: [&str; 2] = ["linux/amd64", "linux/arm64"];

/// Most programs of one tool.
const MAX_PROGRAMS: usize = 1_000;
/// Most leading folders that unpacking may leave out.
const MAX_STRIP: u8 = 16;

/// What a catalog offers under a name and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Where it is fetched from, by platform (one of [`PLATFORMS`]).
    pub sources: BTreeMap<String, Source>,
    /// The package that it is, where a package registry has it.
    pub package: Option<Package>,
    /// Programs for the `PATH`: the name, and the path inside the unpacked folder.
    pub bin: BTreeMap<String, String>,
    /// So many leading folders of the archive's paths are left out.
    pub strip: Option<u8>,
    /// Where a list of its parts lies (`https://…` or a path beside the entry).
    pub sbom: Option<String>,
}

/// A package of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Which registry.
    pub registry: Registry,
    /// Its name there.
    pub name: String,
    /// Which versions of it are meant; those of the entry's own version without one.
    pub version: Option<String>,
}

/// Where packages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Registry {
    /// npm and what speaks its protocol.
    Npm,
    /// The Python Package Index.
    Pypi,
    /// crates.io.
    Crate,
    /// A Debian archive.
    Apt,
}

impl Registry {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Npm, Self::Pypi, Self::Crate, Self::Apt];

    /// Its name in an entry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pypi => "pypi",
            Self::Crate => "crate",
            Self::Apt => "apt",
        }
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.registry, self.name)?;
        match &self.version {
            Some(version) => write!(f, "@{version}"),
            None => Ok(()),
        }
    }
}

impl Offer {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something can be fetched by it.
    #[must_use]
    pub fn has_origin(&self) -> bool {
        !self.sources.is_empty() || self.package.is_some()
    }

    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, RecipeError> {
        Ok(Self {
            sources: fields.read("sources", read_sources)?.unwrap_or_default(),
            package: fields.read("package", read_package)?,
            bin: fields.read("bin", read_bin)?.unwrap_or_default(),
            strip: fields.read("strip", read_strip)?,
            sbom: fields.text("sbom", rules::check_label)?,
        })
    }

    /// Adds its keys to a recipe's.
    pub(super) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        if !self.sources.is_empty() {
            map.serialize_entry("sources", &self.sources)?;
        }
        if let Some(package) = &self.package {
            map.serialize_entry("package", package)?;
        }
        if !self.bin.is_empty() {
            map.serialize_entry("bin", &self.bin)?;
        }
        if let Some(strip) = self.strip {
            map.serialize_entry("strip", &strip)?;
        }
        match &self.sbom {
            Some(sbom) => map.serialize_entry("sbom", sbom),
            None => Ok(()),
        }
    }
}

impl Serialize for Package {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        let spelt = match &self.version {
            Some(version) => format!("{}@{version}", self.name),
            None => self.name.clone(),
        };
        map.serialize_entry(self.registry.name(), &spelt)?;
        map.end()
    }
}

fn read_sources(node: &Node, path: &str) -> Result<BTreeMap<String, Source>, RecipeError> {
    let Value::Map(entries) = &node.value else {
        let message = format!(
            "expected a mapping of platforms to sources, got {}",
            node.describe()
        );
        return Err(node.error(path, message));
    };
    let mut sources = BTreeMap::new();
    for entry in entries {
        let place = join(path, &entry.key);
        if !PLATFORMS.contains(&entry.key.as_str()) {
            let hint = nearest(&entry.key, &PLATFORMS)
                .map(|known| format!("did you mean `{known}`? "))
                .unwrap_or_default();
            let message = format!(
                "unknown platform `{}`; {hint}known platforms are {}",
                excerpt(&entry.key),
                PLATFORMS.join(", ")
            );
            return Err(error_at(entry.at, &place, message));
        }
        sources.insert(entry.key.clone(), read_source(&entry.value, &place)?);
    }
    Ok(sources)
}

fn read_package(node: &Node, path: &str) -> Result<Package, RecipeError> {
    let known = Registry::ALL.map(Registry::name);
    let expected = "a mapping with one of npm, pypi, crate, apt, such as `npm: prettier`";
    let fields = Fields::of(node, path, expected, &known)?;
    let mut given = Vec::new();
    for registry in Registry::ALL {
        let spelt = fields.text(registry.name(), rules::check_label)?;
        given.extend(spelt.map(|spelt| (registry, spelt)));
    }
    let [(registry, spelt)] = given.as_slice() else {
        let message = format!("expected exactly one package: {expected}");
        return Err(node.error(path, message));
    };
    let at = spelt.char_indices().skip(1).find(|(_, c)| *c == '@');
    let (name, version) = match at {
        Some((at, _)) => (&spelt[..at], Some(spelt[at + 1..].trim().to_owned())),
        None => (spelt.as_str(), None),
    };
    let place = join(path, registry.name());
    rules::check_tool_name(name).map_err(|why| node.error(&place, why))?;
    if version.as_deref() == Some("") {
        return Err(node.error(
            &place,
            "nothing follows the `@`; leave it out for any version",
        ));
    }
    Ok(Package {
        registry: *registry,
        name: name.to_owned(),
        version,
    })
}

/// `bin: tofu`, `bin: [a, bin/b]` or `bin: {aws: dist/aws}`.
fn read_bin(node: &Node, path: &str) -> Result<BTreeMap<String, String>, RecipeError> {
    let mut programs = BTreeMap::new();
    let mut add = |name: String, inside: String, node: &Node, place: &str| {
        check_program(&name).map_err(|why| node.error(place, why))?;
        if programs.len() >= MAX_PROGRAMS {
            let message = format!("at most {MAX_PROGRAMS} programs are allowed");
            return Err(node.error(place, message));
        }
        if programs.insert(name.clone(), inside).is_some() {
            let message = format!("program `{}` stands twice; keep one", excerpt(&name));
            return Err(node.error(place, message));
        }
        Ok(())
    };
    let last = |inside: &str| inside.rsplit('/').next().unwrap_or(inside).to_owned();
    match &node.value {
        Value::Text(_) => {
            let inside = text(node, path, check_inside)?;
            add(last(&inside), inside, node, path)?;
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                let place = format!("{path}[{index}]");
                let inside = text(item, &place, check_inside)?;
                add(last(&inside), inside, item, &place)?;
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                let place = join(path, &entry.key);
                let inside = text(&entry.value, &place, check_inside)?;
                add(entry.key.clone(), inside, &entry.value, &place)?;
            }
        }
        Value::Null | Value::Bool(..) | Value::Number(_) => {
            let message = format!(
                "expected a path, a list of paths or a mapping of names to paths, got {}",
                node.describe()
            );
            return Err(node.error(path, message));
        }
    }
    Ok(programs)
}

/// Whether a path stays inside the folder that it starts in, by its text.
fn check_inside(inside: &str) -> Result<(), String> {
    let fine = inside.len() <= 1_024
        && !inside.starts_with('/')
        && !inside.chars().any(char::is_control)
        && inside
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..");
    if fine {
        return Ok(());
    }
    Err(format!(
        "`{}` is no path inside the unpacked folder; expected one such as dist/aws, without . and ..",
        excerpt(inside)
    ))
}

/// Whether a name can stand in a folder of the `PATH`.
///
/// # Errors
/// A message that says what is expected.
pub fn check_program(name: &str) -> Result<(), String> {
    let fine = !name.is_empty()
        && name.len() <= 128
        && !name.starts_with(['.', '-'])
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._+-[".contains(&byte));
    if fine {
        return Ok(());
    }
    Err(format!(
        "`{}` is no program name; expected up to 128 letters, digits and any of . _ + -, not beginning with . or -",
        excerpt(name)
    ))
}

fn read_strip(node: &Node, path: &str) -> Result<u8, RecipeError> {
    let number = match &node.value {
        Value::Number(text) => text.parse::<u8>().ok(),
        Value::Null | Value::Bool(..) | Value::Text(_) | Value::List(_) | Value::Map(_) => None,
    };
    number.filter(|count| *count <= MAX_STRIP).ok_or_else(|| {
        let message = format!(
            "expected how many leading folders to leave out, 0 to {MAX_STRIP}, got {}",
            node.describe()
        );
        node.error(path, message)
    })
}
