//! From what a recipe wants to a lock: one entry, one version, exact files.

use orch_core::recipe::{Checksum, Package, Registry, Source, Tool};

use crate::{
    Digest, Kind, Lock, Locked, Pinned, Platform,
    catalog::{Catalog, Entry, NotFound, Trust, no_version},
    registry::{Packages, RegistryError},
    settings::Unsigned,
};
use orch_core::version::{Range, Version};

/// A tool that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Its name in the catalog.
    pub name: String,
    /// Which versions of it will do; any without.
    pub range: Option<String>,
    /// What its bytes must hash to.
    pub checksum: Option<Checksum>,
}

impl Want {
    /// What a recipe's line asks for.
    #[must_use]
    pub fn of(tool: &Tool) -> Self {
        Self {
            name: tool.name.clone(),
            range: tool.version.clone(),
            checksum: tool.checksum.clone(),
        }
    }

    /// Reads `name` or `name@range`.
    ///
    /// # Errors
    /// When the range is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let at = text.char_indices().skip(1).find(|(_, c)| *c == '@');
        let (name, range) = match at {
            Some((at, _)) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        if let Some(range) = range {
            Range::parse(range)?;
        }
        if name.is_empty() || orch_archive::check_relative(name).is_err() {
            return Err(format!("`{}` is no tool name", name.escape_default()));
        }
        Ok(Self {
            name: name.to_owned(),
            range: range.map(str::to_owned),
            checksum: None,
        })
    }
}

/// Why a want cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The catalog has nothing that fits.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// The registry failed or has nothing that fits.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The range cannot be read.
    #[error("{name}: {why}")]
    Range {
        /// The tool.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// It is not offered for this platform.
    #[error("{name} {version} has no source for {platform}; the entry has {offered}")]
    Platform {
        /// The tool.
        name: String,
        /// Its version.
        version: String,
        /// The platform.
        platform: Platform,
        /// The platforms that it has.
        offered: String,
    },
    /// No hash says what the bytes must be.
    #[error(
        "{name} {version} has no whole checksum ({given}): the beginning of a SHA-256 tells files apart and proves \
         nothing; write all 64 digits into the catalog entry ({})", .file.display()
    )]
    Incomplete {
        /// The tool.
        name: String,
        /// Its version.
        version: String,
        /// What there is.
        given: String,
        /// The entry.
        file: std::path::PathBuf,
    },
    /// The recipe and the entry mean different bytes.
    #[error(
        "the recipe wants {name} with {wanted}, and the catalog's {version} is {offered}; nothing was installed"
    )]
    Checksum {
        /// The tool.
        name: String,
        /// Its version.
        version: String,
        /// What the recipe says.
        wanted: String,
        /// What the entry says.
        offered: String,
    },
    /// Nobody who is trusted signed the entry.
    #[error(transparent)]
    Unsigned(Box<crate::install::InstallError>),
}

/// Whether an entry may be used at all.
pub(crate) fn judge_trust(
    entry: &Entry,
    version: &str,
    unsigned: Unsigned,
) -> Result<Option<String>, crate::install::InstallError> {
    match (&entry.trust, unsigned) {
        (Trust::Signed { key, .. }, _) => Ok(Some(key.clone())),
        (Trust::Unsigned { .. }, Unsigned::Allow) => Ok(None),
        (Trust::Unsigned { why } | Trust::Forged { why }, _) => {
            Err(crate::install::InstallError::Unsigned {
                name: entry.name.clone(),
                version: version.to_owned(),
                why: why.clone(),
            })
        }
    }
}

/// Resolves all wants, each to the newest version that fits.
pub(crate) async fn resolve(
    catalog: &Catalog,
    packages: &Packages<'_>,
    wants: &[Want],
    platform: Platform,
    unsigned: Unsigned,
) -> Result<Lock, ResolveError> {
    let mut tools = Vec::new();
    for want in wants {
        tools.push(one(catalog, packages, want, platform, unsigned).await?);
    }
    Ok(Lock::new(platform, tools))
}

async fn one(
    catalog: &Catalog,
    packages: &Packages<'_>,
    want: &Want,
    platform: Platform,
    unsigned: Unsigned,
) -> Result<Locked, ResolveError> {
    if !catalog.has(&want.name) {
        return Err(catalog.unknown(&want.name).into());
    }
    let range = parse_range(&want.name, want.range.as_deref())?;
    let mut offered: Vec<(Version, &Entry)> = Vec::new();
    for entry in catalog.named(&want.name) {
        match entry.own_version() {
            Some(version) => offered.push((version, entry)),
            None => {
                let versions = of_package(packages, entry).await?;
                offered.extend(versions.into_iter().map(|version| (version, entry)));
            }
        }
    }
    let chosen = range.newest(&offered, |(version, _)| version);
    let Some((version, entry)) = chosen else {
        let versions = offered.into_iter().map(|(version, _)| version).collect();
        return Err(no_version(&want.name, &range, versions).into());
    };
    let signed_by = judge_trust(entry, version.text(), unsigned);
    let signed_by = signed_by.map_err(|error| ResolveError::Unsigned(Box::new(error)))?;
    let (kind, files) = match &entry.recipe.offer.package {
        Some(package) => {
            let pinned = packages.pin(package, version).await?;
            check_wanted(want, version, pinned.files.first())?;
            (pinned.kind, pinned.files)
        }
        None => (
            Kind::Source,
            vec![of_source(want, entry, version, platform)?],
        ),
    };
    let label = match entry.recipe.offer.package {
        Some(_) => version.text().to_owned(),
        None => entry.version.clone().unwrap_or_default(),
    };
    Ok(locked(entry, label, kind, files, signed_by))
}

