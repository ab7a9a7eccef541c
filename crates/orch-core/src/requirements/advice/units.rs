//! Units, and the words that tell what a number is of. Data only.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::super::dates::MONTHS;
use super::super::lookup::Known;
use super::stems::stem;

/// Units of time in milliseconds.
const TIMES: &[(&str, f64)] = &[
    ("ms", 1.0),
    ("millisecond", 1.0),
    ("milliseconds", 1.0),
    ("millisekunden", 1.0),
    ("s", 1e3),
    ("sec", 1e3),
    ("second", 1e3),
    ("seconds", 1e3),
    ("sekunde", 1e3),
    ("millisekunde", 1.0),
    ("sekunden", 1e3),
    ("min", 6e4),
    ("minute", 6e4),
    ("minutes", 6e4),
    ("minuten", 6e4),
    ("h", 3.6e6),
    ("hour", 3.6e6),
    ("hours", 3.6e6),
    ("stunde", 3.6e6),
    ("stunden", 3.6e6),
    ("tag", 8.64e7),
    ("woche", 6.048e8),
    ("monat", 2.592e9),
    ("jahr", 3.1536e10),
    ("day", 8.64e7),
    ("days", 8.64e7),
    ("tage", 8.64e7),
    ("tagen", 8.64e7),
    ("week", 6.048e8),
    ("weeks", 6.048e8),
    ("wochen", 6.048e8),
    ("month", 2.592e9),
    ("months", 2.592e9),
    ("monate", 2.592e9),
    ("monaten", 2.592e9),
    ("year", 3.1536e10),
    ("years", 3.1536e10),
    ("jahre", 3.1536e10),
    ("jahren", 3.1536e10),
];

/// Units of size in bytes.
const SIZES: &[(&str, f64)] = &[
    ("kb", 1e3),
    ("kib", 1024.0),
    ("mb", 1e6),
    ("mib", 1_048_576.0),
    ("gb", 1e9),
    ("gib", 1_073_741_824.0),
    ("tb", 1e12),
    ("tib", 1_099_511_627_776.0),
];

/// Units and what one of each is.
pub type Scales = LazyLock<Known<f64>>;

/// Units of time in milliseconds.
pub static TIME_SCALES: Scales = LazyLock::new(|| TIMES.iter().copied().collect());

/// Units of size in bytes.
pub static SIZE_SCALES: Scales = LazyLock::new(|| SIZES.iter().copied().collect());

/// Currencies by their names.
pub const CURRENCIES: &[&str] = &[
    "cent", "cents", "chf", "dollar", "dollars", "eur", "euro", "euros", "gbp", "pounds", "usd",
];

/// Words that tell what a time, a share or a size is of.
pub const TOPICS: &[(&str, &[&str])] = &[
    (
        "response",
        &[
            "respond",
            "responds",
            "response",
            "responses",
            "answer",
            "answers",
            "load",
            "loads",
            "latency",
            "return",
            "returns",
            "antwortet",
            "antworten",
            "lädt",
            "laden",
            "ladet",
            "reagiert",
            "reagieren",
        ],
    ),
    ("start", &["start", "starts", "boot", "boots", "startup"]),
    (
        "retention",
        &[
            "keep",
            "keeps",
            "kept",
            "retain",
            "retained",
            "retention",
            "stored",
            "delete",
            "deleted",
            "deletes",
            "expire",
            "expires",
        ],
    ),
    (
        "recovery",
        &[
            "recover", "recovers", "recovery", "restore", "restored", "rto", "rpo",
        ],
    ),
    ("downtime", &["downtime", "down", "outage", "outages"]),
    (
        "delivery",
        &[
            "launch",
            "launched",
            "live",
            "ready",
            "deliver",
            "delivered",
            "built",
            "finish",
            "finished",
            "deadline",
            "done",
            "online",
            "opens",
        ],
    ),
    (
        "availability",
        &[
            "uptime",
            "availability",
            "available",
            "verfügbar",
            "verfügbarkeit",
        ],
    ),
    ("coverage", &["coverage", "covered"]),
    ("errors", &["error", "errors", "fail", "fails", "failures"]),
    ("memory", &["memory", "ram"]),
];

/// The place in [`TOPICS`] of each of their words.
pub static TOPIC_RANKS: LazyLock<Known<usize>> = LazyLock::new(|| {
    let topics = TOPICS.iter().enumerate().rev();
    topics
        .flat_map(|(rank, (_, words))| words.iter().map(move |word| (*word, rank)))
        .collect()
});

/// Words that a topic or a unit brings along: they do not tell two subjects apart.
const BESIDE: &[&str] = &[
    "respond",
    "answer",
    "load",
    "handle",
    "support",
    "serve",
    "process",
    "cope",
    "cost",
    "budget",
    "price",
    "spend",
    "pay",
    "month",
    "year",
    "week",
    "day",
    "hour",
    "minute",
    "second",
    "percent",
    "time",
    "keep",
    "kept",
    "retain",
    "launch",
    "live",
    "ready",
    "start",
    "uptime",
    "available",
    "availability",
    "late",
    "latency",
    "below",
    "maximum",
    "minimum",
    "total",
    "concurrent",
];

static BESIDE_STEMS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let of_topics = TOPICS.iter().flat_map(|(_, words)| words.iter().copied());
    let of_units = TIMES.iter().chain(SIZES).map(|(unit, _)| *unit);
    BESIDE
        .iter()
        .chain(CURRENCIES)
        .chain(MONTHS)
        .copied()
        .chain(of_topics)
        .chain(of_units)
        .map(stem)
        .collect()
});

/// Whether a stem only repeats what a measure says.
pub fn is_beside(stem: &str) -> bool {
    BESIDE_STEMS.contains(stem)
}
