//! Dates in running text: "by 1 May 2027", "before June", "on 3 March". Tells the month May from the
//! auxiliary "may".

use std::sync::LazyLock;

use super::lookup::Known;
use super::words::{Word, lower_at};

/// Months in their order.
pub const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

static NUMBERS: LazyLock<Known<u32>> = LazyLock::new(|| MONTHS.iter().copied().zip(1..).collect());

/// A date that a sentence sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// The first and the last of its words.
    pub first: usize,
    pub last: usize,
    pub year: Option<u32>,
    /// From 1.
    pub month: u32,
    pub day: Option<u32>,
}

/// The month that word `place` names: "may" only where it is written or used as one.
pub fn month(words: &[Word], place: usize) -> Option<u32> {
    let named = *NUMBERS.get(lower_at(words, place))?;
    let is_modal = lower_at(words, place) == "may" && !is_the_month(words, place);
    (!is_modal).then_some(named)
}

fn is_the_month(words: &[Word], place: usize) -> bool {
    let before = place
        .checked_sub(1)
        .map_or("", |before| lower_at(words, before));
    let leads = matches!(
        before,
        "by" | "in" | "before" | "until" | "till" | "since" | "of" | "end" | "early" | "late"
    ) && words[place].capital;
    let leads_a_day = words[place].capital && day(lower_at(words, place + 1)).is_some();
    leads || leads_a_day || day(before).is_some() || year(lower_at(words, place + 1)).is_some()
}

fn day(word: &str) -> Option<u32> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '.');
    let day: u32 = digits.parse().ok()?;
    (1..=31).contains(&day).then_some(day)
}

fn year(word: &str) -> Option<u32> {
    let year: u32 = word.parse().ok()?;
    (2000..2100).contains(&year).then_some(year)
}

/// The date that word `place` is the month of, where a word such as "by" or "before" sets it as a limit.
pub fn limit(words: &[Word], place: usize) -> Option<Date> {
    let month = month(words, place)?;
    let day_before = place
        .checked_sub(1)
        .and_then(|before| day(lower_at(words, before)));
    let first = place - usize::from(day_before.is_some());
    // "May 3, 2027".
    let day_after = match year(lower_at(words, place + 1)) {
        Some(_) => None,
        None => day(lower_at(words, place + 1)),
    };
    let after = place + 1 + usize::from(day_after.is_some());
    let year = year(lower_at(words, after));
    let lead = (1..=2)
        .filter_map(|back| first.checked_sub(back))
        .map(|lead| lower_at(words, lead));
    let sets = |lead: &str| {
        matches!(
            lead,
            "by" | "before" | "until" | "till" | "bis" | "vor" | "than"
        ) || (lead == "on" && (day_before.is_some() || day_after.is_some()))
    };
    let is_set = lead.clone().next().is_some_and(sets)
        || (matches!(lead.clone().next(), Some("the" | "end" | "early" | "mid"))
            && lead.skip(1).any(sets));
    is_set.then_some(Date {
        first,
        last: match year {
            Some(_) => after,
            None => after - 1,
        },
        year,
        month,
        day: day_before.or(day_after),
    })
}

#[cfg(test)]
mod tests {
    use super::{limit, month};
    use crate::requirements::words::words;

    fn found(text: &str) -> Option<(Option<u32>, u32, Option<u32>)> {
        let words = words(text);
        let date = (0..words.len()).find_map(|at| limit(&words, at))?;
        Some((date.year, date.month, date.day))
    }

    #[test]
    fn limits_are_read_with_day_and_year() {
        for (text, expected) in [
            ("finished by 1 May 2027", Some((Some(2027), 5, Some(1)))),
            (
                "We go live before 1 November 2027.",
                Some((Some(2027), 11, Some(1))),
            ),
            ("We go live on 1 March 2027", Some((Some(2027), 3, Some(1)))),
            ("off the old servers by 15 June", Some((None, 6, Some(15)))),
            ("ready by June", Some((None, 6, None))),
            ("no later than May 3, 2027", Some((Some(2027), 5, Some(3)))),
            ("300 visitors in December", None),
            ("Nobody may read by hand", None),
            ("ill in November", None),
        ] {
            assert_eq!(found(text), expected, "{text:?}");
        }
    }

    #[test]
    fn may_is_a_month_only_where_it_stands_as_one() {
        for (text, expected) in [
            ("by 1 May 2027", true),
            ("in May", true),
            ("May 2027", true),
            ("nobody may read", false),
            ("May I read", false),
            ("it may be ill", false),
        ] {
            let words = words(text);
            let is_month = (0..words.len()).any(|at| month(&words, at).is_some());
            assert_eq!(is_month, expected, "{text:?}");
        }
    }
}