/// These files, as an entry has them installed.
pub(crate) fn locked(
    entry: &Entry,
    version: String,
    kind: Kind,
    files: Vec<Pinned>,
    signed_by: Option<String>,
) -> Locked {
    Locked {
        name: entry.name.clone(),
        version,
        entry: entry.digest,
        kind,
        files,
        bin: entry.recipe.offer.bin.clone(),
        strip: entry.recipe.offer.strip,
        signed_by,
    }
}

fn parse_range(name: &str, range: Option<&str>) -> Result<Range, ResolveError> {
    Range::parse(range.unwrap_or_default()).map_err(|why| ResolveError::Range {
        name: name.to_owned(),
        why,
    })
}

/// The versions of a package that its entry means.
async fn of_package(packages: &Packages<'_>, entry: &Entry) -> Result<Vec<Version>, ResolveError> {
    let Some(package) = &entry.recipe.offer.package else {
        return Ok(Vec::new());
    };
    let all = packages.versions(package).await?;
    let is_meant = meant(entry, package)?;
    Ok(all.into_iter().filter(is_meant).collect())
}

/// Which versions of its package an entry means.
pub(crate) fn meant(
    entry: &Entry,
    package: &Package,
) -> Result<impl Fn(&Version) -> bool, ResolveError> {
    let own = parse_range(&entry.name, entry.version.as_deref())?;
    let exact = package.version.clone();
    // A whole version of Debian means that one.
    let exact = exact.filter(|_| package.registry == Registry::Apt);
    let named = match &exact {
        Some(_) => Range::any(),
        None => parse_range(&entry.name, package.version.as_deref())?,
    };
    Ok(move |version: &Version| match &exact {
        Some(exact) => version.text() == exact,
        None => own.holds(version) && named.holds(version),
    })
}

fn check_wanted(want: &Want, version: &Version, file: Option<&Pinned>) -> Result<(), ResolveError> {
    let (Some(wanted), Some(file)) = (&want.checksum, file) else {
        return Ok(());
    };
    match file.sha256.hex().starts_with(wanted.hex()) {
        true => Ok(()),
        false => Err(ResolveError::Checksum {
            name: want.name.clone(),
            version: version.text().to_owned(),
            wanted: wanted.to_string(),
            offered: file.sha256.to_string(),
        }),
    }
}

pub(crate) fn of_source(
    want: &Want,
    entry: &Entry,
    version: &Version,
    platform: Platform,
) -> Result<Pinned, ResolveError> {
    let Some(source) = entry.source(platform) else {
        let sources = entry.recipe.offer.sources.keys();
        let offered: Vec<&str> = sources.map(String::as_str).collect();
        return Err(ResolveError::Platform {
            name: entry.name.clone(),
            version: version.text().to_owned(),
            platform,
            offered: offered.join(", "),
        });
    };
    let sha256 = whole_checksum(want, entry, version, source)?;
    let file = Pinned {
        name: String::new(),
        version: String::new(),
        url: source.url.clone(),
        sha256,
        size: None,
        integrity: None,
        needs: std::collections::BTreeMap::new(),
    };
    check_wanted(want, version, Some(&file))?;
    Ok(file)
}

/// The entry's checksum where it is whole, else the recipe's where that is.
fn whole_checksum(
    want: &Want,
    entry: &Entry,
    version: &Version,
    source: &Source,
) -> Result<Digest, ResolveError> {
    let whole = |checksum: &Option<Checksum>| {
        let checksum = checksum
            .as_ref()
            .filter(|checksum| checksum.is_complete())?;
        checksum.hex().parse::<Digest>().ok()
    };
    if let Some(digest) = whole(&source.checksum) {
        return Ok(digest);
    }
    let given = source.checksum.as_ref();
    if let Some(digest) = whole(&want.checksum) {
        let fits = given.is_none_or(|given| digest.hex().starts_with(given.hex()));
        return match fits {
            true => Ok(digest),
            false => Err(ResolveError::Checksum {
                name: entry.name.clone(),
                version: version.text().to_owned(),
                wanted: digest.to_string(),
                offered: given.map_or_else(String::new, Checksum::to_string),
            }),
        };
    }
    Err(ResolveError::Incomplete {
        name: entry.name.clone(),
        version: version.text().to_owned(),
        given: given.map_or_else(
            || "there is none".to_owned(),
            |given| format!("{given} has {} of 64 digits", given.hex().len()),
        ),
        file: entry.file.clone(),
    })
}
