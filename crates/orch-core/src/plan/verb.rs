//! The verbs of work items, the words for them, and the names that build files give them.
//!
//! Knows words alone; what a verb runs is the ecosystems' business.

/// What a work item wants done with the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Compile or assemble.
    Build,
    /// Run the tests.
    Test,
    /// Check the source for faults.
    Lint,
    /// Check or apply the source's form.
    Format,
    /// Fetch the dependencies.
    Install,
    /// Start the program.
    Run,
    /// Show what infrastructure would change.
    Plan,
    /// Change infrastructure.
    Apply,
    /// Remove infrastructure.
    Destroy,
    /// Bring to an environment.
    Deploy,
}

/// How freely a verb may be taken from a title.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Words beside it describe, and are passed over.
    Free,
    /// Every word beside it must be known.
    Strict,
}

impl Verb {
    pub(super) const ALL: [Self; 10] = [
        Self::Build,
        Self::Test,
        Self::Lint,
        Self::Format,
        Self::Install,
        Self::Run,
        Self::Plan,
        Self::Apply,
        Self::Destroy,
        Self::Deploy,
    ];

    /// The verb as it stands in messages: `build`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.words()[0]
    }

    /// The words that stand for it in a title.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Self::Build => &["build", "rebuild", "compile"],
            Self::Test => &["test", "tests", "testing", "unittest", "unittests"],
            Self::Lint => &["lint", "linting", "linter", "linters", "clippy"],
            Self::Format => &["format", "fmt", "formatting"],
            Self::Install => &["install"],
            Self::Run => &["run", "start"],
            Self::Plan => &["plan"],
            Self::Apply => &["apply"],
            Self::Destroy => &["destroy", "teardown"],
            Self::Deploy => &["deploy", "redeploy", "rollout"],
        }
    }

    /// Names that Makefiles and package scripts give it, the best first.
    pub(super) fn target_names(self) -> &'static [&'static str] {
        match self {
            Self::Build => &["build", "compile"],
            Self::Test => &["test", "tests", "check"],
            Self::Lint => &["lint", "clippy", "vet"],
            Self::Format => &["format", "fmt"],
            Self::Install => &["deps", "dependencies", "install-deps", "install"],
            Self::Run => &["run", "start"],
            Self::Plan => &["plan"],
            Self::Apply => &["apply"],
            Self::Destroy => &["destroy", "teardown"],
            Self::Deploy => &["deploy"],
        }
    }

    pub(super) fn reading(self) -> Reading {
        match self {
            Self::Build | Self::Test | Self::Lint | Self::Format => Reading::Free,
            Self::Install | Self::Run | Self::Plan | Self::Apply | Self::Destroy | Self::Deploy => {
                Reading::Strict
            }
        }
    }

    /// Whether it changes what is outside the workspace.
    pub(super) fn reaches_out(self) -> bool {
        match self {
            Self::Apply | Self::Destroy | Self::Deploy => true,
            Self::Build
            | Self::Test
            | Self::Lint
            | Self::Format
            | Self::Install
            | Self::Run
            | Self::Plan => false,
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|verb| verb.words().contains(&word))
    }
}
