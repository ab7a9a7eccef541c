//! What a person changed and whose sentence is gone from the texts: nothing stands there any more that would give
//! the item, so that a person is asked whether it still holds, instead of its falling away in silence.

use super::super::item::{Asks, Item, ItemKind, Source};
use super::build::requirement;
use super::model::{Origin, Requirement};
use super::suggested::cleaned;

const DROPPED: &str = "dropped/";
/// Characters of the item that the question shows.
const LONGEST_SHOWN: usize = 1_000;

/// The question about an item that a person changed and that the texts do not give any more.
pub(super) fn question(gone: &Requirement) -> Option<Requirement> {
    let is_asked = gone.edited && !gone.is_ruled_out() && gone.kind != ItemKind::OpenQuestion;
    if !is_asked {
        return None;
    }
    let said = cleaned(&gone.text, LONGEST_SHOWN);
    let text = format!(
        "{} “{said}” was changed by a person, and the sentence that it stood on is gone. Does it still hold?",
        gone.id
    );
    let item = Item {
        id: format!("{DROPPED}{}", gone.id),
        kind: ItemKind::OpenQuestion,
        text,
        source: Source::default(),
        asks: Some(Asks::Decision),
    };
    Some(requirement(item, None, Origin::Edit))
}

/// Whether it asks so.
pub(super) fn is_about_dropped(question: &Requirement) -> bool {
    question.key.starts_with(DROPPED)
}

/// What a yes to that question holds on to.
pub(super) fn held_by(question: &Requirement, answer: &str) -> Option<String> {
    let answer = answer.to_lowercase();
    let is_yes = ["yes", "ja", "it does", "still", "keep"]
        .iter()
        .any(|yes| answer.starts_with(yes));
    let (_, said) = question.text.split_once('“')?;
    let (said, _) = said.rsplit_once('”')?;
    is_yes.then(|| said.to_owned())
}
