//! From a title and a workspace to steps, or to the question that has to be asked.
//!
//! Owns the order of preference: what the title names, then a Makefile target, then the manifests,
//! then a script, then images and infrastructure. Nothing is run that the workspace does not offer.

use super::ecosystem::{Asked, Ecosystem, Offer};
use super::facts::{View, WorkspaceFacts};
use super::request::Request;
use super::scope::{self, Targets};
use super::verb::{Reading, Verb};
use crate::recipe::Step;

/// What runs when there is no recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The workspace tells how.
    Steps {
        /// What runs, in this order; never empty.
        steps: Vec<Step>,
        /// Executables that must be on `PATH`, each once.
        tools: Vec<String>,
        /// What each decision rests on, for people.
        because: Vec<String>,
    },
    /// Nothing tells how, or it is not clear what is meant: a person has to say.
    NothingToInfer {
        /// The whole question, with what was looked for and what can be done; `{id}` in it stands for
        /// the work item.
        question: String,
        /// What would have been understood: words for a title, or files and targets for a workspace.
        expected: Vec<String>,
    },
}

const WAY_OUT: &str =
    "attach a recipe with POST /work-items/{id}/tool-recipe, or answer with the steps to run";

/// Infers the steps of a work item that has no recipe.
#[must_use]
pub fn infer(title: &str, description: &str, facts: &WorkspaceFacts) -> Plan {
    match collect(title, description, facts) {
        Ok(collected) => collected,
        Err(Doubt { why, expected }) => {
            let wanted = match expected.is_empty() {
                true => String::new(),
                false => format!("; expected one of: {}", expected.join(", ")),
            };
            let question = format!("no recipe, and {why}{wanted}; {WAY_OUT}");
            Plan::NothingToInfer { question, expected }
        }
    }
}

struct Doubt {
    why: String,
    expected: Vec<String>,
}

impl From<String> for Doubt {
    fn from(why: String) -> Self {
        Self {
            why,
            expected: Vec::new(),
        }
    }
}

fn collect(title: &str, description: &str, facts: &WorkspaceFacts) -> Result<Plan, Doubt> {
    let request = Request::read(title, description)?;
    let view = scope::choose(title, &request, facts)?;
    let mut offers = Vec::new();
    if let Some(target) = &request.make_target {
        offers.push(named_make_target(target, view)?);
    } else if request.verbs.is_empty() {
        return Err(Doubt {
            why: "the title names nothing that commands can do".to_owned(),
            expected: Verb::ALL
                .iter()
                .map(|verb| verb.name().to_owned())
                .collect(),
        });
    }
    for verb in &request.verbs {
        offers.extend(offers_for(*verb, &request, title, description, view)?);
    }
    Ok(assemble(offers, view))
}

fn named_make_target(target: &str, view: View<'_>) -> Result<Offer, Doubt> {
    let Some((file, targets)) = scope::makefile(view) else {
        return Err(format!("the title says `make {target}`, and there is no Makefile").into());
    };
    if !targets.contains(target) {
        return Err(Doubt {
            why: format!("{file} has no target `{target}`"),
            expected: targets.into_iter().collect(),
        });
    }
    Ok(make_offer(file, target))
}

fn make_offer(file: &str, target: &str) -> Offer {
    let because = format!("target `{target}` in {file}");
    Offer::new(because, &["make"], &[&format!("make {target}")])
}

/// All offers for one verb; at least one.
fn offers_for(
    verb: Verb,
    request: &Request,
    title: &str,
    description: &str,
    view: View<'_>,
) -> Result<Vec<Offer>, Doubt> {
    let targets = Targets::of(verb, request, view.folder());
    let environment = scope::environment_words(request);
    let asked = Asked {
        verb,
        targets: &targets,
        environment: &environment,
        spelled: &spelled(title, description),
        component: request.component.as_deref().or(view.folder()),
    };
    let mut reasons = Vec::new();
    let in_title = without_shadowed(&request.ecosystems);
    if !in_title.is_empty() {
        for ecosystem in &in_title {
            if ecosystem.evidence(view).is_none() {
                let (name, marks) = (ecosystem.name(), ecosystem.marks());
                reasons.push(format!("the title names {name}, and there is no {marks}"));
            }
        }
        let offers = answers(&in_title, &asked, view, &mut reasons);
        return found(offers, verb, reasons);
    }
    if let Some((file, existing)) = scope::makefile(view) {
        match targets.find(|name| existing.contains(name)) {
            Some(target) => return Ok(vec![make_offer(file, &target)]),
            None => reasons.push(format!("{file} has no {}", targets.describe("target"))),
        }
    }
    let preferred = without_shadowed(&request.preferred);
    let offers = answers(&preferred, &asked, view, &mut Vec::new());
    if !offers.is_empty() {
        return Ok(offers);
    }
    let offers = answers(&Ecosystem::CODE, &asked, view, &mut reasons);
    if !offers.is_empty() {
        return Ok(offers);
    }
    if let Some(offer) = script(verb, &targets, view) {
        return Ok(vec![offer]);
    }
    let mut offers = answers(&Ecosystem::INFRA, &asked, view, &mut reasons);
    let checks = matches!(verb, Verb::Test | Verb::Lint | Verb::Format);
    if !checks {
        offers.truncate(1);
    }
    found(offers, verb, reasons)
}

fn found(offers: Vec<Offer>, verb: Verb, reasons: Vec<String>) -> Result<Vec<Offer>, Doubt> {
    if !offers.is_empty() {
        return Ok(offers);
    }
    let why = format!("nothing in the workspace tells how to `{}`", verb.name());
    let why = match reasons.is_empty() {
        true => why,
        false => format!("{why} ({})", reasons.join("; ")),
    };
    Err(Doubt {
        why,
        expected: expected(verb),
    })
}

