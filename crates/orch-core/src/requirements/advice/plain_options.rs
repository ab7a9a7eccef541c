//! Two plain architectures that fit whatever is asked for, the simplest thing and one that parts what people see
//! from what it knows: a choice needs two. And the frameworks that a vision names, in place of those of a blueprint.

use std::collections::HashSet;

use super::super::document::{ArchitectureOption, Requirement, Support};
use super::super::item::ItemKind;
use super::super::words::words;
use super::contradictions::is_negative;
use super::stems::is_generic;

/// With fewer there is nothing to choose between.
const LEAST_OPTIONS: usize = 2;
/// Words of the wish itself, which say nothing of what is wished for.
const WISHING: &[&str] = &["like", "love", "wish", "please"];
/// Items that a plain option rests on.
const MOST_SUPPORTS: usize = 3;

const SINGLE: &str = "single-program";
const PARTED: &str = "parted-program";

/// Blueprints that are one program already: beside them stands the parted one.
const SINGLE_ALREADY: &[&str] = &[
    "saas-monolith",
    "command-line-tool",
    "library",
    "static-site",
];

/// Frameworks by the words that name them, as their makers write them.
const FRAMEWORKS: &[(&str, &str)] = &[
    ("django", "Django"),
    ("rails", "Rails"),
    ("laravel", "Laravel"),
    ("flask", "Flask"),
    ("spring", "Spring"),
    ("symfony", "Symfony"),
    ("wordpress", "WordPress"),
    ("next.js", "Next.js"),
    ("phoenix", "Phoenix"),
    ("asp.net", "ASP.NET"),
    ("axum", "axum"),
    ("node", "Node"),
    ("node.js", "Node.js"),
];
/// The framework of the blueprint.
const DEFAULT_FRAMEWORK: &str = "FastAPI";

/// Whether this is one of the plain ones: it says nothing about what kind of program is asked for.
pub fn is_plain(option: &ArchitectureOption) -> bool {
    !option.by_model && (option.name == SINGLE || option.name == PARTED)
}

/// The options with what `items` name, and with plain ones where fewer than two are left to choose from.
pub fn completed(
    mut options: Vec<ArchitectureOption>,
    items: &[Requirement],
) -> Vec<ArchitectureOption> {
    if let Some(framework) = framework(items) {
        for option in &mut options {
            option.summary = option.summary.replace(DEFAULT_FRAMEWORK, framework);
        }
    }
    let rests_on = supports(items);
    if rests_on.is_empty() {
        return options;
    }
    let is_single = options
        .first()
        .is_some_and(|option| SINGLE_ALREADY.contains(&option.name.as_str()));
    let plain = match (options.len(), is_single) {
        (0, _) => vec![single(&rests_on), parted(&rests_on)],
        (1, true) => vec![parted(&rests_on)],
        (1, false) => vec![single(&rests_on)],
        (_, _) => Vec::new(),
    };
    options.extend(plain);
    debug_assert!(options.len() >= LEAST_OPTIONS);
    options
}

fn framework(items: &[Requirement]) -> Option<&'static str> {
    let mut wanted = items.iter().filter(|item| is_wanted(item));
    wanted.find_map(|item| {
        let spoken = words(&item.text);
        let named = FRAMEWORKS
            .iter()
            .find(|(word, _)| spoken.iter().any(|said| said.lower == *word))?;
        (!is_negative(&spoken)).then_some(named.1)
    })
}

fn is_wanted(item: &Requirement) -> bool {
    let is_said = match item.kind {
        ItemKind::OpenQuestion | ItemKind::Risk | ItemKind::OutOfScope => false,
        ItemKind::Goal
        | ItemKind::Functional
        | ItemKind::Scope
        | ItemKind::Constraint
        | ItemKind::NonFunctional
        | ItemKind::SuccessCriterion => true,
    };
    is_said && !item.is_ruled_out()
}

/// The first items of what is asked for, each with the word that says what it is about.
fn supports(items: &[Requirement]) -> Vec<Support> {
    let mut seen = HashSet::new();
    let is_work = |item: &&Requirement| {
        matches!(item.kind, ItemKind::Functional | ItemKind::Scope) && is_wanted(item)
    };
    let work = items.iter().filter(is_work);
    let rest = items
        .iter()
        .filter(|item| is_wanted(item) && !is_work(item));
    let found = work.chain(rest).filter_map(|item| {
        let sentence = item.said().to_owned();
        let spoken = words(&item.text);
        let word = spoken.iter().map(|word| word.lower.as_str()).find(|word| {
            word.chars().count() > 2
                && word.chars().all(char::is_alphabetic)
                && !is_generic(word)
                && !WISHING.contains(word)
                && sentence.to_lowercase().contains(word)
        });
        let word = word.or_else(|| {
            let mut all = spoken.iter().map(|word| word.lower.as_str());
            all.find(|word| sentence.to_lowercase().contains(word))
        })?;
        seen.insert(word.to_owned()).then(|| Support {
            word: word.to_owned(),
            item: item.id.clone(),
            sentence,
        })
    });
    found.take(MOST_SUPPORTS).collect()
}

/// "“search” and “pay”".
fn named(rests_on: &[Support]) -> String {
    let words: Vec<String> = rests_on
        .iter()
        .map(|support| format!("“{}”", support.word))
        .collect();
    words.join(" and ")
}

fn plain(
    (name, title, summary): (&str, &str, &str),
    strengths: Vec<String>,
    trade_offs: Vec<String>,
    rests_on: &[Support],
) -> ArchitectureOption {
    ArchitectureOption {
        name: name.to_owned(),
        title: title.to_owned(),
        summary: summary.to_owned(),
        strengths,
        trade_offs,
        rests_on: rests_on.to_vec(),
        by_model: false,
    }
}

fn single(rests_on: &[Support]) -> ArchitectureOption {
    let about = named(rests_on);
    plain(
        (
            SINGLE,
            "One program",
            "One program with one store, the simplest thing that does what is asked for.",
        ),
        vec![
            format!("{about}: built, tested and released as one"),
            "little to learn and little to operate".to_owned(),
        ],
        vec![format!(
            "what shows {about} and what keeps them cannot be changed apart"
        )],
        rests_on,
    )
}

fn parted(rests_on: &[Support]) -> ArchitectureOption {
    let about = named(rests_on);
    plain(
        (
            PARTED,
            "Interface and core apart",
            "Two parts with an interface between them: what people see and call, and what knows the rules and the data.",
        ),
        vec![
            format!("the rules of {about} are tested without what shows them"),
            "another way in, such as an app or a script, can be added beside the first".to_owned(),
        ],
        vec![format!(
            "an interface between the parts has to be designed and kept for {about} before anything is seen"
        )],
        rests_on,
    )
}
