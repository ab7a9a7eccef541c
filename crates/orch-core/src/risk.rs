//! Which work items are risky enough to need an approval that nobody asked for.
//!
//! A rule is a set of words that must all stand in the title (`deploy+prod`), or a kind.

use crate::seen::is_invisible;
use crate::work_item::Kind;

/// Rules by title and kind; configurable with `ORCH_RISKY_TITLES` and `ORCH_RISKY_KINDS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskPolicy {
    /// Rules, of which one is enough; of each all must stand; of each of these one is enough.
    titles: Vec<Vec<Vec<Wanted>>>,
    kinds: Vec<Kind>,
}

/// A word that a title may have.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Word(String),
    /// Every word that begins so.
    Stem(String),
}

/// `+` joins words that must all be there, `|` stands between words of which one is enough, a
/// word that ends in `*` stands for every word that begins so.
pub const DEFAULT_TITLES: &str = "deploy*|redeploy*|release*|rollout*|roll|promot*|publish*|ship|shipping|push*|delet*|drop|dropping+prod|production|prd|live,apply|applies|applying,destroy*,teardown|tear,migrat*";

impl Default for RiskPolicy {
    fn default() -> Self {
        Self::parse(DEFAULT_TITLES, "").expect("invariant: the default rules parse")
    }
}

impl RiskPolicy {
    /// Reads comma-separated rules; an empty text means none.
    ///
    /// # Errors
    /// Names the kind that does not exist.
    pub fn parse(titles: &str, kinds: &str) -> Result<Self, String> {
        let split = |text: &str| -> Vec<String> {
            text.split(',')
                .map(|rule| rule.trim().to_lowercase())
                .filter(|r| !r.is_empty())
                .collect()
        };
        let titles = split(titles)
            .iter()
            .map(|rule| rule.split('+').map(Wanted::choice).collect())
            .collect();
        let kinds = split(kinds)
            .iter()
            .map(|kind| {
                Kind::parse(kind).ok_or_else(|| {
                    format!(
                        "`{kind}` is no kind of work item (expected one of {})",
                        Kind::NAMES.join(", ")
                    )
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { titles, kinds })
    }

    /// Whether an item needs an approval even if nobody requested one. The environment's name
    /// counts as words of the title.
    #[must_use]
    pub fn is_risky(&self, title: &str, environment: Option<&str>, kind: Kind) -> bool {
        if self.kinds.contains(&kind) {
            return true;
        }
        let mut text = String::with_capacity(title.len() + 16);
        push_words(&mut text, title);
        push_words(&mut text, environment.unwrap_or_default());
        self.titles.iter().any(|rule| {
            rule.iter()
                .all(|choice| choice.iter().any(|wanted| wanted.stands_in(&text)))
        })
    }
}

impl Wanted {
    fn choice(words: &str) -> Vec<Self> {
        words
            .split('|')
            .map(|word| match word.trim().strip_suffix('*') {
                Some(stem) => Self::Stem(stem.to_owned()),
                None => Self::Word(word.trim().to_owned()),
            })
            .collect()
    }

    /// `words` as [`push_words`] writes them.
    fn stands_in(&self, words: &str) -> bool {
        let mut words = words.split_terminator(SEPARATOR);
        match self {
            Self::Word(wanted) => words.any(|word| word == wanted),
            Self::Stem(stem) => words.any(|word| word.starts_with(stem.as_str())),
        }
    }
}

/// Stands behind each word, and in none.
const SEPARATOR: char = ' ';

/// Adds the words of a text as a person reads them: invisible characters are not there, full-width
/// letters are letters, and `deployProd` is two words.
fn push_words(to: &mut String, text: &str) {
    let mut before = SEPARATOR;
    for c in text.chars().filter(|c| !is_invisible(*c)).map(narrow) {
        let hump = c.is_uppercase() && before.is_lowercase();
        if (!c.is_alphanumeric() || hump) && !to.is_empty() && !to.ends_with(SEPARATOR) {
            to.push(SEPARATOR);
        }
        match c {
            _ if c.is_ascii_alphanumeric() => to.push(c.to_ascii_lowercase()),
            _ if c.is_alphanumeric() => to.extend(c.to_lowercase()),
            _ => {}
        }
        before = c;
    }
    if !to.is_empty() && !to.ends_with(SEPARATOR) {
        to.push(SEPARATOR);
    }
}

/// A full-width form (U+FF01 to U+FF5E) as its ASCII letter.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_deploys_applies_and_migrations_are_risky_and_staging_is_not() {
        let policy = RiskPolicy::default();
        for risky in [
            "deploy:prod",
            "Deploy to production",
            "tofu:apply",
            "terraform destroy",
            "db migrations",
            "Release v2 to prod",
        ] {
            assert!(policy.is_risky(risky, None, Kind::Task), "{risky}");
        }
        for harmless in [
            "deploy:staging",
            "api:build",
            "tofu:plan",
            "application form",
            "product page",
        ] {
            assert!(!policy.is_risky(harmless, None, Kind::Task), "{harmless}");
        }
    }

    #[test]
    fn a_risky_title_is_seen_through_its_spelling() {
        let policy = RiskPolicy::default();
        for risky in [
            "Deploying to production",
            "redeploy production",
            "roll out to production",
            "push to production",
            "deployProd",
            "Destroying the cluster",
            "applying infra",
            "delete production database",
            "de\u{ad}ploy prod",
            "\u{ff44}\u{ff45}\u{ff50}\u{ff4c}\u{ff4f}\u{ff59} prod",
        ] {
            assert!(policy.is_risky(risky, None, Kind::Task), "{risky}");
        }
        assert!(policy.is_risky("deploy", Some("production"), Kind::Task));
        assert!(!policy.is_risky("deploy", Some("staging"), Kind::Task));
    }

    #[test]
    fn kinds_can_be_named_and_a_wrong_one_is_refused() {
        let policy = RiskPolicy::parse("", "infra").unwrap();
        assert!(policy.is_risky("anything", None, Kind::Infra));
        assert!(!policy.is_risky("tofu:apply", None, Kind::Task));
        assert!(RiskPolicy::parse("", "infrastructure").is_err());
    }
}
