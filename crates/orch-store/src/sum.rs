//! Sums in SQL that never fail: whatever stands in a column, they end at a largest number.
//!
//! They are exact up to there, on both databases: whole numbers below 2^53 are exact as doubles.

/// The text of a sum over `$column`, 0 where there is nothing, and 9 * 10^15 where it is more.
macro_rules! total {
    ($column:literal) => {
        concat!(
            "CAST(CASE WHEN SUM(CAST(",
            $column,
            " AS DOUBLE PRECISION)) > 9000000000000000 THEN 9000000000000000 ELSE COALESCE(SUM(CAST(",
            $column,
            " AS DOUBLE PRECISION)), 0) END AS BIGINT)"
        )
    };
}

pub(crate) use total;
