//! What existing code gives to a document: facts, each with the place that says so, and, where the vision
//! asks for renewal, what is old about the code.

use crate::survey::{Renew, Survey, modernizing, statements};

use super::super::id::Ids;
use super::super::item::{Item, Source};
use super::build::{Content, Fresh, Text, requirement};
use super::model::Origin;

/// Whether any of the texts asks for existing code to be renewed.
pub(super) fn renewal(texts: &[Text]) -> Renew {
    let has_code = texts
        .iter()
        .any(|text| matches!(text.content, Content::Code(_)));
    let asks = has_code
        && texts.iter().any(|text| match &text.content {
            Content::Prose(prose) => modernizing(prose),
            Content::Operations(_) | Content::Code(_) => false,
        });
    match asks {
        true => Renew::Asked,
        false => Renew::NotAsked,
    }
}

pub(super) fn of_code(
    survey: &Survey,
    renew: Renew,
    attachment: Option<&String>,
    origin: Origin,
) -> Vec<Fresh> {
    let mut ids = Ids::default();
    let items = statements(survey, renew).into_iter().enumerate();
    let items = items.map(|(at, statement)| {
        // Counts change with every commit, and what they are of does not.
        let name = statement.text.split(" (").next().unwrap_or_default();
        let item = Item {
            id: ids.next(statement.kind, name, 0),
            kind: statement.kind,
            text: statement.text,
            source: Source {
                sentence: statement.cites,
                index: at + 1,
                ..Source::default()
            },
            asks: None,
        };
        Fresh::of(requirement(item, attachment, origin), None)
    });
    items.collect()
}
