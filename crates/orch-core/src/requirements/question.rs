//! Open questions of requirements as info requests: a number that hangs on project and item alone, so that
//! the request is a view of the document and can never disagree with it.

use crate::ids::{InfoRequestId, ProjectId};

/// Requests of runs have smaller numbers.
const FIRST: i64 = 1_000_000_000_000;
/// Items of a project that can be asked about.
const MOST_ITEMS: i64 = 1_000_000;
/// Numbers stay whole in JSON as JavaScript reads it.
const LAST: i64 = 1 << 53;

/// An open question: whose it is, and which item asks it (`12` for `R-12`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuestionId {
    pub project: ProjectId,
    pub number: i64,
}

impl QuestionId {
    /// The question of item `R-12`; none where the item has no such name, or the numbers are too large.
    pub fn of(project: ProjectId, item: &str) -> Option<Self> {
        let number: i64 = item.strip_prefix("R-")?.parse().ok()?;
        let found = Self { project, number };
        let fits = (1..MOST_ITEMS).contains(&number) && item == found.item();
        let in_range = (1..(LAST - FIRST) / MOST_ITEMS).contains(&project.get());
        (fits && in_range).then_some(found)
    }

    /// The question behind a request's number; none where the request is a run's.
    pub fn read(id: InfoRequestId) -> Option<Self> {
        let rest = id.get().checked_sub(FIRST).filter(|rest| *rest >= 0)?;
        Some(Self {
            project: ProjectId(rest / MOST_ITEMS),
            number: rest % MOST_ITEMS,
        })
    }

    /// Its number as an info request.
    pub const fn id(self) -> InfoRequestId {
        InfoRequestId(FIRST + self.project.get() * MOST_ITEMS + self.number)
    }

    /// The item's id.
    pub fn item(self) -> String {
        format!("R-{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::QuestionId;
    use crate::ids::{InfoRequestId, ProjectId};

    #[test]
    fn a_question_is_found_again_by_its_number_and_no_run_has_it() {
        for (project, item, id) in [
            (1, "R-1", 1_000_001_000_001),
            (77, "R-999999", 1_000_077_999_999),
        ] {
            let question = QuestionId::of(ProjectId(project), item).expect("it fits");
            assert_eq!(question.id(), InfoRequestId(id));
            assert_eq!(QuestionId::read(question.id()), Some(question));
            assert_eq!(question.item(), item);
        }
        assert_eq!(QuestionId::read(InfoRequestId(4_000_000)), None);
        assert_eq!(QuestionId::read(InfoRequestId(i64::MIN)), None);
        for item in ["R-0", "R-01", "R-+1", "R-1000000", "f809ed8a803b", "R-"] {
            assert_eq!(QuestionId::of(ProjectId(1), item), None, "{item}");
        }
        assert_eq!(QuestionId::of(ProjectId(i64::MAX), "R-1"), None);
    }
}
