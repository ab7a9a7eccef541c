//! Retries on a clock that is turned by hand.

use std::sync::Arc;
use std::time::Duration;

use orch_model::{ModelError, Patience, Patient};
use tokio::time::Instant;

use crate::fake::{Fake, limited, overloaded, refused, said};

async fn ask_once(model: &Patient) -> (Result<String, ModelError>, Duration) {
    use orch_model::Provider as _;
    let begun = Instant::now();
    let ask = orch_model::Ask::new("", "hello");
    let outcome = model.ask(&ask, &orch_model::silent).await;
    (outcome.map(|answer| answer.text), begun.elapsed())
}

fn patient(model: &Arc<Fake>) -> Patient {
    Patient::new(model.clone(), Patience::default(), 7)
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_asked_again_until_it_has_passed() {
    let cut = ModelError::Cut {
        place: "there".to_owned(),
    };
    let fake = Fake::new(
        "m",
        vec![Err(overloaded(None)), Err(cut), Ok(said("at last"))],
    );
    let (outcome, took) = ask_once(&patient(&fake)).await;
    assert_eq!(outcome.unwrap(), "at last");
    assert_eq!(fake.asks().len(), 3);
    // Half to all of 1 s and 2 s.
    assert!((1_500..=3_002).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_to_the_second() {
    let wait = Duration::from_secs(40);
    let fake = Fake::new("m", vec![Err(overloaded(Some(wait))), Ok(said("yes"))]);
    let (outcome, took) = ask_once(&patient(&fake)).await;
    assert_eq!(outcome.unwrap(), "yes");
    assert!(
        wait <= took && took < wait + Duration::from_secs(1),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_waited_for_where_waiting_does_not_help_or_is_planned_elsewhere() {
    let day = Some(Duration::from_secs(86_400));
    for error in [refused(400), limited(None), limited(day), overloaded(day)] {
        let fake = Fake::new("m", vec![Err(error.clone())]);
        let (outcome, took) = ask_once(&patient(&fake)).await;
        assert_eq!((outcome, took), (Err(error), Duration::ZERO));
        assert_eq!(fake.asks().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn patience_has_an_end() {
    let fake = Fake::new("m", vec![Err(overloaded(None))]);
    let (outcome, took) = ask_once(&patient(&fake)).await;
    assert_eq!(outcome, Err(overloaded(None)));
    assert_eq!(fake.asks().len(), 5);
    assert!(took <= Patience::default().total, "{took:?}");
    let once = Patient::new(fake.clone(), Patience::none(), 7);
    assert_eq!(ask_once(&once).await.1, Duration::ZERO);
    assert_eq!(fake.asks().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn those_that_were_turned_away_together_do_not_come_back_together() {
    let mut waits = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let fake = Fake::new("m", vec![Err(overloaded(None)), Ok(said("yes"))]);
        let model = Patient::new(fake, Patience::default(), seed);
        waits.insert(ask_once(&model).await.1);
    }
    assert!(waits.len() > 10, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_told_at_once() {
    let wait = Duration::from_secs(40);
    let asked = async |seconds: u64, error: ModelError| {
        let fake = Fake::new("m", vec![Err(error), Ok(said("yes"))]);
        let ends = Instant::now() + Duration::from_secs(seconds);
        ask_once(&patient(&fake).until(ends)).await
    };
    let (outcome, took) = asked(60, overloaded(Some(wait))).await;
    assert_eq!((outcome, took >= wait), (Ok("yes".to_owned()), true));
    let (outcome, took) = asked(30, overloaded(Some(wait))).await;
    assert_eq!(
        (outcome, took),
        (Err(overloaded(Some(wait))), Duration::ZERO)
    );
    // A wait of its own choice, of half a second at least.
    let (outcome, took) = asked(0, overloaded(None)).await;
    assert_eq!((outcome, took), (Err(overloaded(None)), Duration::ZERO));
}
