//! Numbers that items demand, in comparable form: what is measured, in which direction it is bounded,
//! and how much.

use std::sync::LazyLock;

use super::super::dates::{limit, month};
use super::super::words::{Lexicon, Word, lower_at};
use super::stems::stem;
use super::units::{CURRENCIES, SIZE_SCALES, Scales, TIME_SCALES, TOPIC_RANKS, TOPICS};

/// A number that an item demands.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// What is measured, and per what: demands of different measures never contradict.
    pub measure: String,
    pub bound: Bound,
    pub value: f64,
    /// The number as it is written, with its unit.
    pub shown: String,
    /// Which of the words it is.
    pub at: usize,
}

/// In which direction a number holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    AtMost,
    AtLeast,
    Exactly,
}

impl Demand {
    /// Whether no product can meet both, or they name different numbers for one thing.
    pub fn contradicts(&self, other: &Self) -> bool {
        let (a, b) = (self.value, other.value);
        if self.measure != other.measure || a.total_cmp(&b).is_eq() {
            return false;
        }
        match (self.bound, other.bound) {
            (Bound::AtMost, Bound::AtLeast | Bound::Exactly) => b > a,
            (Bound::AtLeast, Bound::AtMost | Bound::Exactly) => b < a,
            (Bound::Exactly, Bound::AtMost) => a > b,
            (Bound::Exactly, Bound::AtLeast) => a < b,
            (Bound::AtMost, Bound::AtMost)
            | (Bound::AtLeast, Bound::AtLeast)
            | (Bound::Exactly, Bound::Exactly) => true,
        }
    }
}

/// The longest time that somebody waits for an answer, in milliseconds.
const LONGEST_ANSWER: f64 = 3.6e6;

/// The numbers that the words of a text demand.
pub fn demands(spoken: &[Word]) -> Vec<Demand> {
    let topic = topic(spoken);
    let mut found = Vec::new();
    for at in 0..spoken.len() {
        if let Some(demand) = demand_at(spoken, at, topic) {
            found.push(demand);
        }
    }
    found
}

fn demand_at(spoken: &[Word], at: usize, topic: Option<&str>) -> Option<Demand> {
    let word = |at: usize| lower_at(spoken, at);
    if month(spoken, at).is_some() {
        let date = limit(spoken, at)?;
        let shown: Vec<&str> = (date.first..=date.last).map(word).collect();
        return Some(Demand {
            measure: format!("date {}", topic?),
            bound: Bound::Exactly,
            value: f64::from(date.year.unwrap_or_default() * 12 + date.month - 1)
                + f64::from(date.day.unwrap_or_default()) / 100.0,
            shown: shown.join(" "),
            at,
        });
    }
    let number = Number::parse(word(at))?;
    let next = word(at + 1);
    let unit = if number.unit.is_empty() {
        next
    } else {
        number.unit
    };
    let shown = match number.unit {
        "" if is_unit(next) => format!("{} {next}", word(at)),
        _ => word(at).to_owned(),
    };
    let bound = number.bound.unwrap_or_else(|| bound_before(spoken, at));
    let demand = |measure: String, value: f64| {
        Some(Demand {
            measure,
            bound,
            value,
            shown: shown.clone(),
            at,
        })
    };
    let scaled = |units: &Scales| Some(number.value * units.get(unit)?);
    if number.currency || CURRENCIES.contains(&unit) {
        return demand(format!("money {}", period(spoken, at)), number.value);
    }
    if unit == "%" || unit == "percent" || unit == "prozent" {
        return demand(format!("share {}", topic?), number.value);
    }
    if let Some(value) = scaled(&SIZE_SCALES) {
        return demand(format!("size {}", topic.unwrap_or("data")), value);
    }
    if let Some(value) = scaled(&TIME_SCALES) {
        // "50 a month", "once per day": no span.
        if matches!(at.checked_sub(1).map(word), Some("per" | "every")) {
            return None;
        }
        let topic = match topic {
            // "Finished within 2 seconds": an answer, not the day of the launch.
            Some("delivery") if value <= LONGEST_ANSWER => "response",
            None if value <= LONGEST_ANSWER && bound == Bound::AtMost => "response",
            topic => topic?,
        };
        return demand(format!("time {topic}"), value);
    }
    // "Budget: 10,000".
    let is_of_money = |word: &Word| matches!(word.lower.as_str(), "budget" | "cost" | "costs");
    if number.unit.is_empty()
        && at + 1 == spoken.len()
        && spoken[..at].iter().take(6).any(is_of_money)
    {
        return demand(format!("money {}", period(spoken, at)), number.value);
    }
    let noun = noun_after(spoken, at)?;
    demand(format!("{noun} {}", period(spoken, at)), number.value)
}

