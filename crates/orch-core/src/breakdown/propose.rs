//! From approved requirements to a plan, by rules alone.

use super::merge::merge;
use super::model::{Breakdown, Criterion, Epic, Finished, Story, Task};
use super::standing::{Standing, standing};
use crate::requirements::{Document, is_invisible_direction};

/// Proposes a plan for `document`. What was there before keeps its ids, what persons changed and what is
/// done stays as it is, and what persons removed does not come back.
pub fn propose(document: &Document, previous: Option<&Breakdown>, kept: &Finished) -> Breakdown {
    let mut drafted = Breakdown::default();
    for (at, item) in document.items.iter().enumerate() {
        if standing(item) != Standing::Demanded {
            continue;
        }
        let title = one_line(&item.text, 200);
        if drafted.epics.is_empty() {
            drafted.epics.push(Epic {
                id: "e".to_owned(),
                title: "All".to_owned(),
                key: "all".to_owned(),
                ..Epic::default()
            });
        }
        let requirements = vec![item.id.clone()];
        let acceptance = vec![Criterion {
            text: title.clone(),
            command: None,
        }];
        drafted.stories.push(Story {
            id: at.to_string(),
            epic: "e".to_owned(),
            title: title.clone(),
            requirements: requirements.clone(),
            acceptance: acceptance.clone(),
            key: format!("story/{}", item.key),
            edited: false,
        });
        drafted.tasks.push(Task {
            id: at.to_string(),
            story: at.to_string(),
            title,
            role: "developer".to_owned(),
            requirements,
            acceptance,
            key: format!("build/{}", item.key),
            ..Task::default()
        });
    }
    merge(drafted, previous, kept, &document.items)
}

/// Text on one line without what cannot be seen, cut after `most` characters.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let mut gap = !out.is_empty();
        for c in word.chars().filter(|c| !is_invisible_direction(*c)) {
            if count >= most {
                out.push('…');
                return out;
            }
            if std::mem::take(&mut gap) {
                out.push(' ');
                count += 1;
            }
            out.push(c);
            count += 1;
        }
    }
    out
}