/// The offers of those ecosystems that are in use here, and the reasons of the others.
fn answers(
    ecosystems: &[Ecosystem],
    asked: &Asked<'_>,
    view: View<'_>,
    reasons: &mut Vec<String>,
) -> Vec<Offer> {
    let mut offers = Vec::new();
    for ecosystem in ecosystems {
        let Some(mark) = ecosystem.evidence(view) else {
            continue;
        };
        match unanswered_words(*ecosystem, asked) {
            Some(why) => reasons.push(why),
            None => match ecosystem.answer(asked, view, mark) {
                Ok(offer) => offers.push(offer),
                Err(why) => reasons.push(why),
            },
        }
    }
    reasons.dedup();
    offers
}

/// A fixed command answers the verb alone; scripts and variable files are looked up by every word.
fn unanswered_words(ecosystem: Ecosystem, asked: &Asked<'_>) -> Option<String> {
    let looks_up = ecosystem == Ecosystem::Node && asked.verb != Verb::Install;
    if asked.verb.reading() == Reading::Free || looks_up {
        return None;
    }
    let words: Vec<&str> = asked
        .targets
        .unanswered()
        .iter()
        .map(String::as_str)
        .filter(|word| !asked.environment.iter().any(|name| name == word))
        .collect();
    (!words.is_empty()).then(|| {
        format!(
            "nothing here answers to `{}` of the title",
            words.join("`, `")
        )
    })
}

/// A shell script named after the verb.
fn script(verb: Verb, targets: &Targets, view: View<'_>) -> Option<Offer> {
    if !targets.general_allowed() {
        return None;
    }
    let name = verb.name();
    let file = [format!("{name}.sh"), format!("scripts/{name}.sh")]
        .into_iter()
        .find(|file| view.has(file))?;
    let first_line = view.content(&file).lines().next().unwrap_or_default();
    let shell = if first_line.starts_with("#!") && first_line.contains("bash") {
        "bash"
    } else {
        "sh"
    };
    Some(Offer::new(
        file.clone(),
        &[shell],
        &[&format!("{shell} ./{file}")],
    ))
}

/// `docker compose` is Compose, although it also says docker.
fn without_shadowed(named: &[Ecosystem]) -> Vec<Ecosystem> {
    let mut kept: Vec<Ecosystem> = Vec::new();
    for ecosystem in named {
        let shadowed = *ecosystem == Ecosystem::Docker && named.contains(&Ecosystem::Compose);
        if !shadowed && !kept.contains(ecosystem) {
            kept.push(*ecosystem);
        }
    }
    kept
}

/// The words that name tools, the title's first.
fn spelled(title: &str, description: &str) -> Vec<String> {
    let text = format!("{title}\n{description}").to_lowercase();
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| Ecosystem::named(word).is_some())
        .map(str::to_owned)
        .collect()
}

fn expected(verb: Verb) -> Vec<String> {
    let name = verb.name();
    let files: &[&str] = match verb {
        Verb::Build => &[
            "Cargo.toml",
            "pyproject.toml",
            "go.mod",
            "pom.xml",
            "build.gradle",
            "CMakeLists.txt",
            "Dockerfile",
            "compose.yaml",
            "Chart.yaml",
        ],
        Verb::Test => &[
            "Cargo.toml",
            "pyproject.toml",
            "requirements.txt",
            "go.mod",
            "pom.xml",
            "build.gradle",
            "CMakeLists.txt",
            "*.tftest.hcl",
            "Chart.yaml",
        ],
        Verb::Lint => &[
            "Cargo.toml",
            "ruff.toml",
            "go.mod",
            "*.tf",
            "Chart.yaml",
            "compose.yaml",
        ],
        Verb::Format => &["Cargo.toml", "ruff.toml", "go.mod", "*.tf"],
        Verb::Install => &[
            "Cargo.toml",
            "package.json",
            "requirements.txt",
            "go.mod",
            "*.tf",
        ],
        Verb::Run => &["src/main.rs", "main.py", "main.go"],
        Verb::Plan => &["*.tf", "Chart.yaml"],
        Verb::Apply | Verb::Destroy => &["*.tf"],
        Verb::Deploy => &["compose.yaml"],
    };
    let scripts: &[&str] = match verb {
        Verb::Plan | Verb::Apply | Verb::Destroy | Verb::Install => &[],
        Verb::Run => &["package.json with a `start` script"],
        Verb::Build | Verb::Test | Verb::Lint | Verb::Format | Verb::Deploy => {
            &["package.json with a `…` script"]
        }
    };
    let mut expected = vec![format!("a Makefile with a target `{name}`")];
    expected.extend(scripts.iter().map(|script| script.replace('…', name)));
    expected.extend(files.iter().map(|file| (*file).to_owned()));
    expected.push(format!("{name}.sh"));
    expected
}

fn assemble(offers: Vec<Offer>, view: View<'_>) -> Plan {
    let mut steps: Vec<Step> = Vec::new();
    let mut tools: Vec<String> = Vec::new();
    let mut because: Vec<String> = Vec::new();
    for offer in offers {
        for mut step in offer.steps {
            step.cwd = view.folder().map(|folder| format!("./{folder}"));
            // Building and testing both install first; once is enough.
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        for tool in offer.tools {
            if !tools.iter().any(|known| known == tool) {
                tools.push(tool.to_owned());
            }
        }
        let place = view
            .folder()
            .map(|folder| format!("{folder}: "))
            .unwrap_or_default();
        let reason = format!("{place}{}", offer.because);
        if !because.contains(&reason) {
            because.push(reason);
        }
    }
    Plan::Steps {
        steps,
        tools,
        because,
    }
}
