//! Money, in micro-dollars.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// An amount in micro-dollars (a millionth of a dollar). Adding and subtracting stop at the ends.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Cost(u64);

impl Cost {
    pub const ZERO: Self = Self(0);
    /// What a database's column holds.
    pub const MOST: Self = Self(i64::MAX.unsigned_abs());

    /// At most [`Self::MOST`].
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        match micros > Self::MOST.0 {
            true => Self::MOST,
            false => Self(micros),
        }
    }

    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Nothing where `other` is more.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Of millionths of a micro-dollar, rounded up: what is counted is never less than what is owed.
    pub(super) fn from_millionths(millionths: u128) -> Self {
        let micros = millionths.div_ceil(1_000_000);
        Self::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::from_micros(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::ZERO, Add::add)
    }
}

/// `$1.25`, and as many places as there are: `$0.000125`.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let places = format!("{rest:06}");
        let short = places.trim_end_matches('0');
        f.pad(&format!("${dollars}.{short:0<2}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_to_the_last_place() {
        let shown = |micros| Cost::from_micros(micros).to_string();
        assert_eq!(
            [0, 1, 125, 10_000, 1_250_000, 12_345_678].map(shown),
            [
                "$0.00",
                "$0.000001",
                "$0.000125",
                "$0.01",
                "$1.25",
                "$12.345678"
            ]
        );
    }

    #[test]
    fn amounts_stop_at_the_ends() {
        assert_eq!(Cost::MOST + Cost::from_micros(1), Cost::MOST);
        assert_eq!(Cost::from_micros(u64::MAX), Cost::MOST);
        assert_eq!(Cost::from_micros(1).less(Cost::from_micros(2)), Cost::ZERO);
        assert_eq!(Cost::from_millionths(u128::MAX), Cost::MOST);
        assert_eq!(Cost::from_millionths(1), Cost::from_micros(1));
        assert_eq!(
            [Cost::MOST, Cost::MOST].into_iter().sum::<Cost>(),
            Cost::MOST
        );
    }
}