fn is_unit(word: &str) -> bool {
    TIME_SCALES.contains_key(word)
        || SIZE_SCALES.contains_key(word)
        || CURRENCIES.contains(&word)
        || matches!(word, "percent" | "prozent" | "%")
}

fn topic(spoken: &[Word]) -> Option<&'static str> {
    let ranks = spoken
        .iter()
        .filter_map(|word| TOPIC_RANKS.get(word.lower.as_str()));
    ranks.min().map(|rank| TOPICS[*rank].0)
}

/// "a month", "per user", "per second": what the number is counted for.
fn period(spoken: &[Word], at: usize) -> String {
    let word = |at: usize| lower_at(spoken, at);
    for place in at + 1..=at + 5 {
        match word(place) {
            "per" | "each" | "pro" => return format!("per {}", stem(word(place + 1))),
            "a" | "an" | "every" if TIME_SCALES.contains_key(word(place + 1)) => {
                return format!("per {}", stem(word(place + 1)));
            }
            "im" if matches!(word(place + 1), "monat" | "jahr") => {
                return format!("per {}", stem(word(place + 1)));
            }
            "monthly" | "monatlich" => return "per month".to_owned(),
            "yearly" | "annually" | "jährlich" => return "per year".to_owned(),
            _ => {}
        }
    }
    String::new()
}

/// What is counted: the first plural within three words.
fn noun_after(spoken: &[Word], at: usize) -> Option<String> {
    spoken[at + 1..]
        .iter()
        .take(3)
        .map(|word| word.lower.as_str())
        .find(|word| {
            word.len() > 3
                && (word.ends_with('s') || *word == "people")
                && !word.ends_with("ss")
                && !word.contains(|c: char| c.is_ascii_digit())
        })
        .map(stem)
}

/// How far before a number its bound stands.
const BOUND_REACH: usize = 4;
/// How far before a number a denial stands.
const DENIAL_REACH: usize = 6;

static BOUNDS: LazyLock<Lexicon<Bound>> = LazyLock::new(|| {
    Lexicon::new(&[
        (
            Bound::AtMost,
            "within, under, below, at most, less than, no more than, not more than, up to, max, \
             maximum, not exceed, no later than, in under, no longer than, höchstens, unter, \
             maximal, innerhalb, innerhalb von",
        ),
        (
            Bound::AtLeast,
            "at least, more than, over, minimum, above, no less than, mindestens, über",
        ),
    ])
});

fn bound_before(spoken: &[Word], at: usize) -> Bound {
    let before = &spoken[at.saturating_sub(BOUND_REACH)..at];
    // "Must not cost more than 8,000".
    let is_over = |word: &Word| matches!(word.lower.as_str(), "more" | "over" | "above" | "mehr");
    let is_denied = spoken[at.saturating_sub(DENIAL_REACH)..at]
        .iter()
        .any(|word| matches!(word.lower.as_str(), "not" | "never" | "nicht" | "cannot"));
    if is_denied && before.iter().any(is_over) {
        return Bound::AtMost;
    }
    let mut found = Bound::Exactly;
    let mut place = 0;
    while place < before.len() {
        match BOUNDS.longest_at(before, place) {
            Some((Bound::AtMost, _)) => return Bound::AtMost,
            Some((bound, length)) => {
                found = bound;
                place += length;
            }
            None => place += 1,
        }
    }
    found
}

