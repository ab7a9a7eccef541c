//! What a survey says to requirements: facts about the existing code, and what to renew where somebody asks
//! for that. Each cites the file that says so.

use super::model::{Basis, Bound, Place, Purpose, Survey};
use super::take::{is_beside, last_day};
use crate::plural::counted;
use crate::requirements::ItemKind;

/// The most facts, and the most things to renew.
const MOST: usize = 30;

/// Whether somebody asks for the existing code to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renew {
    Asked,
    NotAsked,
}

/// One item for a document of requirements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub kind: ItemKind,
    pub text: String,
    /// Where it stands, in words.
    pub cites: String,
}

/// Whether a text asks for existing code to be renewed.
#[must_use]
pub fn modernizing(text: &str) -> bool {
    const WORDS: [&str; 13] = [
        "modernize",
        "modernise",
        "modernization",
        "modernisation",
        "modernizing",
        "modernising",
        "upgrade",
        "migrate",
        "refactor",
        "legacy",
        "outdated",
        "modernisieren",
        "modernisierung",
    ];
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    words.any(|word| {
        WORDS.iter().any(|known| {
            word == *known
                || word
                    .strip_prefix(known)
                    .is_some_and(|end| matches!(end, "s" | "d" | "ed" | "ing"))
        })
    }) || lower.contains("up to date")
        || lower.contains("technical debt")
}

/// The facts of a survey; and what to renew, where that is asked for.
#[must_use]
pub fn statements(survey: &Survey, renew: Renew) -> Vec<Statement> {
    let mut found = facts(survey, renew);
    found.truncate(MOST);
    if renew == Renew::Asked {
        found.extend(survey.smells.iter().take(MOST).map(|smell| {
            let places: Vec<String> = smell.places.iter().take(3).map(Place::to_string).collect();
            let cites = match places.is_empty() {
                true => format!("of {}, {}", counted(survey.files, "file"), smell.message),
                false => format!("{}: {}", places.join(", "), smell.message),
            };
            Statement {
                kind: ItemKind::NonFunctional,
                text: smell.remedy.clone(),
                cites,
            }
        }));
    }
    found
}

fn facts(survey: &Survey, renew: Renew) -> Vec<Statement> {
    let mut found = Vec::new();
    // What is there is a fact to know of, and nothing to build or to check.
    let mut fact = |text: String, cites: String| {
        found.push(Statement {
            kind: ItemKind::Goal,
            text,
            cites,
        });
    };
    let code = survey.languages.iter();
    let code: Vec<_> = code
        .filter(|language| language.is_written())
        .take(3)
        .collect();
    if !code.is_empty() {
        let names: Vec<&str> = code.iter().map(|language| language.name.as_str()).collect();
        let files: u64 = code.iter().map(|language| language.files).sum();
        let cites: Vec<String> = code
            .iter()
            .map(|language| {
                format!(
                    "{}: {}, the largest is {}",
                    language.name,
                    counted(language.files, "file"),
                    language.example
                )
            })
            .collect();
        let files = counted(files, "file");
        fact(
            format!("The existing code is {} ({files})", listed(&names)),
            cites.join("; "),
        );
    }
    for command in survey.acceptance_commands() {
        let verb = match command.purpose {
            Purpose::Build => "built",
            Purpose::Test => "tested",
            Purpose::Lint => "checked",
            Purpose::Install | Purpose::Format | Purpose::Run | Purpose::Deploy => continue,
        };
        let text = format!("The existing code is {verb} with `{}`", command.run);
        let is_declared = survey
            .commands
            .iter()
            .any(|known| known.place == command.place && known.basis == Basis::Declared);
        let cites = match is_declared {
            true => format!("{} declares it", command.place),
            false => format!("{}: as usual for such a file", command.place),
        };
        fact(text, cites);
    }
    let mut known: Vec<&str> = Vec::new();
    for store in &survey.stores {
        if !known.contains(&store.name.as_str()) {
            known.push(&store.name);
            let cites = format!("{}: {}", store.place, store.by);
            fact(format!("The existing code uses {}", store.name), cites);
        }
    }
    let run = survey.exact_runtimes();
    for runtime in run.filter(|runtime| !is_beside(&runtime.place.file)) {
        let (name, version) = (&runtime.name, &runtime.version);
        let text = match runtime.bound {
            Bound::Exactly if name == "Terraform" => {
                format!("The existing code is applied with {name} {version}")
            }
            Bound::Exactly => format!("The existing code runs on {name} {version}"),
            Bound::AtLeast => format!("The existing code needs {name} {version} or later"),
        };
        let is_unknown = runtime.bound == Bound::Exactly && last_day(name, version).is_none();
        let cites = match renew {
            Renew::Asked if is_unknown => {
                format!("{}; until when it gets fixes is not known", runtime.place)
            }
            Renew::Asked | Renew::NotAsked => runtime.place.to_string(),
        };
        fact(text, cites);
    }
    if let Some(licence) = &survey.licence
        && licence.name != "unrecognised"
    {
        let text = format!("The existing code is under the licence {}", licence.name);
        fact(text, licence.place.to_string());
    }
    let mut texts = std::collections::BTreeSet::new();
    found.retain(|statement| texts.insert(statement.text.clone()));
    found
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
