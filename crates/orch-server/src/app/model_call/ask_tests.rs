//! Usage limits: who waits how long, and that waiting uses nothing up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use orch_model::{Asking, silent};

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// A model whose limit lifts after so many asks.
#[derive(Debug)]
struct Limited {
    asked: AtomicUsize,
    lifts_after: usize,
    told: Option<Duration>,
}

impl Provider for Limited {
    fn model(&self) -> &str {
        "limited"
    }

    fn ask<'a>(&'a self, _: &'a Ask, _: Deltas<'a>) -> Asking<'a> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let outcome = match asked < self.lifts_after {
            true => Err(ModelError::UsageLimit {
                place: "here".to_owned(),
                said: String::new(),
                after: self.told,
            }),
            false => Ok(Answer {
                text: "yes".to_owned(),
                ..Answer::default()
            }),
        };
        Box::pin(async move { outcome })
    }
}

/// How long it was parked each time, and what came of it.
async fn parked(
    told: Option<Duration>,
    waiting: Waiting,
    deadline: Duration,
) -> (Vec<u64>, std::result::Result<Answer, ModelError>) {
    let model = Limited {
        asked: AtomicUsize::new(0),
        lifts_after: 3,
        told,
    };
    let waits = Mutex::new(Vec::new());
    let note = |wait: Duration| waits.lock().unwrap().push(wait.as_secs());
    let stop = CancellationToken::new();
    let terms = Terms {
        deltas: None,
        parked: &note,
        stop: &stop,
        deadline: Instant::now() + deadline,
        waiting,
    };
    let outcome = until_answered(&model, (&Ask::new("", "x"), None), &silent, terms).await;
    (waits.lock().unwrap().clone(), outcome)
}

#[tokio::test(start_paused = true)]
async fn work_in_the_background_stays_parked_until_a_limit_lifts() {
    let (waits, outcome) = parked(None, Waiting::Background, 24 * HOUR).await;
    assert_eq!(
        (waits, outcome.unwrap().text.as_str()),
        (vec![60, 120, 240], "yes")
    );
    let (waits, outcome) = parked(Some(2 * HOUR), Waiting::Background, 24 * HOUR).await;
    assert_eq!(waits, [7_200; 3]);
    assert!(outcome.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_client_waits_only_for_a_limit_that_lifts_in_time() {
    let (waits, outcome) = parked(Some(Duration::from_millis(5)), Waiting::Client, HOUR).await;
    assert_eq!((waits, outcome.is_ok()), (vec![1; 3], true));
    for told in [None, Some(2 * HOUR)] {
        let (waits, outcome) = parked(told, Waiting::Client, HOUR).await;
        assert_eq!(waits, [0; 0]);
        assert!(
            matches!(outcome, Err(ModelError::UsageLimit { .. })),
            "{outcome:?}"
        );
    }
}
