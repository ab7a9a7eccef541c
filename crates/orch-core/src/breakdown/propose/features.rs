//! What is to be built: for each feature a story with a task that builds it and one that tests it; the
//! stories of an epic are then tried together.

use super::desk::{Desk, Ends, Words, Work, one};
use super::estimating;
use super::foundation::Foundation;
use super::groups::{Class, Group};
use super::themes::{Theme, themes};
use super::wording::{MOST_OF_TITLE, holds, one_line, statement, title};
use crate::requirements::ItemKind;
use crate::work_item::Kind;

/// Drafts the features of `groups`; what follows them waits for the answer.
pub fn features<'d>(
    desk: &mut Desk<'_>,
    foundation: &Foundation,
    groups: &[Group<'d>],
) -> Option<Ends<'d>> {
    let features: Vec<&Group<'d>> = groups
        .iter()
        .filter(|group| group.class == Class::Feature)
        .collect();
    if features.is_empty() {
        return None;
    }
    let themes = themes(&features);
    let mut epics: Vec<(&Theme, Vec<Ends<'d>>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (feature, theme) in features.iter().zip(&themes) {
        let place = *places.entry(theme.key.as_str()).or_insert_with(|| {
            epics.push((theme, Vec::new()));
            epics.len() - 1
        });
        let tested = story(desk, foundation, theme, feature);
        epics[place].1.push(tested);
    }
    let mut ends = Vec::with_capacity(epics.len());
    for (theme, stories) in epics {
        let epic = desk.epic(&theme.key, &theme.title);
        ends.push(match stories.len() {
            0 | 1 => one(stories),
            _ => {
                let title = format!("Try together: {}", theme.title);
                desk.check(&epic, &format!("check/{}", theme.key), title, one(stories))
            }
        });
    }
    if let [only] = ends.as_slice() {
        return Some(only.clone());
    }
    let epic = desk.epic("release", "First version");
    let all = "Try the first version as a whole";
    let gathered = desk.gathered(&epic, "check-part", all, ends);
    Some(desk.check(&epic, "check", all.to_owned(), gathered))
}

fn story<'d>(
    desk: &mut Desk<'_>,
    foundation: &Foundation,
    theme: &Theme,
    feature: &Group<'d>,
) -> Ends<'d> {
    let epic = desk.epic(&theme.key, &theme.title);
    let name = feature.name();
    let text = &feature.first().text;
    let story = desk.story(
        &epic,
        format!("story/{name}"),
        one_line(text, MOST_OF_TITLE),
        &feature.items,
        holds(&feature.items),
    );
    let waits = std::iter::once(&foundation.scaffold).chain(&foundation.threats);
    let waits = waits.cloned().collect();
    let mut acceptance = holds(&feature.items);
    acceptance.extend(desk.is_well());
    let built = desk.task(
        &story,
        Words {
            key: format!("build/{name}"),
            title: title("Build", text),
            what: "Build what the requirements say, with tests of its parts.".to_owned(),
            acceptance,
        },
        Work {
            kind: Kind::Task,
            role: "developer",
            estimate: estimating::build(feature),
            waits,
        },
        &feature.items,
    );
    let is_quality = feature.first().kind == ItemKind::NonFunctional;
    let tried = if is_quality { "Measure" } else { "Test" };
    let mut acceptance = vec![statement(
        "For each requirement there is a test that fails when it does not hold, bad input included",
    )];
    acceptance.extend(desk.tests_pass());
    let tested = desk.task(
        &story,
        Words {
            key: format!("test/{name}"),
            title: title(tried, text),
            what: "Test from outside that the requirements hold.".to_owned(),
            acceptance,
        },
        Work {
            kind: Kind::Test,
            role: "qa",
            estimate: estimating::test(feature),
            waits: vec![built],
        },
        &feature.items,
    );
    Ends {
        tasks: vec![tested],
        items: feature.items.clone(),
    }
}