struct Number<'w> {
    value: f64,
    unit: &'w str,
    currency: bool,
    bound: Option<Bound>,
}

impl<'w> Number<'w> {
    const fn plain(value: f64) -> Self {
        Self {
            value,
            unit: "",
            currency: false,
            bound: None,
        }
    }

    fn parse(word: &'w str) -> Option<Self> {
        if word.starts_with(|c: char| c.is_ascii_lowercase()) {
            return spelled(word).map(Self::plain);
        }
        let body = word.trim_start_matches(['<', '>', '=', '≤', '≥', '~', '$', '€', '£']);
        let signs = &word[..word.len() - body.len()];
        if !body.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let length = body
            .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ','))
            .unwrap_or(body.len());
        let (digits, unit) = body.split_at(length);
        let (scale, unit) = match unit {
            "k" => (1e3, ""),
            "m" => (1e6, ""),
            unit => (1.0, unit),
        };
        Some(Self {
            value: read(digits)? * scale,
            unit: unit.trim_matches(['€', '$', '£']),
            currency: signs.contains(['$', '€', '£']) || unit.ends_with(['€', '$', '£']),
            bound: if signs.contains(['<', '≤']) {
                Some(Bound::AtMost)
            } else if signs.contains(['>', '≥']) {
                Some(Bound::AtLeast)
            } else {
                None
            },
        })
    }
}

/// `10,000`, `1.5`, `99.95`; dots part thousands where three digits follow each.
fn read(digits: &str) -> Option<f64> {
    let digits = digits.trim_end_matches(['.', ',']);
    let is_grouped = |mark: char| {
        let mut parts = digits.split(mark);
        let first = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        !rest.is_empty()
            && (1..=3).contains(&first.len())
            && !first.starts_with('0')
            && rest.iter().all(|part| part.len() == 3)
    };
    if is_grouped(',') || is_grouped('.') {
        return digits.replace([',', '.'], "").parse().ok();
    }
    digits.replace(',', ".").parse().ok()
}

fn spelled(word: &str) -> Option<f64> {
    Some(match word {
        "one" => 1.0,
        "two" => 2.0,
        "three" => 3.0,
        "four" => 4.0,
        "five" => 5.0,
        "six" => 6.0,
        "seven" => 7.0,
        "eight" => 8.0,
        "nine" => 9.0,
        "ten" => 10.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Bound, demands};
    use crate::requirements::words::words;

    fn check(text: &str, expected: &[(&str, Bound, f64)]) {
        let found = demands(&words(text));
        let found: Vec<_> = found
            .iter()
            .map(|demand| (demand.measure.trim(), demand.bound, demand.value))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn numbers_are_read_with_measure_bound_and_unit() {
        check(
            "Pages load within 2 seconds",
            &[("time response", Bound::AtMost, 2_000.0)],
        );
        check(
            "It responds in <200ms",
            &[("time response", Bound::AtMost, 200.0)],
        );
        check(
            "Costs less than $50 a month",
            &[("money per month", Bound::AtMost, 50.0)],
        );
        check(
            "Kosten maximal 100 € im Monat",
            &[("money per monat", Bound::AtMost, 100.0)],
        );
        check(
            "Handle at least 10,000 concurrent users",
            &[("user", Bound::AtLeast, 10_000.0)],
        );
        check(
            "99.9% uptime",
            &[("share availability", Bound::Exactly, 99.9)],
        );
        check(
            "500 requests per second",
            &[("request per second", Bound::Exactly, 500.0)],
        );
        check("Live by June", &[("date delivery", Bound::Exactly, 5.0)]);
        check(
            "Live before 1 November 2027",
            &[("date delivery", Bound::Exactly, 24_334.01)],
        );
        check(
            "Die Seite muss in 500 ms laden",
            &[("time response", Bound::Exactly, 500.0)],
        );
        check(
            "Search must be finished within 2 seconds",
            &[("time response", Bound::AtMost, 2_000.0)],
        );
        check("Use S3 and v1.2", &[]);
        check("Nobody may read them", &[]);
    }
}
