//! A PostgreSQL database of its own for each server under measurement.

use anyhow::Context as _;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// A fresh database; it is left behind empty of connections and named after this process.
pub struct Database {
    pub url: String,
}

impl Database {
    /// Makes one on the server that `url` names.
    pub async fn create(url: &str) -> anyhow::Result<Self> {
        static MADE: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("bench_{}_{number}", std::process::id());
        let mut conn = PgConnection::connect(url).await?;
        let drop = format!("DROP DATABASE IF EXISTS {name}");
        conn.execute(sqlx::AssertSqlSafe(drop)).await?;
        let create = format!("CREATE DATABASE {name}");
        conn.execute(sqlx::AssertSqlSafe(create)).await?;
        conn.close().await?;
        let (address, rest) = url.rsplit_once('/').context("a database in the URL")?;
        let options = rest.split_once('?').map(|(_, options)| options);
        let url = match options {
            Some(options) => format!("{address}/{name}?{options}"),
            None => format!("{address}/{name}"),
        };
        Ok(Self { url })
    }
}
