//! Built-in faults: what a debug build can be told to do wrong, so that the tests that look for
//! such faults are seen to find them.

/// The faults that there are: writes of an old epoch pass; the store answers before it commits;
/// nothing is synced; log segments roll over after 4 KiB (which is no fault, but rare otherwise).
pub const FAULTS: [&str; 4] = [
    "no_epoch_check",
    "ack_before_commit",
    "no_sync",
    "small_segments",
];

/// Whether a debug build was told to misbehave so.
#[inline]
#[must_use]
pub fn has_fault(name: &'static str) -> bool {
    #[cfg(debug_assertions)]
    {
        debug::has(name)
    }
    #[cfg(not(debug_assertions))]
    {
        let _ = name;
        false
    }
}

/// Where the store answers before it commits, the commit comes late enough to be missed.
#[inline]
pub fn slow_commit() {
    if has_fault("ack_before_commit") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[cfg(debug_assertions)]
mod debug {
    use std::sync::OnceLock;

    static FAULTS: OnceLock<Vec<String>> = OnceLock::new();

    pub(super) fn has(name: &str) -> bool {
        let faults = FAULTS.get_or_init(|| {
            let text = std::env::var("ORCH_FAULTS").unwrap_or_default();
            let named = text
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty());
            let named: Vec<String> = named.map(str::to_owned).collect();
            if let Some(wrong) = named
                .iter()
                .find(|name| !super::FAULTS.contains(&name.as_str()))
            {
                eprintln!("error: ORCH_FAULTS: there is no fault `{wrong}`");
                std::process::exit(2)
            }
            named
        });
        faults.iter().any(|fault| fault == name)
    }
}
