//! Numbers with their units: what is measured where a clause names a number.

use std::sync::LazyLock;

use super::lookup::{Words, set};
use super::words::Word;

/// What the numbers of a clause measure.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Measures {
    /// Any number at all.
    pub number: bool,
    /// A response time, a rate, a memory size or an availability.
    pub performance: bool,
    /// A number of users, requests or things.
    pub crowd: bool,
    /// A share in percent.
    pub percent: bool,
    /// An amount of money.
    pub money: bool,
    /// A span of days or longer that ends in the future ("within 3 months").
    pub deadline: bool,
}

static SHORT_TIMES: Words = LazyLock::new(|| {
    set(
        "h, hour, hours, hrs, millisecond, milliseconds, min, mins, minute, minutes, ms, s, sec, second, seconds, secs, us, µs, millisekunde, millisekunden, minuten, sekunde, sekunden, stunde, stunden",
    )
});
static LONG_TIMES: Words = LazyLock::new(|| {
    set(
        "day, days, month, months, quarter, quarters, sprint, sprints, week, weeks, year, years, jahr, jahre, jahren, monat, monate, monaten, tag, tage, tagen, woche, wochen",
    )
});
static SIZES: Words = LazyLock::new(|| set("gb, gib, kb, kib, mb, mib, tb, tib"));
static RATES: Words = LazyLock::new(|| {
    set("fps, mbit/s, mbps, msg/s, qps, req/s, requests/s, requests/second, rps, tps")
});
static CURRENCIES: Words =
    LazyLock::new(|| set("cent, cents, chf, dollar, dollars, eur, euro, euros, gbp, pounds, usd"));
static CROWDS: Words = LazyLock::new(|| {
    set(
        "accounts, bookings, clients, connections, customers, devices, documents, downloads, events, files, images, installs, jobs, members, messages, orders, people, players, queries, records, requests, rows, sessions, signups, subscribers, teams, tenants, transactions, uploads, users, visitors",
    )
});
static NUMBER_WORDS: Words = LazyLock::new(|| {
    set(
        "one, two, three, four, five, six, seven, eight, nine, ten, twelve, twenty, thirty, fifty, hundred, thousand, million, half",
    )
});
static BEFORE_DEADLINES: Words = LazyLock::new(|| set("after, in, within, next, first, the"));

/// How far after a number its unit may stand ("10,000 concurrent registered users").
const REACH: usize = 3;

/// Reads the numbers of a clause.
pub fn measures(words: &[Word]) -> Measures {
    let mut found = Measures::default();
    for (at, word) in words.iter().enumerate() {
        let Some(number) = Number::parse(&word.lower) else {
            if NUMBER_WORDS.contains(word.lower.as_str()) {
                found.read_spelled(words, at);
            }
            continue;
        };
        found.number = true;
        let follows = |reach: usize, list: &Words| {
            words[at + 1..]
                .iter()
                .take(reach)
                .any(|w| list.contains(w.lower.as_str()))
        };
        let unit_is = |list: &Words| list.contains(number.unit);
        let next = words.get(at + 1).map_or("", |word| word.lower.as_str());
        let percent = number.unit == "%" || matches!(next, "percent" | "%");
        found.percent |= percent;
        found.performance |= unit_is(&SHORT_TIMES)
            || unit_is(&SIZES)
            || unit_is(&RATES)
            || follows(1, &SHORT_TIMES)
            || follows(1, &SIZES)
            || follows(REACH, &RATES)
            || (percent && number.digits.starts_with("99"));
        found.money |= number.currency || unit_is(&CURRENCIES) || follows(1, &CURRENCIES);
        found.crowd |= follows(REACH, &CROWDS);
        found.deadline |= follows(1, &LONG_TIMES) && leads_to_deadline(words, at);
    }
    found
}

impl Measures {
    fn read_spelled(&mut self, words: &[Word], at: usize) {
        let Some(next) = words.get(at + 1).map(|word| word.lower.as_str()) else {
            return;
        };
        let short = SHORT_TIMES.contains(next);
        let long = LONG_TIMES.contains(next);
        let crowd = CROWDS.contains(next);
        let money = CURRENCIES.contains(next);
        let percent = next == "percent";
        self.number |= short || long || crowd || money || percent;
        self.performance |= short;
        self.crowd |= crowd;
        self.money |= money;
        self.percent |= percent;
        self.deadline |= long && leads_to_deadline(words, at);
    }
}

fn leads_to_deadline(words: &[Word], at: usize) -> bool {
    at.checked_sub(1)
        .is_some_and(|before| BEFORE_DEADLINES.contains(words[before].lower.as_str()))
}

struct Number<'w> {
    digits: &'w str,
    unit: &'w str,
    currency: bool,
}

impl<'w> Number<'w> {
    /// Digits, perhaps with a sign before and a unit behind; names such as `s3` or `v2` are none.
    fn parse(word: &'w str) -> Option<Self> {
        let body = word.trim_start_matches(['<', '>', '=', '≤', '≥', '~', '$', '€', '£']);
        let signs = &word[..word.len() - body.len()];
        if !body.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let length = body
            .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | '-' | '–'))
            .unwrap_or(body.len());
        let (digits, unit) = body.split_at(length);
        Some(Self {
            digits,
            unit,
            currency: signs.contains(['$', '€', '£']) || unit.ends_with(['$', '€', '£']),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Measures, measures};
    use crate::requirements::words::words;

    fn check(text: &str, expected: Measures) {
        let expected = Measures {
            number: true,
            ..expected
        };
        assert_eq!(measures(&words(text)), expected, "{text:?}");
    }

    #[test]
    fn units_tell_what_is_measured() {
        let performance = Measures {
            performance: true,
            ..Measures::default()
        };
        for text in [
            "200 ms",
            "<200ms",
            "two seconds",
            "512 MB",
            "500 req/s",
            "5 minutes",
        ] {
            check(text, performance);
        }
        check(
            "99.9% of the time",
            Measures {
                percent: true,
                ..performance
            },
        );
        check(
            "by 20 percent",
            Measures {
                percent: true,
                ..Measures::default()
            },
        );
        let money = Measures {
            money: true,
            ..Measures::default()
        };
        for text in ["$50", "50€", "50 dollars", "≤$1,000", "five euros"] {
            check(text, money);
        }
        check(
            "10,000 concurrent users",
            Measures {
                crowd: true,
                ..Measures::default()
            },
        );
        check(
            "within 3 months",
            Measures {
                deadline: true,
                ..Measures::default()
            },
        );
        check("for 3 months", Measures::default());
        check(
            "in two weeks",
            Measures {
                deadline: true,
                ..Measures::default()
            },
        );
    }

    #[test]
    fn names_with_digits_are_no_numbers() {
        for text in ["S3 and EC2 on v1.2", "one of them", "half of it", ""] {
            assert_eq!(measures(&words(text)), Measures::default(), "{text:?}");
        }
    }
}
