//! How much one document holds. More is no document that a person reads, and all that follows from it takes long.

use super::model::{Origin, Requirement};

/// The most items that a proposal or an edit may lead to.
pub const MOST_ITEMS: usize = 10_000;

/// A text gives more items than a document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found} requirements and questions were read; one document holds at most {MOST_ITEMS}: split the vision into several projects, or say less in it"
)]
pub struct TooManyItems {
    pub found: usize,
}

/// Lets a document pass that fits. What rules asked about it does not count: it follows from the rest.
pub(super) fn fits_whole(items: &[Requirement]) -> Result<(), TooManyItems> {
    let given = items.iter().filter(|item| item.origin != Origin::Rules);
    fits(given.count())
}

/// Lets pass what fits into one document.
pub(super) const fn fits(found: usize) -> Result<(), TooManyItems> {
    match found <= MOST_ITEMS {
        true => Ok(()),
        false => Err(TooManyItems { found }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Content, Edit, Suggested, Text, try_document_of_model, try_propose_document,
    };
    use super::*;
    use crate::requirements::ItemKind;

    fn vision(demands: usize) -> [Text; 1] {
        let prose = (0..demands).map(|at| format!("The shop must sell part{at}. "));
        [Text {
            attachment: None,
            content: Content::Prose(prose.collect()),
        }]
    }

    #[test]
    fn a_vision_with_more_demands_than_a_document_holds_is_refused_with_their_number() {
        let texts = vision(MOST_ITEMS + 1);
        let by_rules = try_propose_document(&texts, None).unwrap_err();
        assert!(by_rules.found > MOST_ITEMS);
        let said = by_rules.to_string();
        assert!(
            said.contains(&by_rules.found.to_string())
                && said.contains("at most 10000")
                && said.contains("split the vision"),
            "{said}"
        );
        let by_model = try_document_of_model(&Suggested::default(), &texts, None);
        assert!(by_model.is_err());
        assert!(try_propose_document(&vision(20), None).is_ok());
    }

    #[test]
    fn an_edit_adds_nothing_to_a_document_that_is_full() {
        let mut document = try_propose_document(&vision(1), None).unwrap();
        let one = document.items[0].clone();
        document.items.resize(MOST_ITEMS, one);
        let add = Edit::Add {
            kind: ItemKind::Functional,
            text: "It must print".to_owned(),
            priority: None,
            mvp: None,
        };
        let faults = document.edited(&[add], "ada").unwrap_err();
        assert!(faults[0].message.contains("10000 items"), "{faults:?}");
    }
}
