//! What all else stands on: the architecture, the project with its tests, and, where the chosen
//! architecture or a requirement asks for them, infrastructure and a look at threats.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::choice::told_of_architecture;
use super::desk::{Desk, Words, Work};
use super::estimating;
use super::groups::{Class, Group, Keeper};
use super::wording::{one_line, statement};
use crate::requirements::{ArchitectureOption, Document, ItemKind, Lexicon, Requirement, words};
use crate::work_item::Kind;

/// Architectures that run somewhere, and the tools that their summaries name for it.
const OPERATED: [(&str, &[&str]); 4] = [
    ("saas-monolith", &["tofu", "docker"]),
    ("evented-microservices", &["helm", "docker"]),
    ("serverless-api", &["tofu"]),
    ("data-pipeline", &["tofu"]),
];
/// Where nothing says what the architecture rests on, it serves the first features.
const MOST_OF_FEATURES: usize = 50;

/// Features that somebody may want to misuse.
static TEMPTING: LazyLock<Lexicon<()>> = LazyLock::new(|| {
    Lexicon::new(&[(
        (),
        "pay, pays, payment, payments, card, checkout, login, log in, sign in, sign up, register, account, \
         accounts, password, passwords, personal, upload, uploads, admin, administrator, administrators, role, \
         roles, permission, permissions, invoice, invoices, bezahlen, anmelden, konto, passwort",
    )])
});

/// The tasks that later ones wait for.
#[derive(Debug)]
pub struct Foundation {
    pub architecture: String,
    pub scaffold: String,
    pub infrastructure: Option<String>,
    pub threats: Option<String>,
}

/// Drafts it for `groups`; none where nothing is to be built and no limit to be kept.
pub fn foundation(
    desk: &mut Desk<'_>,
    document: &Document,
    groups: &[Group<'_>],
) -> Option<Foundation> {
    let is_needed = |group: &Group<'_>| !matches!(group.class, Class::Success);
    if !groups.iter().any(is_needed) {
        return None;
    }
    let epic = desk.epic("foundation", "Foundation");
    let chosen = document.chosen_option.as_ref().and_then(|name| {
        let mut options = document.options.iter();
        options.find(|option| &option.name == name)
    });
    let reasons = reasons(document, groups, chosen);
    let architecture = architecture(desk, &epic, document, chosen, &reasons);
    let scaffold = scaffold(desk, &epic, &architecture, &reasons);
    let operated = chosen.and_then(|chosen| {
        let mut operated = OPERATED.iter();
        let (_, tools) = operated.find(|(name, _)| *name == chosen.name)?;
        Some((chosen, *tools))
    });
    let infrastructure = operated
        .map(|(chosen, tools)| infrastructure(desk, &epic, chosen, tools, &architecture, &reasons));
    let threats = threats(desk, &epic, &architecture, groups);
    Some(Foundation {
        architecture,
        scaffold,
        infrastructure,
        threats,
    })
}

/// What the foundation serves: the limits, and what speaks for the chosen architecture; else the first
/// features.
fn reasons<'d>(
    document: &'d Document,
    groups: &[Group<'d>],
    chosen: Option<&ArchitectureOption>,
) -> Vec<&'d Requirement> {
    let supports: HashSet<&str> = chosen
        .into_iter()
        .flat_map(|option| &option.rests_on)
        .map(|support| support.item.as_str())
        .collect();
    let by_design = |group: &&Group<'d>| {
        matches!(
            group.class,
            Class::Limit {
                keeper: Keeper::Architect | Keeper::Infra,
                ..
            }
        )
    };
    let mut seen = HashSet::new();
    let limits = groups.iter().filter(by_design);
    let limits = limits.flat_map(|group| group.items.iter().copied());
    let support = document.items.iter().filter(|item| {
        supports.contains(item.id.as_str())
            && !matches!(item.kind, ItemKind::OutOfScope | ItemKind::OpenQuestion)
    });
    let mut found: Vec<&Requirement> = limits.chain(support).collect();
    if found.is_empty() {
        let all = groups.iter().filter(|group| group.class == Class::Feature);
        let all = all.flat_map(|group| group.items.iter().copied());
        found = all.take(MOST_OF_FEATURES).collect();
    }
    if found.is_empty() {
        let all = groups.iter().flat_map(|group| group.items.iter().copied());
        found = all.take(MOST_OF_FEATURES).collect();
    }
    found.retain(|item| seen.insert(item.id.as_str()));
    found
}

