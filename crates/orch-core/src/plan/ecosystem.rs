//! The build systems and tools that a workspace may be made for, and what each offers for a verb.
//!
//! An offer is made of commands that the ecosystem itself documents and of names that the workspace
//! holds; what is not there is answered with the reason, never with a guess.

mod code;
mod infra;
mod node;
mod python;

use super::facts::View;
use super::scope::Targets;
use super::verb::Verb;
use crate::recipe::Step;

/// A build system or tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ecosystem {
    Cargo,
    Node,
    Python,
    Go,
    Maven,
    Gradle,
    Cmake,
    Docker,
    Compose,
    /// OpenTofu or Terraform.
    Tofu,
    Helm,
}

/// What an ecosystem would run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub steps: Vec<Step>,
    /// Executables that must be on `PATH`.
    pub tools: Vec<&'static str>,
    /// The finding that led to it, for people.
    pub because: String,
}

/// An offer, or why there is none.
pub(super) type Answer = Result<Offer, String>;

impl Offer {
    pub(super) fn new(
        because: impl Into<String>,
        tools: &[&'static str],
        commands: &[&str],
    ) -> Self {
        Self {
            steps: commands
                .iter()
                .map(|command| Step::command(*command))
                .collect(),
            tools: tools.to_vec(),
            because: because.into(),
        }
    }

    /// Sets a variable in every step.
    pub(super) fn with_env(mut self, name: &str, value: &str) -> Self {
        for step in &mut self.steps {
            step.env.insert(name.to_owned(), value.to_owned());
        }
        self
    }
}

/// What is asked of an ecosystem beyond the verb.
pub(super) struct Asked<'r> {
    pub verb: Verb,
    /// Names under which a Makefile or a package may offer it.
    pub targets: &'r Targets,
    /// The environment that the title names, by every word for it.
    pub environment: &'r [String],
    /// The tool whose name the title or the description used, such as `terraform`.
    pub spelled: &'r [String],
    /// The component that the title names, such as `api`.
    pub component: Option<&'r str>,
}

impl Ecosystem {
    /// Those that build source code.
    pub(super) const CODE: [Self; 7] = [
        Self::Cargo,
        Self::Node,
        Self::Python,
        Self::Go,
        Self::Maven,
        Self::Gradle,
        Self::Cmake,
    ];
    /// Those that handle images and infrastructure.
    pub(super) const INFRA: [Self; 4] = [Self::Docker, Self::Compose, Self::Tofu, Self::Helm];

    /// The ecosystem that a word of a title names.
    pub(super) fn named(word: &str) -> Option<Self> {
        match word {
            "cargo" | "rust" => Some(Self::Cargo),
            "npm" | "node" | "nodejs" | "pnpm" | "yarn" | "bun" | "jest" | "vite" | "vitest" => {
                Some(Self::Node)
            }
            "python" | "pytest" | "pip" => Some(Self::Python),
            "golang" => Some(Self::Go),
            "maven" | "mvn" => Some(Self::Maven),
            "gradle" => Some(Self::Gradle),
            "cmake" | "ctest" => Some(Self::Cmake),
            "docker" | "dockerfile" => Some(Self::Docker),
            "compose" => Some(Self::Compose),
            "tofu" | "opentofu" | "terraform" | "tf" => Some(Self::Tofu),
            "helm" => Some(Self::Helm),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Node => "node",
            Self::Python => "python",
            Self::Go => "go",
            Self::Maven => "maven",
            Self::Gradle => "gradle",
            Self::Cmake => "cmake",
            Self::Docker => "docker",
            Self::Compose => "compose",
            Self::Tofu => "tofu",
            Self::Helm => "helm",
        }
    }

    /// What its presence is known by, for messages.
    pub(super) fn marks(self) -> &'static str {
        match self {
            Self::Cargo => "Cargo.toml",
            Self::Node => "package.json",
            Self::Python => "pyproject.toml, setup.py or requirements.txt",
            Self::Go => "go.mod",
            Self::Maven => "pom.xml",
            Self::Gradle => "build.gradle",
            Self::Cmake => "CMakeLists.txt",
            Self::Docker => "Dockerfile",
            Self::Compose => "compose.yaml or docker-compose.yml",
            Self::Tofu => "*.tf",
            Self::Helm => "Chart.yaml",
        }
    }

    /// The file that shows it is used here.
    pub(super) fn evidence<'f>(self, view: View<'f>) -> Option<&'f str> {
        match self {
            Self::Cargo => view.first(&["Cargo.toml"]),
            Self::Node => view.first(&["package.json"]),
            Self::Python => view.first(&[
                "pyproject.toml",
                "setup.py",
                "setup.cfg",
                "requirements.txt",
            ]),
            Self::Go => view.first(&["go.mod"]),
            Self::Maven => view.first(&["pom.xml"]),
            Self::Gradle => view.first(&[
                "build.gradle",
                "build.gradle.kts",
                "settings.gradle",
                "settings.gradle.kts",
            ]),
            Self::Cmake => view.first(&["CMakeLists.txt"]),
            Self::Docker => view.first(&["Dockerfile", "Containerfile"]),
            Self::Compose => view.first(&[
                "compose.yaml",
                "compose.yml",
                "docker-compose.yml",
                "docker-compose.yaml",
            ]),
            Self::Tofu => view.any_ending(&[".tf", ".tofu", ".tf.json"]),
            Self::Helm => view.first(&["Chart.yaml"]),
        }
    }

    /// What it would run for the verb; `mark` is its evidence.
    pub(super) fn answer(self, asked: &Asked<'_>, view: View<'_>, mark: &str) -> Answer {
        match self {
            Self::Cargo => code::cargo(asked.verb, view),
            Self::Node => node::answer(asked, view),
            Self::Python => python::answer(asked.verb, view, mark),
            Self::Go => code::go(asked.verb, view),
            Self::Maven => code::maven(asked.verb, view),
            Self::Gradle => code::gradle(asked.verb, view, mark),
            Self::Cmake => code::cmake(asked.verb),
            Self::Docker => infra::docker(asked, mark),
            Self::Compose => infra::compose(asked, mark),
            Self::Tofu => infra::tofu(asked, view, mark),
            Self::Helm => infra::helm(asked.verb),
        }
    }
}

/// The usual refusal: the ecosystem is here, the verb is not its business.
pub(super) fn offers_no(mark: &str, verb: Verb) -> String {
    format!("{mark} offers nothing for `{}`", verb.name())
}
