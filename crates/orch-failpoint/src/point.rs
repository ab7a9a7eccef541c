//! Passing a point. Never does anything in a release build.

/// Passes a point that can only kill; answers nothing, so that it stands where nothing may fail.
#[inline]
pub fn pass(name: &'static str) {
    let _ = check(name);
}

/// Passes a point.
///
/// # Errors
/// When the environment asks for the operation to fail here.
#[inline]
pub fn check(name: &'static str) -> std::io::Result<()> {
    #[cfg(debug_assertions)]
    {
        debug::check(name)
    }
    #[cfg(not(debug_assertions))]
    {
        let _ = name;
        Ok(())
    }
}

#[cfg(debug_assertions)]
mod debug {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::plan::{Action, Wish, parse};

    static WISHES: OnceLock<Vec<(Wish, AtomicU64)>> = OnceLock::new();

    fn wishes() -> &'static [(Wish, AtomicU64)] {
        WISHES.get_or_init(|| {
            let text = std::env::var("ORCH_FAILPOINTS").unwrap_or_default();
            match parse(&text) {
                Ok(wishes) => wishes
                    .into_iter()
                    .map(|wish| (wish, AtomicU64::new(0)))
                    .collect(),
                Err(why) => {
                    eprintln!("error: ORCH_FAILPOINTS: {why}");
                    std::process::exit(2)
                }
            }
        })
    }

    pub(super) fn check(name: &'static str) -> std::io::Result<()> {
        for (wish, passes) in wishes().iter().filter(|(wish, _)| wish.name == name) {
            let pass = passes.fetch_add(1, Ordering::Relaxed) + 1;
            if wish.at.is_some_and(|at| at != pass) {
                continue;
            }
            match wish.action {
                Action::Kill => {
                    eprintln!("failpoint {name}: pass {pass}, ending this process");
                    std::process::abort()
                }
                Action::Full => return Err(std::io::ErrorKind::StorageFull.into()),
                Action::Error => {
                    return Err(std::io::Error::other(format!(
                        "failpoint {name}: pass {pass}"
                    )));
                }
            }
        }
        Ok(())
    }
}