fn architecture(
    desk: &mut Desk<'_>,
    epic: &str,
    document: &Document,
    chosen: Option<&ArchitectureOption>,
    reasons: &[&Requirement],
) -> String {
    let (title, what) = told_of_architecture(desk.code_that_is_there(), document, chosen);
    let acceptance = vec![statement(
        "The decision is written down with its reasons, and what it means for each requirement named here",
    )];
    let story = desk.story(
        epic,
        "story/architecture".to_owned(),
        title.clone(),
        reasons,
        acceptance.clone(),
    );
    let kind = match chosen {
        Some(_) => Kind::Task,
        None => Kind::Spike,
    };
    desk.task(
        &story,
        Words {
            key: "architecture".to_owned(),
            title,
            what,
            acceptance,
        },
        Work {
            kind,
            role: "architect",
            estimate: estimating::ARCHITECTURE,
            waits: Vec::new(),
        },
        reasons,
    )
}

fn scaffold(
    desk: &mut Desk<'_>,
    epic: &str,
    architecture: &str,
    reasons: &[&Requirement],
) -> String {
    let (title, what) = match desk.code_that_is_there() {
        Some(_) => (
            "Check that the existing project builds and its tests pass",
            "The project is there already. Check that a fresh checkout is built, tested and checked by the \
             commands that it has; mend what is not before anything else is changed, so that each later task \
             only adds to it.",
        ),
        None => (
            "Set up the project: build, tests and checks",
            "Set up the repository so that each later task only adds to it: a build, a first test, and \
             the checks that every change has to pass.",
        ),
    };
    let title = title.to_owned();
    let mut acceptance = desk.is_well();
    if acceptance.is_empty() {
        let said = "A fresh checkout is built and tested by one documented command each";
        acceptance.push(statement(said));
    }
    let story = desk.story(
        epic,
        "story/scaffold".to_owned(),
        title.clone(),
        reasons,
        acceptance.clone(),
    );
    desk.task(
        &story,
        Words {
            key: "scaffold".to_owned(),
            title,
            what: what.to_owned(),
            acceptance,
        },
        Work {
            kind: Kind::Task,
            role: "developer",
            estimate: estimating::SCAFFOLD,
            waits: vec![architecture.to_owned()],
        },
        reasons,
    )
}

fn infrastructure(
    desk: &mut Desk<'_>,
    epic: &str,
    chosen: &ArchitectureOption,
    tools: &[&str],
    architecture: &str,
    reasons: &[&Requirement],
) -> String {
    let title = format!(
        "Describe the infrastructure as code: {}",
        one_line(&chosen.title, 60)
    );
    let acceptance = vec![statement(
        "An environment is set up from the description alone, and taken down again",
    )];
    let story = desk.story(
        epic,
        "story/infrastructure".to_owned(),
        title.clone(),
        reasons,
        acceptance.clone(),
    );
    let id = desk.task(
        &story,
        Words {
            key: "infrastructure".to_owned(),
            title,
            what: format!(
                "Describe as code what the chosen architecture runs on: {}",
                one_line(&chosen.summary, 500)
            ),
            acceptance,
        },
        Work {
            kind: Kind::Infra,
            role: "infra",
            estimate: estimating::INFRASTRUCTURE,
            waits: vec![architecture.to_owned()],
        },
        reasons,
    );
    if let Some(task) = desk.plan.tasks.last_mut() {
        task.tools = tools.iter().map(|tool| (*tool).to_owned()).collect();
        task.capabilities = vec!["infrastructure".to_owned()];
    }
    id
}

fn threats(
    desk: &mut Desk<'_>,
    epic: &str,
    architecture: &str,
    groups: &[Group<'_>],
) -> Option<String> {
    let features = groups.iter().filter(|group| group.class == Class::Feature);
    let tempting: Vec<&Requirement> = features
        .flat_map(|group| group.items.iter().copied())
        .filter(|item| {
            let spoken = words(&item.text);
            (0..spoken.len()).any(|at| TEMPTING.longest_at(&spoken, at).is_some())
        })
        .take(super::super::model::MOST_REQUIREMENTS)
        .collect();
    if tempting.is_empty() {
        return None;
    }
    let title = "Say what an attacker would want here, and what stops it".to_owned();
    let acceptance = vec![statement(
        "For each requirement named here the threats, what stops each, and how that is tested are written down",
    )];
    let story = desk.story(
        epic,
        "story/threats".to_owned(),
        title.clone(),
        &tempting,
        acceptance.clone(),
    );
    Some(desk.task(
        &story,
        Words {
            key: "threats".to_owned(),
            title,
            what: "These features have to do with money, accounts, rights or files of strangers. Say what may \
                   go wrong before they are built."
                .to_owned(),
            acceptance,
        },
        Work {
            kind: Kind::Task,
            role: "security",
            estimate: estimating::THREATS,
            waits: vec![architecture.to_owned()],
        },
        &tempting,
    ))
}
