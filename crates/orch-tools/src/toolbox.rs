//! All of it together: a catalog and a cache under one set of settings.
//!
//! Resolves wants, installs what is locked, and gives out installed tools that stay as long as they are
//! held.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    Kind, Lock, Locked, Platform, agree,
    cache::{Building, Cache, CacheError, Stored},
    catalog::{Catalog, Entry},
    fetch::{Bounds, Expected, Fetcher, Origin},
    install::{InstallError, Workshop, Workshops, describe, lay_out, programs},
    osv::{Database, Verdict},
    registry::Packages,
    resolve::{self, ResolveError, Want, judge_trust},
    settings::ToolSettings,
};

/// A catalog and a cache.
#[derive(Debug)]
pub struct Toolbox {
    settings: ToolSettings,
    cache: Cache,
    fetcher: Fetcher,
}

/// Why there are no tools to be had.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The catalog cannot be read.
    #[error("failed to read the catalog {}", .folder.display())]
    Catalog {
        /// Its folder.
        folder: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// Nothing can be fetched.
    #[error("failed to prepare fetching: {0}")]
    Fetcher(String),
    /// A want cannot be locked.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A tool cannot be installed.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// Work in the background broke off.
    #[error("the installation broke off: {0}")]
    BrokeOff(String),
}

/// Where an installed tool came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It was there.
    Cache,
    /// It was fetched now.
    Source,
}

/// A tool that can be used as long as this is held.
#[derive(Debug)]
pub struct Installed {
    /// The tool.
    pub tool: Locked,
    /// In the cache.
    pub stored: Stored,
    /// Whether it was there already.
    pub from: Came,
    /// How long it took.
    pub took: Duration,
}

impl Installed {
    /// Its programs with their whole paths.
    #[must_use]
    pub fn programs(&self) -> BTreeMap<String, PathBuf> {
        let root = self.stored.folder.join("root");
        let programs = self.stored.manifest.programs.iter();
        programs
            .map(|(name, inside)| (name.clone(), root.join(inside)))
            .collect()
    }
}

impl Toolbox {
    /// Opens the cache. A TLS provider must be installed before anything is fetched.
    ///
    /// # Errors
    /// When the cache cannot be used.
    pub fn open(settings: ToolSettings) -> Result<Self, ToolError> {
        Self::with_bounds(settings, Bounds::default())
    }

    /// [`Toolbox::open`] with other bounds on fetching.
    ///
    /// # Errors
    /// As for [`Toolbox::open`].
    pub fn with_bounds(settings: ToolSettings, bounds: Bounds) -> Result<Self, ToolError> {
        let cache = Cache::open(&settings.cache)?;
        let fetcher = Fetcher::new(bounds).map_err(ToolError::Fetcher)?;
        Ok(Self {
            settings,
            cache,
            fetcher,
        })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &ToolSettings {
        &self.settings
    }

    /// The cache.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The catalog as it is now; empty without a folder.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub fn catalog(&self) -> Result<Catalog, ToolError> {
        let Some(folder) = &self.settings.catalog else {
            return Ok(Catalog::default());
        };
        let read = Catalog::read(folder, &self.settings.keys);
        read.map_err(|source| ToolError::Catalog {
            folder: folder.clone(),
            source,
        })
    }

    /// Resolves wants into a lock.
    ///
    /// # Errors
    /// The first that cannot be.
    pub async fn resolve(&self, wants: &[Want], platform: Platform) -> Result<Lock, ToolError> {
        let catalog = self.catalog()?;
        let blobs = self.cache.blobs()?;
        let packages = Packages::new(&self.settings.registries, &self.fetcher, platform, &blobs);
        let unsigned = self.settings.unsigned;
        Ok(resolve::resolve(&catalog, &packages, wants, platform, unsigned).await?)
    }

