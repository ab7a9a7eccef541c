//! What a survey states. Serialised as JSON with a version; members are added, never renamed.

use serde::{Deserialize, Serialize};

/// The version of what is serialised.
pub(super) const VERSION: u32 = 1;

/// A file, and the line of it that says so; none where the whole file does.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub file: String,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Place {
    pub(super) fn line(file: &str, line: u32) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(line),
        }
    }

    pub(super) fn whole(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// Defines a closed set of words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$each])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

words!(
    /// What a language is for.
    LanguageKind { Code = "code", Markup = "markup", Data = "data", Prose = "prose" }
);
words!(
    /// Why a folder is left out of the counts.
    LeftOutReason { Vendored = "vendored", Generated = "generated", Built = "built" }
);
words!(
    /// What a command is for.
    Purpose {
        Install = "install", Build = "build", Test = "test", Lint = "lint", Format = "format",
        Run = "run", Deploy = "deploy",
    }
);
words!(
    /// Whether a file writes the command, or is of a kind that is built so.
    Basis { Declared = "declared", Convention = "convention" }
);
words!(
    /// What begins at an entry point.
    EntryKind {
        Binary = "binary", Script = "script", Library = "library", Container = "container",
        Service = "service", Page = "page", Process = "process",
    }
);
words!(
    /// When a dependency is needed.
    Scope { Runtime = "runtime", Development = "development", Build = "build" }
);
words!(
    /// Whether a version is the one that runs, or the least one.
    Bound { Exactly = "exactly", AtLeast = "at_least" }
);
words!(
    /// What keeps data or hands messages on.
    StoreKind { Database = "database", Cache = "cache", Queue = "queue", Search = "search", Files = "files" }
);
words!(
    /// What a modernization would address.
    SmellKind {
        NoTests = "no_tests", NoLock = "no_lock", EndOfLife = "end_of_life",
        RootContainer = "root_container", UnpinnedImage = "unpinned_image", NoCi = "no_ci",
        LargeFile = "large_file", Vendored = "vendored", OldEdition = "old_edition",
    }
);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language {
    pub name: String,
    pub kind: LanguageKind,
    pub files: u64,
    pub bytes: u64,
    /// Its largest file.
    pub example: String,
}

impl Language {
    /// Whether code is written in it: what builds the code is no such language.
    pub(crate) fn is_written(&self) -> bool {
        matches!(self.kind, LanguageKind::Code | LanguageKind::Markup)
            && !["Dockerfile", "Make", "CMake"].contains(&self.name.as_str())
    }
}

/// A folder that is not counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    pub folder: String,
    pub reason: LeftOutReason,
    pub files: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub purpose: Purpose,
    /// One line for a shell.
    pub run: String,
    /// Where it is run; empty for the top.
    pub folder: String,
    pub basis: Basis,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryPoint {
    pub kind: EntryKind,
    pub name: String,
    /// What is called, where the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    pub place: Place,
}

/// A file that names dependencies, and the lock that pins them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub file: String,
    pub ecosystem: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// How many others it depends on.
    pub dependencies: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub name: String,
    /// As the manifest writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    pub ecosystem: String,
    pub scope: Scope,
    /// Whether a lock, or the manifest itself, says the exact version.
    pub pinned: bool,
    pub place: Place,
}

/// A folder as a part of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    pub path: String,
    /// The language that most of its bytes are in.
    pub language: String,
    pub files: u64,
    pub bytes: u64,
}

/// One module imports another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub from: String,
    pub to: String,
    pub imports: u64,
    /// The first of them.
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    pub place: Place,
}

/// A database, queue or the like that something here speaks to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreUse {
    pub name: String,
    pub kind: StoreKind,
    /// The dependency or image that tells.
    pub by: String,
    pub place: Place,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documentation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The first paragraph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Files that record decisions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<String>,
    /// Files of prose.
    pub files: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tests {
    /// Files that hold tests.
    pub files: u64,
    pub folders: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CiSystem {
    pub system: String,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licence {
    /// SPDX, or `unrecognised`.
    pub name: String,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    pub name: String,
    pub version: String,
    pub bound: Bound,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smell {
    pub kind: SmellKind,
    pub message: String,
    /// What a modernization would do.
    pub remedy: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
}

/// What is known of a source tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Survey {
    pub version: u32,
    /// All files, those that are left out as well.
    pub files: u64,
    pub bytes: u64,
    /// The day that supported versions were judged for, `YYYY-MM-DD`.
    pub as_of: String,
    pub languages: Vec<Language>,
    pub left_out: Vec<LeftOut>,
    pub commands: Vec<Command>,
    pub entry_points: Vec<EntryPoint>,
    pub manifests: Vec<Manifest>,
    pub dependencies: Vec<Dependency>,
    pub modules: Vec<Module>,
    pub links: Vec<Link>,
    pub services: Vec<Service>,
    pub stores: Vec<StoreUse>,
    pub documentation: Documentation,
    pub tests: Tests,
    pub ci: Vec<CiSystem>,
    pub licence: Option<Licence>,
    pub runtimes: Vec<Runtime>,
    pub smells: Vec<Smell>,
    /// What was not looked at, and why.
    pub notes: Vec<String>,
}
