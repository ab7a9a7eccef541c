//! What a title asks for: verbs, the words around them, and whether commands can answer at all.
//!
//! Judged by whole words. A verb that changes the outside world needs a title that says nothing the
//! rules do not know ("apply the review comments" is not `tofu apply`).

use super::ecosystem::Ecosystem;
use super::verb::{Reading, Verb};

/// First words of titles that ask for changed files or for thought, not for a command.
const AUTHORING: &[&str] = &[
    "add",
    "analyse",
    "analyze",
    "change",
    "create",
    "decide",
    "define",
    "describe",
    "design",
    "develop",
    "document",
    "draft",
    "explain",
    "explore",
    "extend",
    "fix",
    "implement",
    "improve",
    "introduce",
    "investigate",
    "make",
    "migrate",
    "move",
    "optimise",
    "optimize",
    "port",
    "propose",
    "prototype",
    "refactor",
    "remove",
    "rename",
    "replace",
    "research",
    "review",
    "rewrite",
    "specify",
    "split",
    "support",
    "update",
    "upgrade",
    "write",
];

const NEGATIONS: &[&str] = &[
    "no", "not", "without", "skip", "never", "except", "don't", "dont", "avoid", "disable",
];

/// Words that name a place to bring things to.
const ENVIRONMENTS: &[(&str, &[&str])] = &[
    ("dev", &["dev", "development"]),
    ("staging", &["staging", "stage", "stg"]),
    ("prod", &["prod", "production", "prd", "live"]),
    ("qa", &["qa"]),
    ("preview", &["preview"]),
];

/// Whether a word stands for an environment, such as `prod`.
pub(super) fn is_environment(word: &str) -> bool {
    ENVIRONMENTS.iter().any(|(_, words)| words.contains(&word))
}

/// Words that say nothing beyond their verb.
const FILLERS: &[&str] = &[
    "a",
    "all",
    "an",
    "and",
    "app",
    "application",
    "apps",
    "changes",
    "everything",
    "for",
    "from",
    "in",
    "infra",
    "infrastructure",
    "into",
    "it",
    "local",
    "locally",
    "now",
    "of",
    "on",
    "our",
    "please",
    "program",
    "project",
    "repo",
    "repository",
    "resources",
    "saved",
    "script",
    "server",
    "service",
    "services",
    "site",
    "stack",
    "step",
    "suite",
    "the",
    "then",
    "this",
    "to",
    "using",
    "via",
    "whole",
    "with",
    "workspace",
    "environment",
    "env",
    "ci",
    "dependencies",
    "deps",
    "packages",
    "modules",
    "requirements",
];

const JOINERS: &[&str] = &["and", "then", "&", "+", ",", "/", "→", "->", ";", "|"];

/// A title, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// What to do, in this order; empty when the title names no verb.
    pub verbs: Vec<Verb>,
    /// Tools that the title names.
    pub ecosystems: Vec<Ecosystem>,
    /// Tools that the description names: a preference, no demand.
    pub preferred: Vec<Ecosystem>,
    /// The environment that the title names, by its short name, and the word used.
    pub environment: Option<(&'static str, String)>,
    /// Words that are none of these, such as the name of a component.
    pub others: Vec<String>,
    /// The word before the first colon, where it is such an other word: `api` of `api:build`.
    pub component: Option<String>,
    /// `x` of a title `make x`.
    pub make_target: Option<String>,
}

/// Why a title yields no request, in words for the question.
pub(super) type Refusal = String;

impl Request {
    /// Takes title and description apart.
    pub(super) fn read(title: &str, description: &str) -> Result<Self, Refusal> {
        let tokens = tokens(title);
        if let Some(target) = make_target(title) {
            return Ok(Self {
                make_target: Some(target),
                ..Self::default()
            });
        }
        if let Some(word) = authoring_word(title) {
            return Err(format!(
                "the title asks for a change (`{word}`), which no command of the workspace makes"
            ));
        }
        let mut request = Self::default();
        let mut joined = true;
        let mut found: Vec<(Verb, bool)> = Vec::new();
        let mut negated = false;
        for token in &tokens {
            if JOINERS.contains(&token.as_str()) {
                joined = true;
                negated = false;
                continue;
            }
            if token == ":" {
                negated = false;
                continue;
            }
            if NEGATIONS.contains(&token.as_str()) {
                negated = true;
                continue;
            }
            if negated {
                continue;
            }
            if let Some(verb) = Verb::of(token) {
                found.push((verb, joined));
                joined = false;
            }
            request.sort_in(token);
        }
        request.component = component(title).filter(|word| request.others.contains(word));
        request.verbs = choose_verbs(&found)?;
        let described = self::tokens(description);
        request.preferred = described
            .iter()
            .filter_map(|word| Ecosystem::named(word))
            .collect();
        if request.verbs.is_empty() {
            request.verbs = described_verb(&described);
        }
        Ok(request)
    }

