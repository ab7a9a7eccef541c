//! The demanded requirements as pieces of work: an answer goes with what it answers, and where there are
//! very many, neighbours go together so that the plan keeps its bounds.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::super::standing::{Standing, standing};
use crate::requirements::{Document, ItemKind, Lexicon, Origin, Requirement, Word, words};

/// The most groups of a plan. A feature makes two tasks, so that checks and the rest find room.
pub const MOST_GROUPS: usize = 1_500;

/// Requirements that are one piece of work, or, where there are very many, several pieces.
#[derive(Debug)]
pub struct Group<'d> {
    pub class: Class,
    /// Never empty.
    pub items: Vec<&'d Requirement>,
    /// Whether a question about one of them is neither answered nor skipped.
    pub is_unsettled: bool,
}

/// What sort of work a requirement asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Something to build and to test.
    Feature,
    /// A constraint or a quality that is somebody's field, and who sees to it.
    Limit { kind: ItemKind, keeper: Keeper },
    /// A success criterion.
    Success,
}

/// Who sees to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keeper {
    /// Security: laws, rights, secrets.
    Security,
    /// Infra: where and how it runs.
    Infra,
    /// Tech Writer: what is to be written.
    Writer,
    /// Planner: money and dates.
    Planner,
    /// Architect: what it is built with, and what is kept out.
    Architect,
}

static KEEPERS: LazyLock<Lexicon<Keeper>> = LazyLock::new(|| {
    Lexicon::new(&[
        (
            Keeper::Security,
            "gdpr, dsgvo, hipaa, pci, privacy, private, personal data, secure, security, encrypt, encrypts, \
             encrypted, encryption, password, passwords, authentication, authorization, permission, permissions, \
             2fa, tls, https, secret, secrets, audit, datenschutz, verschlüsselt, passwort, compliance, complies, \
             comply, track",
        ),
        (
            Keeper::Infra,
            "aws, azure, gcp, google cloud, kubernetes, helm, docker, container, containers, deploy, deployed, \
             deployment, host, hosted, hosting, servers, cloud, region, on-premises, on premises, backup, backups, \
             uptime, availability, available, monitoring, monitored, terraform, opentofu, verfügbar",
        ),
        (
            Keeper::Writer,
            "documentation, documented, manual, handbook, tutorial, readme, guide, dokumentation, handbuch",
        ),
        (
            Keeper::Planner,
            "budget, cost, costs, price, euro, euros, dollars, deadline, launch, month, kosten",
        ),
    ])
});

/// How a constraint opens that only names something.
const BARE_OPENINGS: &str = "use, using, written, built, no, not, without, only, avoid, prefer, keep, follow, based, \
     programmed, keine, kein, ohne, nur, nutze, verwende";

static MADE_WITH: LazyLock<Lexicon<()>> = LazyLock::new(|| {
    Lexicon::new(&[(
        (),
        "build on, build with, build in, built on, write in, we use, i use, do not want, don't want, written in, built with, built in, based on, implemented in, programmed in, must use, geschrieben in",
    )])
});

impl<'d> Group<'d> {
    /// What names it: the requirement that keeps its id over versions.
    pub fn name(&self) -> &'d str {
        self.first().id.as_str()
    }

    pub fn first(&self) -> &'d Requirement {
        self.items[0]
    }

    /// The requirements of which each is a piece of work: answers only say more of another one.
    pub fn works(&self) -> impl Iterator<Item = &'d Requirement> {
        let answers = self
            .items
            .iter()
            .enumerate()
            .filter(|(at, item)| *at == 0 || item.origin != Origin::Answer);
        answers.map(|(_, item)| *item)
    }
}

/// The groups of what `document` demands, in its order.
pub fn groups(document: &Document) -> Vec<Group<'_>> {
    let by_id: HashMap<&str, &Requirement> = document
        .items
        .iter()
        .map(|item| (item.id.as_str(), item))
        .collect();
    let asked_about: HashSet<&str> = document
        .items
        .iter()
        .filter(|item| item.is_unanswered())
        .filter_map(|item| item.about.as_deref())
        .collect();
    let demanded: Vec<&Requirement> = document
        .items
        .iter()
        .filter(|item| standing(item) == Standing::Demanded)
        .collect();
    let is_answer = |item: &Requirement| item.origin == Origin::Answer;
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let (answers, others): (Vec<_>, Vec<_>) =
        demanded.into_iter().partition(|item| is_answer(item));
    for item in others {
        places.insert(&item.id, groups.len());
        groups.push(alone(item));
    }
    for answer in answers {
        let about = answer
            .about
            .as_deref()
            .and_then(|question| by_id.get(question)?.about.as_deref());
        match about.and_then(|id| places.get(id)) {
            Some(place) => groups[*place].items.push(answer),
            None => groups.push(alone(answer)),
        }
    }
    for group in &mut groups {
        let mut ids = group.items.iter().map(|item| item.id.as_str());
        group.is_unsettled = ids.any(|id| asked_about.contains(id));
    }
    joined(groups)
}

fn alone(item: &Requirement) -> Group<'_> {
    Group {
        class: class(item),
        items: vec![item],
        is_unsettled: false,
    }
}

/// Of each class as many neighbours together as it takes.
fn joined(groups: Vec<Group<'_>>) -> Vec<Group<'_>> {
    if groups.len() <= MOST_GROUPS {
        return groups;
    }
    // Each class may end with a group that is not full.
    let classes: HashSet<Class> = groups.iter().map(|group| group.class).collect();
    let size = groups.len().div_ceil(MOST_GROUPS - classes.len());
    let mut open: HashMap<Class, (usize, usize)> = HashMap::new();
    let mut found: Vec<Group<'_>> = Vec::new();
    for group in groups {
        match open.get_mut(&group.class) {
            Some((place, count)) if *count < size => {
                *count += 1;
                found[*place].items.extend(group.items);
                found[*place].is_unsettled |= group.is_unsettled;
            }
            Some(_) | None => {
                open.insert(group.class, (found.len(), 1));
                found.push(group);
            }
        }
    }
    found
}

/// Whether it is something to build and to test.
pub fn is_feature(item: &Requirement) -> bool {
    class(item) == Class::Feature
}

/// A quality, or a constraint that says what somebody or something does, has to be built and tested as a
/// feature is, unless a word names somebody whose field it is.
fn class(item: &Requirement) -> Class {
    let kind = item.kind;
    match kind {
        ItemKind::SuccessCriterion => Class::Success,
        ItemKind::Constraint | ItemKind::NonFunctional => {
            let spoken = words(&item.text);
            let named = (0..spoken.len()).find_map(|at| KEEPERS.longest_at(&spoken, at));
            match (named, kind) {
                (Some((keeper, _)), _) => Class::Limit { kind, keeper },
                (None, ItemKind::Constraint) if is_bare(&spoken) => Class::Limit {
                    kind,
                    keeper: Keeper::Architect,
                },
                (None, _) => Class::Feature,
            }
        }
        ItemKind::Functional
        | ItemKind::Scope
        | ItemKind::Goal
        | ItemKind::OutOfScope
        | ItemKind::Risk
        | ItemKind::OpenQuestion => Class::Feature,
    }
}

/// Whether a constraint only names what to use or to leave out.
fn is_bare(spoken: &[Word]) -> bool {
    let first = spoken.first().map_or("", |word| word.lower.as_str());
    BARE_OPENINGS.split(", ").any(|word| word == first)
        || spoken.len() < 3
        || (0..spoken.len()).any(|at| MADE_WITH.longest_at(spoken, at).is_some())
}
