//! Which of the commands found tell whether the tree is as it should be: what a plan may accept work by.

use super::model::{Basis, Bound, Command, Place, Purpose, Runtime, Survey};
use super::tree::name;

/// The most commands that are given.
const MOST: usize = 12;

/// A command that succeeds where all is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    pub purpose: Purpose,
    /// One line for a shell, run at the top of the tree.
    pub run: String,
    /// What says so.
    pub place: Place,
}

/// How far a command is meant to be called by people: the smaller, the more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A target of the tree's own.
    Target,
    /// A script of a package.
    Script,
    /// What the kind of manifest implies.
    Convention,
    /// A line of a pipeline, which may want what other lines did.
    Pipeline,
}

fn rank(command: &Command) -> Rank {
    match (command.basis, name(&command.place.file)) {
        (Basis::Convention, _) => Rank::Convention,
        (
            Basis::Declared,
            "Makefile" | "makefile" | "GNUmakefile" | "justfile" | "Justfile" | ".justfile"
            | "Taskfile.yml" | "Taskfile.yaml",
        ) => Rank::Target,
        (Basis::Declared, "package.json" | "composer.json") => Rank::Script,
        (Basis::Declared, _) => Rank::Pipeline,
    }
}

impl Survey {
    /// The commands that build, test and check the tree, in that order: its own targets where it has
    /// them, else what its packages and manifests say, else what its pipeline runs. Empty where no file
    /// names any.
    #[must_use]
    pub fn acceptance_commands(&self) -> Vec<Acceptance> {
        let mut found = Vec::new();
        for purpose in [Purpose::Build, Purpose::Test, Purpose::Lint] {
            found.extend(self.acceptance_of(purpose));
        }
        found.truncate(MOST);
        found
    }

    fn acceptance_of(&self, purpose: Purpose) -> Vec<Acceptance> {
        let mut all: Vec<&Command> = self
            .commands
            .iter()
            // An image is built from a tree that is well already.
            .filter(|command| command.purpose == purpose && !command.run.starts_with("docker "))
            .filter(|command| is_plain(&command.folder))
            .collect();
        let depth = |command: &Command| match command.folder.as_str() {
            "" => 0,
            folder => 1 + folder.matches('/').count(),
        };
        let is_exact = |command: &Command| command.run.ends_with(purpose.as_str());
        // Of the lines of a pipeline, the plainest says least about one part alone.
        let words = |command: &Command| match rank(command) {
            Rank::Pipeline => command.run.split_whitespace().count(),
            Rank::Target | Rank::Script | Rank::Convention => 0,
        };
        all.sort_by_key(|command| {
            (
                depth(command),
                rank(command),
                !is_exact(command),
                words(command),
                command.place.clone(),
            )
        });
        let Some(first) = all.first() else {
            return Vec::new();
        };
        let (best, least) = (rank(first), depth(first));
        if best == Rank::Target || best == Rank::Pipeline {
            return vec![acceptance(first)];
        }
        let mut seen: Vec<(&str, &str)> = Vec::new();
        let mut taken = Vec::new();
        for command in all {
            // One for each manifest; a file beside it that says the same is no second one.
            let by = (command.place.file.as_str(), command.run.as_str());
            let is_known = seen.iter().any(|(file, run)| *file == by.0 || *run == by.1);
            if depth(command) == least && rank(command) < Rank::Pipeline && !is_known {
                seen.push(by);
                taken.push(acceptance(command));
            }
        }
        taken
    }
}

fn acceptance(command: &Command) -> Acceptance {
    let run = match command.folder.as_str() {
        "" => command.run.clone(),
        folder => format!("cd {folder} && {}", command.run),
    };
    Acceptance {
        purpose: command.purpose,
        run,
        place: command.place.clone(),
    }
}

impl Survey {
    /// The runtimes but for those that another file names more exactly: `2.7` beside `2.7.18`.
    pub(super) fn exact_runtimes(&self) -> impl Iterator<Item = &Runtime> {
        let runtimes = self.runtimes.iter();
        runtimes.filter(|runtime| self.named_exactly(runtime).is_none())
    }

    /// The same runtime as another file names it more exactly.
    pub(super) fn named_exactly(&self, runtime: &Runtime) -> Option<&Runtime> {
        let start = format!("{}.", runtime.version);
        let mut runtimes = self.runtimes.iter();
        runtimes.find(|other| {
            let is_same = other.name == runtime.name && other.bound == runtime.bound;
            is_same && runtime.bound == Bound::Exactly && other.version.starts_with(&start)
        })
    }
}

/// A folder that a shell takes as it is written.
fn is_plain(folder: &str) -> bool {
    !folder.starts_with('-')
        && folder
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./@".contains(c))
}
