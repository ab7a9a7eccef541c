//! Which model is asked next, and which error is told in the end.

use std::sync::Arc;
use std::time::Duration;

use orch_model::{Ask, Chain, ModelError, OnLimit, Provider, silent};

use crate::fake::{Fake, ask, in_time, limited, overloaded, refused, said};

fn hour() -> Option<Duration> {
    Some(Duration::from_secs(3_600))
}

fn chain(errors: Vec<ModelError>, last: Option<&str>, on_limit: OnLimit) -> Chain {
    let mut models: Vec<Arc<dyn Provider>> = Vec::new();
    for (at, error) in errors.into_iter().enumerate() {
        models.push(Fake::new(&format!("m-{at}"), vec![Err(error)]));
    }
    if let Some(text) = last {
        models.push(Fake::new("last", vec![Ok(said(text))]));
    }
    let first = models.remove(0);
    Chain::new(first, models, on_limit)
}

#[tokio::test]
async fn the_next_model_answers_where_the_first_cannot_and_it_is_told_why() {
    let chain = chain(
        vec![refused(401), overloaded(None)],
        Some("here"),
        OnLimit::Park,
    );
    let asked = in_time(chain.ask_in_turn(&Ask::new("", "hello"), &silent))
        .await
        .unwrap();
    assert_eq!(
        (asked.answer.text.as_str(), asked.answer.model.as_str()),
        ("here", "last")
    );
    let passed = [
        ("m-0".to_owned(), refused(401)),
        ("m-1".to_owned(), overloaded(None)),
    ];
    assert_eq!(asked.passed, passed);
    assert_eq!(chain.model(), "m-0");
}

#[tokio::test]
async fn the_first_that_answers_ends_the_asking() {
    let (first, second) = (
        Fake::new("a", vec![Ok(said("a"))]),
        Fake::new("b", vec![Ok(said("b"))]),
    );
    let chain = Chain::new(first.clone(), vec![second.clone()], OnLimit::Next);
    assert_eq!(ask(&chain).await.unwrap().model, "a");
    assert_eq!((first.asks().len(), second.asks().len()), (1, 0));
}

#[tokio::test]
async fn a_usage_limit_parks_or_goes_on_as_the_role_wants() {
    let parked = chain(vec![limited(hour())], Some("lesser"), OnLimit::Park);
    let (model, error) = ask(&parked).await.unwrap_err().parted();
    assert_eq!((model.as_deref(), error), (Some("m-0"), limited(hour())));
    let goes_on = chain(vec![limited(hour())], Some("lesser"), OnLimit::Next);
    assert_eq!(ask(&goes_on).await.unwrap().text, "lesser");
}

#[tokio::test]
async fn of_all_errors_the_one_that_promises_most_is_told_with_its_model() {
    let soon = Some(Duration::from_secs(60));
    for (errors, wanted, place) in [
        (
            vec![refused(401), overloaded(None), refused(404)],
            overloaded(None),
            "m-1",
        ),
        (
            vec![overloaded(None), limited(hour()), limited(soon)],
            limited(soon),
            "m-2",
        ),
        (vec![limited(None), limited(hour())], limited(hour()), "m-1"),
        (vec![refused(401), refused(404)], refused(401), "m-0"),
    ] {
        let chain = chain(errors.clone(), None, OnLimit::Next);
        let told = ask(&chain).await.unwrap_err();
        let said = (told.to_string(), told.class());
        assert_eq!(said, (wanted.to_string(), wanted.class()));
        assert_eq!(
            told.parted(),
            (Some(place.to_owned()), wanted),
            "{errors:?}"
        );
    }
}
