//! What was found so far. Takes statements within their bounds, and notes what did not fit.

use std::collections::{BTreeMap, BTreeSet};

use super::tested::is_test;
use crate::survey::bounds::{
    LONGEST_TEXT, MOST_COMMANDS, MOST_DEPENDENCIES, MOST_ENTRY_POINTS, MOST_MANIFESTS,
    MOST_RUNTIMES, MOST_SERVICES, shown,
};
use crate::survey::model::{
    Basis, Bound, Command, Dependency, EntryKind, EntryPoint, Manifest, Place, Purpose, Runtime,
    Scope, Service, Survey,
};
use crate::survey::tree::{Tree, folder};

/// The longest name of a dependency, script or service, in characters.
const LONGEST_NAME: usize = 120;

/// A package of the tree, by the name that others import.
pub struct Package {
    pub ecosystem: &'static str,
    pub name: String,
    pub folder: String,
}

/// A dependency before its bounds are checked.
pub struct Needed<'a> {
    pub ecosystem: &'static str,
    pub name: &'a str,
    pub version: Option<&'a str>,
    pub scope: Scope,
    pub pinned: bool,
    pub place: Place,
}

pub struct Found<'t> {
    pub tree: &'t Tree,
    pub survey: Survey,
    pub packages: Vec<Package>,
    /// Stores that a feature of a library speaks to: the store's name, what tells, and where.
    pub drivers: Vec<(String, String, Place)>,
    /// Dependencies that members of a workspace take over by name.
    pub shared: BTreeSet<String>,
    dropped: BTreeMap<&'static str, u64>,
}

impl<'t> Found<'t> {
    pub fn new(tree: &'t Tree) -> Self {
        Self {
            tree,
            survey: Survey::default(),
            packages: Vec::new(),
            drivers: Vec::new(),
            shared: BTreeSet::new(),
            dropped: BTreeMap::new(),
        }
    }

    pub fn note(&mut self, note: String) {
        self.survey.notes.push(note);
    }

    fn drop_one(&mut self, what: &'static str) {
        *self.dropped.entry(what).or_default() += 1;
    }

    pub fn command(&mut self, purpose: Purpose, run: &str, basis: Basis, place: Place) {
        let at = folder(&place.file).to_owned();
        self.command_in(&at, purpose, run, basis, place);
    }

    pub fn command_in(
        &mut self,
        folder: &str,
        purpose: Purpose,
        run: &str,
        basis: Basis,
        place: Place,
    ) {
        let run = shown(run, LONGEST_TEXT);
        let commands = &mut self.survey.commands;
        let is_known = commands
            .iter()
            .any(|known| known.run == run && known.folder == folder);
        if run.is_empty() || run.ends_with('…') || is_known {
            return;
        }
        if commands.len() >= MOST_COMMANDS {
            return self.drop_one("commands");
        }
        commands.push(Command {
            purpose,
            run,
            folder: folder.to_owned(),
            basis,
            place,
        });
    }

    pub fn entry(
        &mut self,
        kind: EntryKind,
        name: &str,
        calls: Option<&str>,
        ports: Vec<String>,
        place: Place,
    ) {
        if is_test(&place.file) {
            return;
        }
        if self.survey.entry_points.len() >= MOST_ENTRY_POINTS {
            return self.drop_one("entry points");
        }
        let entry = EntryPoint {
            kind,
            name: shown(name, LONGEST_NAME),
            calls: calls.map(|calls| shown(calls, LONGEST_TEXT)),
            ports,
            place,
        };
        if !entry.name.is_empty() && !self.survey.entry_points.contains(&entry) {
            self.survey.entry_points.push(entry);
        }
    }

    /// What a file listens on: said of what begins in it, where something does.
    pub fn listens(&mut self, path: &str, port: String, place: Place) {
        let entries = &mut self.survey.entry_points;
        match entries.iter_mut().rfind(|entry| entry.place.file == path) {
            Some(entry) if entry.ports.contains(&port) => {}
            Some(entry) => entry.ports.push(port),
            None => self.entry(EntryKind::Service, path, None, vec![port], place),
        }
    }

    /// A dependency that stands in the manifest of the workspace: counted here, listed there.
    pub fn inherited(&mut self, path: &str, name: &str) {
        if let Some(manifest) = self.survey.manifests.last_mut()
            && manifest.file == path
            && self.shared.contains(name)
        {
            manifest.dependencies += 1;
        }
    }

    pub fn dependency(&mut self, needed: Needed<'_>) {
        let name = shown(needed.name, LONGEST_NAME);
        if name.is_empty() {
            return;
        }
        if let Some(manifest) = self.survey.manifests.last_mut()
            && manifest.file == needed.place.file
        {
            manifest.dependencies += 1;
        }
        if self.survey.dependencies.len() >= MOST_DEPENDENCIES {
            return self.drop_one("dependencies");
        }
        self.survey.dependencies.push(Dependency {
            name,
            version: needed
                .version
                .map(|version| shown(version, 60))
                .filter(|version| !version.is_empty()),
            ecosystem: needed.ecosystem.to_owned(),
            scope: needed.scope,
            pinned: needed.pinned,
            place: needed.place,
        });
    }

    /// A manifest; its dependencies are to follow.
    pub fn manifest(
        &mut self,
        file: &str,
        ecosystem: &'static str,
        name: Option<&str>,
        lock: Option<String>,
    ) {
        let name = name.map(|name| shown(name, LONGEST_NAME));
        if let Some(name) = &name {
            self.packages.push(Package {
                ecosystem,
                name: name.clone(),
                folder: folder(file).to_owned(),
            });
        }
        if self.survey.manifests.len() >= MOST_MANIFESTS {
            return self.drop_one("manifests");
        }
        self.survey.manifests.push(Manifest {
            file: file.to_owned(),
            ecosystem: ecosystem.to_owned(),
            name,
            lock,
            dependencies: 0,
        });
    }

    pub fn runtime(&mut self, name: &str, version: &str, bound: Bound, place: Place) {
        let runtime = Runtime {
            name: name.to_owned(),
            version: shown(version, 60),
            bound,
            place,
        };
        let is_version = runtime.version.starts_with(|c: char| c.is_ascii_digit());
        if !is_version || self.survey.runtimes.contains(&runtime) {
            return;
        }
        if self.survey.runtimes.len() >= MOST_RUNTIMES {
            return self.drop_one("runtimes");
        }
        self.survey.runtimes.push(runtime);
    }

    pub fn service(&mut self, service: Service) {
        if self.survey.services.len() >= MOST_SERVICES {
            return self.drop_one("services");
        }
        self.survey.services.push(service);
    }

    pub fn finish(mut self) -> Survey {
        for (what, count) in std::mem::take(&mut self.dropped) {
            self.note(format!("{count} more {what} are not listed"));
        }
        let key = |command: &Command| {
            (
                command.folder.matches('/').count() + usize::from(!command.folder.is_empty()),
                command.folder.clone(),
                command.purpose,
                command.basis,
                command.place.clone(),
            )
        };
        self.survey.commands.sort_by_key(key);
        self.survey
    }
}
