//! Where in the workspace a request plays, and under which names its targets may stand.
//!
//! A folder counts when the title names it, or when it is the only place that offers anything. Two
//! candidates are a question, never a choice made here.

use std::collections::BTreeSet;

use super::ecosystem::Ecosystem;
use super::facts::{View, WorkspaceFacts};
use super::make;
use super::request::{Request, is_environment};
use super::verb::{Reading, Verb};

/// Kinds of tests: `integration:test` names no folder.
const TEST_KINDS: &[&str] = &[
    "unit",
    "integration",
    "e2e",
    "smoke",
    "acceptance",
    "regression",
];

const MAKEFILES: &[&str] = &["GNUmakefile", "makefile", "Makefile"];

/// Chooses the folder that the steps run in.
pub(super) fn choose<'f>(
    title: &str,
    request: &Request,
    facts: &'f WorkspaceFacts,
) -> Result<View<'f>, String> {
    let top = facts.seen_from(None);
    let offering: Vec<&str> = facts
        .folders()
        .into_iter()
        .filter(|folder| is_component(folder) && offers_anything(facts.seen_from(Some(folder))))
        .collect();
    let named: Vec<&str> = offering
        .iter()
        .copied()
        .filter(|folder| names(title, folder))
        .collect();
    match named.as_slice() {
        [folder] => return Ok(facts.seen_from(Some(folder))),
        [] => {}
        several => {
            return Err(format!(
                "the title names several folders: {}",
                several.join(", ")
            ));
        }
    }
    if let Some(folder) = environment_folder(request, facts) {
        return Ok(facts.seen_from(Some(folder)));
    }
    if offers_anything(top) {
        return Ok(top);
    }
    let component = request
        .component
        .as_deref()
        .filter(|component| !TEST_KINDS.contains(component));
    match (offering.as_slice(), component) {
        ([], _) => Ok(top),
        ([folder], None) => Ok(facts.seen_from(Some(folder))),
        (folders, Some(component)) => Err(format!(
            "the title names `{component}`, and the workspace has {}",
            folders.join(", ")
        )),
        (folders, None) => Err(format!(
            "several folders could be meant ({}); name one in the title, such as `{}:…`",
            folders.join(", "),
            folders[0]
        )),
    }
}

/// Infrastructure is often kept as one folder for each environment.
fn environment_folder<'f>(request: &Request, facts: &'f WorkspaceFacts) -> Option<&'f str> {
    let infrastructure = |verb: &Verb| matches!(verb, Verb::Plan | Verb::Apply | Verb::Destroy);
    if !request.verbs.iter().any(infrastructure) {
        return None;
    }
    let words = environment_words(request);
    facts.folders().into_iter().find(|folder| {
        let view = facts.seen_from(Some(folder));
        words.iter().any(|word| word == folder) && Ecosystem::Tofu.evidence(view).is_some()
    })
}

/// Every word for the environment that the title names, the one it used first.
pub(super) fn environment_words(request: &Request) -> Vec<String> {
    match &request.environment {
        None => Vec::new(),
        Some((name, word)) if name == word => vec![word.clone()],
        Some((name, word)) => vec![word.clone(), (*name).to_owned()],
    }
}

fn is_component(folder: &str) -> bool {
    let lower = folder.to_lowercase();
    // The folders `build`, `test` or `prod` are not what `api:build` is about, nor is `a` of prose.
    Verb::of(&lower).is_none()
        && !is_environment(&lower)
        && lower.chars().count() > 1
        && !folder.starts_with('.')
        && !["node_modules", "target", "vendor", "dist", "scripts"].contains(&lower.as_str())
        && !folder
            .chars()
            .any(|character| character == '\\' || character.is_control())
}

fn offers_anything(view: View<'_>) -> bool {
    let ecosystems = Ecosystem::CODE.into_iter().chain(Ecosystem::INFRA);
    view.first(MAKEFILES).is_some()
        || ecosystems
            .into_iter()
            .any(|ecosystem| ecosystem.evidence(view).is_some())
        || Verb::ALL
            .iter()
            .any(|verb| view.has(&format!("{}.sh", verb.name())))
}

