//! Which work items are risky enough to need an approval that nobody asked for.
//!
//! A rule is a set of words that must all stand in the title (`deploy+prod`), or a kind.

use crate::work_item::Kind;

/// Rules by title and kind; configurable with `ORCH_RISKY_TITLES` and `ORCH_RISKY_KINDS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskPolicy {
    titles: Vec<Vec<String>>,
    kinds: Vec<Kind>,
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
            .map(|rule| rule.split('+').map(|word| word.trim().to_owned()).collect())
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
        let mut words = words(title);
        words.extend(self::words(environment.unwrap_or_default()));
        self.titles.iter().any(|rule| {
            rule.iter().all(|choice| {
                choice
                    .split('|')
                    .any(|wanted| stands_in(wanted.trim(), &words))
            })
        })
    }
}

fn stands_in(wanted: &str, words: &[String]) -> bool {
    match wanted.strip_suffix('*') {
        Some(stem) => words.iter().any(|word| word.starts_with(stem)),
        None => words.iter().any(|word| word == wanted),
    }
}

/// The words of a text as a person reads them: invisible characters are not there, full-width
/// letters are letters, and `deployProd` is two words.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    for c in text.chars().filter(|c| !is_invisible(*c)).map(narrow) {
        let hump = c.is_uppercase() && before.is_lowercase();
        if (!c.is_alphanumeric() || hump) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
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
