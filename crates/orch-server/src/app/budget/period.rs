//! Since when a budget counts.

use orch_core::time::Timestamp;
use orch_store::budget::Budget;

/// How long a cap holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// For good.
    Total,
    /// Anew with each calendar month, UTC.
    Month,
}

impl Period {
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        match text {
            "total" => Some(Self::Total),
            "month" => Some(Self::Month),
            _ => None,
        }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Month => "month",
        }
    }

    /// When the period that `now` is in began.
    #[must_use]
    pub fn start(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Total => Timestamp::from_micros(0),
            Self::Month => {
                // RFC 3339 begins with year and month.
                let text = now.to_string();
                let first = text.get(..7).map(|month| format!("{month}-01T00:00:00Z"));
                first
                    .and_then(|first| Timestamp::parse(&first).ok())
                    .unwrap_or(now.start_of_day())
            }
        }
    }
}

/// A budget as it stands now: what was spent in an earlier period counts no more.
#[must_use]
pub fn rolled(budget: Budget, now: Timestamp) -> Budget {
    let period = Period::of(&budget.period).unwrap_or(Period::Total);
    let start = period.start(now).as_micros();
    if budget.period_start >= start {
        return budget;
    }
    Budget {
        period_start: start,
        spent_microusd: 0,
        ..budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn monthly(start: &str, spent: i64) -> Budget {
        Budget {
            id: 1,
            project_id: 1,
            scope: "project".to_owned(),
            scope_id: 1,
            hard_microusd: Some(10),
            soft_microusd: None,
            period: "month".to_owned(),
            period_start: at(start).as_micros(),
            spent_microusd: spent,
            version: 1,
            updated_at: 0,
            updated_by: "a".to_owned(),
        }
    }

    #[test]
    fn a_month_begins_with_its_first_day_in_utc() {
        let start = Period::Month.start(at("2026-03-31T23:59:59Z"));
        assert_eq!(start, at("2026-03-01T00:00:00Z"));
        assert_eq!(Period::Total.start(start), Timestamp::from_micros(0));
    }

    #[test]
    fn a_new_month_begins_with_nothing_spent() {
        let budget = monthly("2026-03-01T00:00:00Z", 9);
        assert_eq!(rolled(budget.clone(), at("2026-03-31T23:59:59Z")), budget);
        let next = rolled(budget, at("2026-04-01T00:00:00Z"));
        assert_eq!(next, monthly("2026-04-01T00:00:00Z", 0));
    }
}
