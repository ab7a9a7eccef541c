//! What the environment says about a measurement.

use anyhow::Context as _;

#[derive(Clone)]
pub struct Setup {
    /// The release binary.
    pub binary: String,
    /// A PostgreSQL in place of SQLite.
    pub database_url: Option<String>,
    /// The fewest samples of a median.
    pub rounds: usize,
    /// No-op items of one round.
    pub items: usize,
    pub log_mib: usize,
    /// Rows that lie in the database already.
    pub finished: usize,
    pub blocked: usize,
    only: Option<Vec<String>>,
}

impl Setup {
    pub fn from_environment() -> anyhow::Result<Self> {
        let text = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let sized = |name: &str, default: usize| {
            text(name)
                .and_then(|text| text.parse().ok())
                .unwrap_or(default)
        };
        Ok(Self {
            binary: text("CODEX_ORCHESTRATOR_BIN").context(
                "CODEX_ORCHESTRATOR_BIN must name the release binary; `make bench` sets it",
            )?,
            database_url: text("BENCH_DATABASE_URL"),
            rounds: sized("BENCH_ROUNDS", 5).max(1),
            items: sized("BENCH_ITEMS", 10_000).max(1),
            log_mib: sized("BENCH_LOG_MIB", 1024),
            finished: sized("BENCH_FINISHED", 100_000),
            blocked: sized("BENCH_BLOCKED", 10_000),
            only: text("BENCH_ONLY").map(|names| {
                names
                    .split(',')
                    .map(|name| name.trim().to_owned())
                    .collect()
            }),
        })
    }

    pub fn wants(&self, measure: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| only.iter().any(|name| name == measure))
    }

    /// Names that `BENCH_ONLY` asks for and nobody knows.
    pub fn unknown<'s>(&'s self, known: &'s [&str]) -> impl Iterator<Item = &'s String> {
        let only = self.only.iter().flatten();
        only.filter(move |name| !known.contains(&name.as_str()))
    }
}
