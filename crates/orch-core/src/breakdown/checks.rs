//! What tells whether the code that is there is as it should be: the commands that an import found in it.
//! They become acceptance criteria of tasks that change code, and facts that a model is told. A person
//! reads them in the plan before anything is run.

use super::edit_fields::is_plain;
use super::model::{Criterion, LONGEST_TEXT};
use crate::plural::counted;
use crate::requirements::cleaned;
use crate::survey::{Acceptance, LanguageKind, Purpose, Survey};
use crate::work_item::Kind;

/// How many languages, and how many stores, are named.
const MOST_NAMED: usize = 3;

/// Commands that existing code is checked by; none where no code was imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    commands: Vec<Acceptance>,
    /// What the code is, in a few words; none where there is none.
    there: Option<String>,
}

impl Checks {
    /// Those that a survey found. One that does not stand on one line as it is shown is left out, as edits refuse
    /// it: half a command is another.
    pub fn of(survey: &Survey) -> Self {
        let mut commands = survey.acceptance_commands();
        commands.retain(|command| {
            let is_whole = cleaned(&command.run, LONGEST_TEXT) == command.run;
            !command.run.is_empty() && is_whole && is_plain(&command.run)
        });
        Self {
            commands,
            there: there(survey),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// What the code that is there is, in a few words.
    pub(super) fn there(&self) -> Option<&str> {
        self.there.as_deref()
    }

    /// That the tree is built, tested and checked.
    pub(super) fn all(&self) -> Vec<Criterion> {
        self.commands.iter().map(criterion).collect()
    }

    /// That its tests pass.
    pub(super) fn tests(&self) -> Vec<Criterion> {
        let tests = self.commands.iter();
        let tests = tests.filter(|command| command.purpose == Purpose::Test);
        tests.map(criterion).collect()
    }

    /// What shows of a task of this kind and role that the code is well: all of it of one that changes
    /// code, its tests of one that tests, nothing of one that looks, writes or decides.
    pub(super) fn of_task(&self, kind: Kind, role: &str) -> Vec<Criterion> {
        match (kind, role) {
            (Kind::Spike, _) => Vec::new(),
            (Kind::Test, _) | (Kind::Task | Kind::Story | Kind::Infra, "qa") => self.tests(),
            (Kind::Task | Kind::Story | Kind::Infra, "developer" | "infra") => self.all(),
            (Kind::Task | Kind::Story | Kind::Infra, _) => Vec::new(),
        }
    }

    /// One line for each, with what says so.
    pub(super) fn lines(&self) -> String {
        let line = |command: &Acceptance| {
            let place = cleaned(&command.place.to_string(), 300);
            format!("{}: {} ({place})\n", command.purpose.as_str(), command.run)
        };
        self.commands.iter().map(line).collect()
    }
}

/// `Python and SQL (12 files), with PostgreSQL`.
fn there(survey: &Survey) -> Option<String> {
    let code = survey.languages.iter();
    let code = code.filter(|language| language.is_written() && language.kind == LanguageKind::Code);
    let code: Vec<_> = code.take(MOST_NAMED).collect();
    let names: Vec<&str> = code.iter().map(|language| language.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let files: u64 = code.iter().map(|language| language.files).sum();
    let mut stores: Vec<&str> = Vec::new();
    for store in &survey.stores {
        if stores.len() < MOST_NAMED && !stores.contains(&store.name.as_str()) {
            stores.push(&store.name);
        }
    }
    let with = match stores.as_slice() {
        [] => String::new(),
        stores => format!(", with {}", stores.join(" and ")),
    };
    let files = counted(files, "file");
    let said = format!("{} ({files}){with}", names.join(" and "));
    Some(cleaned(&said, 300))
}

fn criterion(command: &Acceptance) -> Criterion {
    let what = match command.purpose {
        Purpose::Build => "The code is built",
        Purpose::Test => "All tests pass",
        Purpose::Lint => "The checks of the code pass",
        Purpose::Install | Purpose::Format | Purpose::Run | Purpose::Deploy => {
            "The command succeeds"
        }
    };
    let place = cleaned(&command.place.to_string(), 300);
    Criterion {
        text: format!("{what}, as {place} says"),
        command: Some(command.run.clone()),
    }
}
