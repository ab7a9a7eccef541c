//! Where "may" and its like permit something: not in "nobody may read", "may not share", "only admins may
//! delete", nor in "by May". The one place that reads it.

use std::sync::LazyLock;

use super::dates::month;
use super::lookup::{Words, set};
use super::words::{Word, lower_at};

/// Words that turn a permission into a prohibition.
static NOBODY: Words = LazyLock::new(|| {
    set(
        "no, nobody, none, nothing, neither, nor, never, cannot, niemand, nichts, kein, keine, \
         keinen, only",
    )
});

/// The permissions of a clause.
#[derive(Debug)]
pub struct Permissions<'w> {
    words: &'w [Word],
    /// The first word that says who may not, or who alone may.
    first_limit: usize,
}

impl<'w> Permissions<'w> {
    pub fn of(words: &'w [Word]) -> Self {
        let first = words
            .iter()
            .position(|word| NOBODY.contains(word.lower.as_str()));
        Self {
            words,
            first_limit: first.unwrap_or(words.len()),
        }
    }

    /// Whether the "may" in this place lets somebody do something.
    pub fn is_at(&self, place: usize) -> bool {
        lower_at(self.words, place) == "may"
            && month(self.words, place).is_none()
            && self.first_limit > place
            && !matches!(lower_at(self.words, place + 1), "not" | "never" | "only")
    }
}

#[cfg(test)]
mod tests {
    use super::Permissions;
    use crate::requirements::words::words;

    #[test]
    fn may_permits_unless_it_is_a_month_or_forbids() {
        for (text, expected) in [
            ("Users may share lists", true),
            ("It may be May", true),
            ("Nobody may read", false),
            ("Only admins may delete", false),
            ("Users may not share", false),
            ("Guests may only read", false),
            ("Ready by 1 May 2027", false),
            ("Niemand may read", false),
        ] {
            let words = words(text);
            let may = Permissions::of(&words);
            let found = (0..words.len()).any(|at| may.is_at(at));
            assert_eq!(found, expected, "{text}");
        }
    }
}