/// Whether `folder` stands in the title as a word of its own.
fn names(title: &str, folder: &str) -> bool {
    let (title, folder) = (title.to_lowercase(), folder.to_lowercase());
    title.match_indices(&folder).any(|(at, _)| {
        let before = title[..at].chars().next_back();
        let after = title[at + folder.len()..].chars().next();
        let joins = |neighbour: Option<char>| {
            neighbour.is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_' || c == '.')
        };
        !joins(before) && !joins(after)
    })
}

/// The Makefile of a folder: its name and its targets.
pub(super) fn makefile(view: View<'_>) -> Option<(&'static str, BTreeSet<String>)> {
    let name = view.first(MAKEFILES)?;
    Some((name, make::targets(view.content(name))))
}

/// Names under which a Makefile or a package may offer what is asked, the best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Targets {
    specific: Vec<String>,
    general: &'static [&'static str],
    /// Words that a general name would pass over, where that is not allowed.
    unanswered: Vec<String>,
}

impl Targets {
    /// The names for `verb`; `folder` is where the request plays.
    pub(super) fn of(verb: Verb, request: &Request, folder: Option<&str>) -> Self {
        let folder = folder.unwrap_or_default().to_lowercase();
        let others: Vec<&str> = request
            .others
            .iter()
            .map(String::as_str)
            .filter(|word| {
                !folder
                    .split(|c: char| !c.is_alphanumeric())
                    .any(|part| part == *word)
            })
            .collect();
        let environment = environment_words(request);
        let in_its_folder = environment.contains(&folder);
        let bases = verb.target_names();
        let strict = verb.reading() == Reading::Strict;
        let mut specific = Vec::new();
        if strict {
            let places: Vec<Option<&str>> = match in_its_folder || environment.is_empty() {
                true => vec![None],
                false => environment.iter().map(|word| Some(word.as_str())).collect(),
            };
            for place in places {
                let words: Vec<&str> = others.iter().copied().chain(place).collect();
                qualify(&mut specific, bases, &words, verb);
            }
        } else {
            for word in &others {
                qualify(&mut specific, bases, &[word], verb);
            }
        }
        let mut unanswered: Vec<String> = Vec::new();
        if strict {
            unanswered.extend(others.iter().map(|word| (*word).to_owned()));
        }
        if (verb.reaches_out() || verb == Verb::Plan) && !in_its_folder {
            unanswered.extend(environment.first().cloned());
        }
        Self {
            specific,
            general: bases,
            unanswered,
        }
    }

    /// The first name for which `exists` holds.
    pub(super) fn find(&self, exists: impl Fn(&str) -> bool) -> Option<String> {
        let general = self.general.iter().map(|name| (*name).to_owned());
        let general = general.filter(|_| self.general_allowed());
        self.specific
            .iter()
            .cloned()
            .chain(general)
            .find(|name| exists(name))
    }

    /// Whether a name that says nothing but the verb would do.
    pub(super) fn general_allowed(&self) -> bool {
        self.unanswered.is_empty()
    }

    /// Words of the title that the verb alone does not answer.
    pub(super) fn unanswered(&self) -> &[String] {
        &self.unanswered
    }

    /// "`build` script" or "`deploy` script for `prod`", for messages.
    pub(super) fn describe(&self, what: &str) -> String {
        match self.unanswered.as_slice() {
            [] => format!("`{}` {what}", self.general[0]),
            words => format!("`{}` {what} for `{}`", self.general[0], words.join(" ")),
        }
    }
}

/// Adds every usual way to join a base name with the words that narrow it.
fn qualify(names: &mut Vec<String>, bases: &[&str], words: &[&str], verb: Verb) {
    // Three words make six orders; nobody names a target after more.
    if words.is_empty() || words.len() > 3 {
        return;
    }
    for separator in ["-", "_", ":"] {
        let forwards = words.join(separator);
        let backwards = words
            .iter()
            .rev()
            .copied()
            .collect::<Vec<_>>()
            .join(separator);
        for joined in [&forwards, &backwards] {
            for base in bases {
                names.push(format!("{base}{separator}{joined}"));
                names.push(format!("{joined}{separator}{base}"));
            }
        }
    }
    let alone = words.join("-");
    if verb == Verb::Run || (verb == Verb::Test && TEST_KINDS.contains(&alone.as_str())) {
        names.push(alone);
    }
}