    /// What is known of a locked tool's vulnerabilities; none without a database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn check(&self, tool: &Locked) -> Result<Option<Verdict>, ToolError> {
        let Some(path) = self.settings.osv.clone() else {
            return Ok(None);
        };
        let tool = tool.clone();
        let checked = blocking(move || Database::new(&path).check(&tool)).await?;
        let verdict = checked.map_err(|source| {
            let path = self.settings.osv.clone().unwrap_or_default();
            InstallError::Io {
                action: "read the vulnerabilities in",
                path,
                source,
            }
        })?;
        Ok(Some(verdict))
    }

    /// Installs one tool of a lock, unless it is installed.
    ///
    /// # Errors
    /// When it cannot be; nothing is installed then.
    pub async fn install(
        &self,
        tool: &Locked,
        platform: Platform,
        workshops: &dyn Workshops,
    ) -> Result<Installed, ToolError> {
        let begun = Instant::now();
        let entry = self.entry_of(tool)?;
        // The lock's word on who signed the entry counts for nothing.
        let tool = &Locked {
            signed_by: judge_trust(&entry, &tool.version, self.settings.unsigned)?,
            ..tool.clone()
        };
        agree::agrees(&entry, tool, platform).map_err(|what| InstallError::LockDisagrees {
            name: tool.name.clone(),
            version: tool.version.clone(),
            what,
        })?;
        let digest = tool.digest(platform);
        let installed = |stored: Stored, from: Came| Installed {
            tool: tool.clone(),
            stored,
            from,
            took: begun.elapsed(),
        };
        self.judge_vulnerabilities(tool).await?;
        let cache = self.cache.clone();
        match blocking(move || cache.take(digest)).await? {
            Ok(Some(stored)) => return Ok(installed(stored, Came::Cache)),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a tool is installed anew"),
        }
        let cache = self.cache.clone();
        let building = blocking(move || {
            let mut building = cache.build(digest)?;
            // Another process may have made it while this one waited.
            let made = building.made().unwrap_or_default();
            if made.is_none() {
                building.begin()?;
            }
            Ok::<_, CacheError>((building, made))
        });
        let (building, made) = building.await??;
        if let Some(stored) = made {
            return Ok(installed(stored, Came::Cache));
        }
        self.make(tool, platform, &entry, building, workshops)
            .await?;
        let cache = self.cache.clone();
        let stored = blocking(move || cache.take(digest)).await??;
        let stored =
            stored.ok_or_else(|| ToolError::BrokeOff("the tool is gone again".to_owned()))?;
        Ok(installed(stored, Came::Source))
    }

    fn entry_of(&self, tool: &Locked) -> Result<Entry, ToolError> {
        let catalog = self.catalog()?;
        let found = catalog
            .named(&tool.name)
            .find(|entry| entry.digest == tool.entry);
        let changed = InstallError::EntryChanged {
            name: tool.name.clone(),
            version: tool.version.clone(),
        };
        Ok(found.cloned().ok_or(changed)?)
    }

    async fn judge_vulnerabilities(&self, tool: &Locked) -> Result<(), ToolError> {
        let Some(least) = self.settings.severity else {
            return Ok(());
        };
        let Some(verdict) = self.check(tool).await? else {
            return Ok(());
        };
        let ids = verdict.at_least(least);
        if ids.is_empty() {
            return Ok(());
        }
        Err(InstallError::Vulnerable {
            name: tool.name.clone(),
            version: tool.version.clone(),
            severity: least.to_string(),
            ids: ids.join(", "),
        }
        .into())
    }

    /// Fetches, unpacks, runs the steps and seals. What fails leaves nothing.
    async fn make(
        &self,
        tool: &Locked,
        platform: Platform,
        entry: &Entry,
        building: Building,
        workshops: &dyn Workshops,
    ) -> Result<(), ToolError> {
        let fetched = building.fetched();
        for (place, file) in tool.files.iter().enumerate() {
            let expected = Expected {
                sha256: Some(file.sha256),
                integrity: file.integrity.clone(),
                size: file.size,
            };
            let into = fetched.join(place.to_string());
            let blob = self.cache.blobs()?.join(file.sha256.hex());
            let kept = reqwest::Url::from_file_path(&blob).ok();
            let kept = kept.filter(|_| blob.is_file());
            let origin = match (&kept, tool.kind, self.settings.registries.of(tool.kind)) {
                (Some(_), _, _) => Origin::Kept,
                (None, _, Some(registry)) => Origin::Told(registry),
                (None, Kind::Source, None) => Origin::Entry,
                // Addresses of the machine's own apt.
                (None, _, None) => Origin::Configured,
            };
            let url = kept.map_or_else(|| file.url.clone(), |url| url.to_string());
            let authorization = self.settings.registries.authorization(tool.kind, &url);
            let fetching =
                self.fetcher
                    .fetch(&url, origin, authorization.as_deref(), &expected, &into);
            fetching.await.map_err(InstallError::from)?;
        }
        let root = building.folder().join("root");
        let steps = &entry.recipe.steps;
        let archive = archive_name(&tool.files[0].url);
        let left_to_steps =
            archive.filter(|name| steps.iter().any(|step| step.run.contains(name.as_str())));
        let (locked, into) = (tool.clone(), root.clone());
        blocking(move || lay_out(&locked, &fetched, &into, left_to_steps.as_deref())).await??;
        if !steps.is_empty() {
            let permissions = entry.recipe.permissions.clone().unwrap_or_default();
            let work = Workshop {
                tool: &tool.name,
                folder: &root,
                steps,
                permissions: &permissions,
            };
            workshops.run(work).await.map_err(InstallError::Steps)?;
        }
        let locked = tool.clone();
        blocking(move || {
            let programs = programs(&locked, &root)?;
            building.seal(locked, platform, programs, describe)?;
            Ok::<_, InstallError>(())
        })
        .await??;
        Ok(())
    }
}

/// The file's name at the end of an address.
fn archive_name(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    let name = path.rsplit('/').next()?;
    let fits = !name.is_empty() && orch_archive::check_relative(name).is_ok();
    fits.then(|| name.to_owned())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ToolError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ToolError::BrokeOff(error.to_string()))
}
