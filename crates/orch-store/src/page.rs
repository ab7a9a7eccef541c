//! A page of a list: ids are the cursor.

/// Which way a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub order: Order,
    /// Continue behind this id.
    pub after: Option<i64>,
    /// At most so many rows.
    pub limit: i64,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            order: Order::OldestFirst,
            after: None,
            limit: 10_000,
        }
    }
}
