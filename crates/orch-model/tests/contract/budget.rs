//! Money that is set aside before a request and settled after it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use orch_model::{
    Answer, Ask, Asking, Budget, Budgeted, Class, Cost, Deltas, ModelError, Prices, Provider,
    Purse, Reservation, Reserving, Settling, Spent, Usage, reserve, settle, silent,
};

use crate::fake::{Fake, ask, in_time, overloaded, said};

/// A purse with one level, and what was set aside for each request.
#[derive(Default)]
struct Wallet {
    levels: Mutex<[(&'static str, Budget); 1]>,
    held: Mutex<Vec<Cost>>,
    settled: Mutex<Vec<Spent>>,
}

impl Wallet {
    fn with(micros: u64) -> Arc<Self> {
        let budget = Budget {
            hard: Some(Cost::from_micros(micros)),
            ..Budget::default()
        };
        Arc::new(Self {
            levels: Mutex::new([("project 1", budget)]),
            ..Self::default()
        })
    }

    fn budget(&self) -> Budget {
        self.levels.lock().unwrap()[0].1
    }

    fn end(&self, Reservation(number): Reservation, spent: Spent) {
        let held = self.held.lock().unwrap()[usize::try_from(number).unwrap()];
        settle(&mut *self.levels.lock().unwrap(), held, spent.cost);
        self.settled.lock().unwrap().push(spent);
    }
}

impl Purse for Wallet {
    fn reserve<'a>(&'a self, _: &'a str, amount: Cost) -> Reserving<'a> {
        let reserved = reserve(&mut *self.levels.lock().unwrap(), amount);
        let outcome = reserved.map_err(|over| over.to_string()).map(|()| {
            let mut held = self.held.lock().unwrap();
            held.push(amount);
            Reservation(i64::try_from(held.len() - 1).unwrap())
        });
        Box::pin(std::future::ready(outcome))
    }

    fn settle(&self, reservation: Reservation, spent: Spent) -> Settling<'_> {
        self.end(reservation, spent);
        Box::pin(std::future::ready(()))
    }

    fn abandon(&self, reservation: Reservation, spent: Spent) {
        self.end(reservation, spent);
    }
}

fn prices() -> Arc<Prices> {
    let table = "version = 1\n[[price]]\nmodel = \"m\"\ninput = 1000000\noutput = 1000000\n";
    Arc::new(Prices::parse(table).unwrap())
}

fn request() -> Ask {
    Ask {
        max_output_tokens: Some(100),
        ..Ask::new("", "hello")
    }
}

fn budgeted(model: Arc<dyn Provider>, wallet: &Arc<Wallet>) -> Budgeted {
    Budgeted::new(model, prices(), wallet.clone())
}

fn used(input_tokens: u64, output_tokens: u64) -> Answer {
    Answer {
        usage: Usage {
            input_tokens,
            cached_tokens: 0,
            output_tokens,
        },
        ..said("yes")
    }
}

#[tokio::test]
async fn what_was_set_aside_becomes_what_was_spent() {
    let wallet = Wallet::with(1_000);
    let model = budgeted(Fake::new("m", vec![Ok(used(5, 40))]), &wallet);
    in_time(model.ask(&request(), &silent)).await.unwrap();
    let budget = wallet.budget();
    assert_eq!(
        (budget.spent, budget.reserved),
        (Cost::from_micros(45), Cost::ZERO)
    );
    // Five bytes, three frames of 16 tokens and the answer's bound.
    assert_eq!(
        *wallet.held.lock().unwrap(),
        [Cost::from_micros(5 + 48 + 100)]
    );
}

/// Takes until the clock is turned, so that all are under way together.
#[derive(Debug)]
struct Slow;

impl Provider for Slow {
    fn model(&self) -> &str {
        "m"
    }

    fn ask<'a>(&'a self, _: &'a Ask, _: Deltas<'a>) -> Asking<'a> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(used(53, 100))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_requests_at_a_time_do_not_exceed_a_cap_together() {
    let wallet = Wallet::with(153 * 7 + 50);
    let model = budgeted(Arc::new(Slow), &wallet);
    let request = request();
    let all = (0..50).map(|_| model.ask(&request, &silent));
    let outcomes = futures::future::join_all(all).await;
    let answered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(answered, 7);
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(error.class(), Class::Final);
        assert!(error.to_string().starts_with("the model was not asked: the request may cost $0.000153, and the budget of project 1"), "{error}");
    }
    assert_eq!(wallet.budget().spent, Cost::from_micros(153 * 7));
}

#[tokio::test]
async fn a_model_without_a_price_is_not_asked() {
    let fake = Fake::new("other", vec![Ok(said("yes"))]);
    let model = budgeted(fake.clone(), &Wallet::with(1_000));
    let error = ask(&model).await.unwrap_err();
    assert!(
        matches!(&error, ModelError::Withheld { why } if why.contains("no price for \"other\"")),
        "{error}"
    );
    assert_eq!(fake.asks().len(), 0);
}

#[tokio::test]
async fn a_failure_costs_what_it_may_have_cost() {
    let cut = ModelError::Cut {
        place: "there".to_owned(),
    };
    for (error, spent) in [(overloaded(None), 0), (cut, 153)] {
        let wallet = Wallet::with(1_000);
        let model = budgeted(Fake::new("m", vec![Err(error.clone())]), &wallet);
        assert_eq!(in_time(model.ask(&request(), &silent)).await, Err(error));
        let budget = wallet.budget();
        assert_eq!(
            (budget.spent, budget.reserved),
            (Cost::from_micros(spent), Cost::ZERO)
        );
    }
}

#[tokio::test]
async fn tokens_that_nobody_counted_are_guessed_and_marked_so() {
    let wallet = Wallet::with(1_000);
    let model = budgeted(
        Fake::new(
            "m",
            vec![Ok(Answer {
                usage: Usage::default(),
                ..said("twelve bytes")
            })],
        ),
        &wallet,
    );
    in_time(model.ask(&request(), &silent)).await.unwrap();
    let spent = wallet.settled.lock().unwrap()[0];
    assert_eq!(
        (spent.cost, spent.is_counted),
        (Cost::from_micros(2 + 3), false)
    );
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_nothing_set_aside() {
    let wallet = Wallet::with(1_000);
    let model = budgeted(Arc::new(Slow), &wallet);
    let request = request();
    {
        let mut asking = model.ask(&request, &silent);
        assert!(futures::poll!(&mut asking).is_pending());
        assert_eq!(wallet.budget().reserved, Cost::from_micros(153));
    }
    let budget = wallet.budget();
    assert_eq!(
        (budget.spent, budget.reserved),
        (Cost::from_micros(153), Cost::ZERO)
    );
}
