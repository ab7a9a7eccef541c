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

/// `+` joins words that must all be there, `|` stands between words of which one is enough.
pub const DEFAULT_TITLES: &str = "deploy|deployment|release|rollout|promote|publish|ship+prod|production|prd|live,apply,destroy,teardown,migrate|migration|migrations";

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

    /// Whether an item needs an approval even if nobody requested one.
    #[must_use]
    pub fn is_risky(&self, title: &str, kind: Kind) -> bool {
        if self.kinds.contains(&kind) {
            return true;
        }
        let title = title.to_lowercase();
        let words: Vec<&str> = title
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        self.titles.iter().any(|rule| {
            rule.iter()
                .all(|choice| choice.split('|').any(|word| words.contains(&word.trim())))
        })
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
            assert!(policy.is_risky(risky, Kind::Task), "{risky}");
        }
        for harmless in [
            "deploy:staging",
            "api:build",
            "tofu:plan",
            "application form",
            "product page",
        ] {
            assert!(!policy.is_risky(harmless, Kind::Task), "{harmless}");
        }
    }

    #[test]
    fn kinds_can_be_named_and_a_wrong_one_is_refused() {
        let policy = RiskPolicy::parse("", "infra").unwrap();
        assert!(policy.is_risky("anything", Kind::Infra));
        assert!(!policy.is_risky("tofu:apply", Kind::Task));
        assert!(RiskPolicy::parse("", "infrastructure").is_err());
    }
}
