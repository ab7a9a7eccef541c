//! How much of a list is shown, and in which order.

use clap::Args;
use orch_api::client::{ClientError, Order, Page, Paging, collect};

/// Limit and order of a list.
#[derive(Args, Clone, Debug)]
pub struct Listing {
    /// The most entries to show
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Oldest first, instead of newest first
    #[arg(long)]
    oldest_first: bool,
}

impl Listing {
    /// Reads pages until the limit is reached.
    pub async fn collect<T>(
        &self,
        page: impl AsyncFn(Paging) -> Result<Page<T>, ClientError>,
    ) -> Result<Page<T>, ClientError> {
        let order = if self.oldest_first {
            Order::OldestFirst
        } else {
            Order::NewestFirst
        };
        collect(order, self.limit as usize, page).await
    }
}