    fn sort_in(&mut self, word: &str) {
        let environment = ENVIRONMENTS.iter().find(|(_, words)| words.contains(&word));
        let ecosystem = Ecosystem::named(word);
        if let Some(ecosystem) = ecosystem {
            self.ecosystems.push(ecosystem);
        }
        if let Some((name, _)) = environment {
            self.environment.get_or_insert((name, word.to_owned()));
        }
        let known = Verb::of(word).is_some()
            || ecosystem.is_some()
            || environment.is_some()
            || FILLERS.contains(&word);
        if !known {
            self.others.push(word.to_owned());
        }
    }
}

/// Lower-case words; joiners and colons stand as words of their own.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let lowered = text.to_lowercase().replace("->", "→").replace('’', "'");
    for character in lowered.chars() {
        if character.is_alphanumeric() || character == '\'' {
            word.push(character);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        if ":&+,/→;|".contains(character) {
            tokens.push(character.to_string());
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    tokens
}

fn make_target(title: &str) -> Option<String> {
    let mut words = title.split_whitespace();
    let is_make = words.next()?.eq_ignore_ascii_case("make");
    let target = words.next()?;
    (is_make && words.next().is_none()).then(|| target.to_owned())
}

/// The word that makes a title ask for authorship: `fix …`, `api: add …`, `build a …`.
fn authoring_word(title: &str) -> Option<String> {
    let whole = tokens(title);
    let segments = whole.split(|token| token == ":");
    segments.into_iter().find_map(|segment| {
        let first = segment.first()?;
        let makes_new = Verb::of(first) == Some(Verb::Build)
            && segment
                .get(1)
                .is_some_and(|word| ["a", "an", "new"].contains(&word.as_str()));
        (makes_new || AUTHORING.contains(&first.as_str())).then(|| first.clone())
    })
}

fn component(title: &str) -> Option<String> {
    let (before, _) = title.split_once(':')?;
    let words = tokens(before);
    (words.len() == 1)
        .then(|| words.into_iter().next())
        .flatten()
}

fn choose_verbs(found: &[(Verb, bool)]) -> Result<Vec<Verb>, Refusal> {
    // "Run the unit tests": running is how, not what.
    let others: Vec<(Verb, bool)> = found
        .iter()
        .copied()
        .filter(|(verb, _)| *verb != Verb::Run)
        .collect();
    let found = if others.is_empty() { found } else { &others };
    let mut verbs: Vec<Verb> = Vec::new();
    let mut unjoined: Vec<Verb> = Vec::new();
    for (index, (verb, joined)) in found.iter().enumerate() {
        if verbs.contains(verb) {
            continue;
        }
        // "test build artifacts": without a joining word the first is the verb.
        if index == 0 || *joined {
            verbs.push(*verb);
        } else {
            unjoined.push(*verb);
        }
    }
    let saved_plan = verbs == [Verb::Apply] && unjoined == [Verb::Plan];
    let risky = verbs.iter().chain(&unjoined).any(|verb| verb.reaches_out());
    if risky && !unjoined.is_empty() && !saved_plan {
        let names: Vec<&str> = verbs
            .iter()
            .chain(&unjoined)
            .map(|verb| verb.name())
            .collect();
        return Err(format!(
            "the title names {} at once; say which is meant",
            names.join(" and ")
        ));
    }
    Ok(verbs)
}

/// A description such as "unit tests" stands in for a title without a verb; prose does not.
fn described_verb(words: &[String]) -> Vec<Verb> {
    let authoring = words
        .first()
        .is_some_and(|first| AUTHORING.contains(&first.as_str()));
    let negated = words.iter().any(|word| NEGATIONS.contains(&word.as_str()));
    if authoring || negated || words.len() > 8 {
        return Vec::new();
    }
    let mut verbs: Vec<Verb> = words.iter().filter_map(|word| Verb::of(word)).collect();
    verbs.dedup();
    match verbs.as_slice() {
        [verb] if verb.reading() == Reading::Free => verbs,
        _ => Vec::new(),
    }
}
