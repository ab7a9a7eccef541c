//! What the items say about what operating it may take: the money for a month, and what they leave out. An
//! architecture that wants more says so.

use std::sync::LazyLock;

use super::super::document::Requirement;
use super::super::item::ItemKind;
use super::super::lookup::{Words, set};
use super::super::words::Word;
use super::blueprints::Operated;
use super::contradictions::is_negative;
use super::measured::{Bound, Demand, demands};

/// Words of somebody else's money: what customers pay is no budget.
static PRICES: Words = LazyLock::new(|| {
    set(
        "customer, customers, member, members, subscriber, subscribers, subscription, subscriptions, user, \
         users, pay, pays, paid, paying, price, prices, fee, fees, plan, plans, tier, revenue, earn, earns, \
         refund, refunds, salary, kunden, kunde, preis, preise, gebühr",
    )
});

/// Words of money that is there to be spent.
static SPENDING: Words = LazyLock::new(|| {
    set(
        "budget, cost, costs, spend, spending, hosting, hosted, operate, operating, operation, run, \
         running, infrastructure, server, servers, bill, cheap, affordable, inexpensive, kosten, kostet, \
         betrieb, günstig, billig",
    )
});

/// The money for a month.
#[derive(Debug)]
struct Budget<'i> {
    per_month: f64,
    shown: String,
    item: &'i Requirement,
}

/// What is there to operate it with.
#[derive(Debug, Default)]
pub struct Means<'i> {
    budget: Option<Budget<'i>>,
    /// What the items leave out, with the words of it.
    denied: Vec<(&'i Requirement, &'i [Word])>,
    /// What they ask for.
    wanted: Vec<&'i [Word]>,
}

impl<'i> Means<'i> {
    /// Reads the items, of which `spoken` are the words.
    pub fn of(items: &'i [Requirement], spoken: &'i [Vec<Word>]) -> Self {
        let mut found = Self::default();
        for (item, words) in items.iter().zip(spoken) {
            if matches!(item.kind, ItemKind::OpenQuestion | ItemKind::Risk) || item.is_ruled_out() {
                continue;
            }
            match item.kind == ItemKind::OutOfScope || is_negative(words) {
                true => found.denied.push((item, words)),
                false => found.wanted.push(words),
            }
            found.note_budget(item, words);
        }
        found
    }

    fn note_budget(&mut self, item: &'i Requirement, words: &[Word]) {
        let says = |list: &Words| words.iter().any(|word| list.contains(word.lower.as_str()));
        let is_limit = match item.kind {
            ItemKind::Constraint => true,
            ItemKind::Goal | ItemKind::Functional | ItemKind::Scope | ItemKind::NonFunctional => {
                says(&SPENDING)
            }
            ItemKind::OutOfScope
            | ItemKind::SuccessCriterion
            | ItemKind::Risk
            | ItemKind::OpenQuestion => false,
        };
        if !is_limit || says(&PRICES) {
            return;
        }
        for demand in demands(words) {
            let Some(per_month) = per_month(&demand) else {
                continue;
            };
            let known = self.budget.as_ref().map(|known| known.per_month);
            if known.is_none_or(|known| per_month < known) {
                self.budget = Some(Budget {
                    per_month,
                    shown: shown(&demand),
                    item,
                });
            }
        }
    }

    /// Why these means do not go with what is operated; nothing where they do.
    pub fn against(&self, operated: &Operated) -> Option<String> {
        let what = operated.what;
        let names: Vec<&str> = operated.names.split(", ").collect();
        let names_it = |words: &[Word]| {
            words
                .iter()
                .any(|word| names.contains(&word.lower.as_str()))
        };
        let denied = self.denied.iter().find(|(_, words)| names_it(words));
        if let Some((item, _)) = denied {
            return Some(format!("{} leaves out {what}", item.id));
        }
        let budget = self.budget.as_ref()?;
        (budget.per_month < operated.least_per_month).then(|| {
            format!(
                "{} ({}) hardly pay for {what} and those who look after it",
                budget.shown, budget.item.id
            )
        })
    }

    /// Whether the items ask for what is operated by its name.
    pub fn names(&self, operated: &Operated) -> bool {
        let names: Vec<&str> = operated.names.split(", ").collect();
        let mut wanted = self.wanted.iter().flat_map(|words| words.iter());
        wanted.any(|word| names.contains(&word.lower.as_str()))
    }
}

fn per_month(demand: &Demand) -> Option<f64> {
    if demand.bound == Bound::AtLeast {
        return None;
    }
    match demand.measure.as_str() {
        "money per month" | "money per monat" => Some(demand.value),
        "money per year" | "money per jahr" => Some(demand.value / 12.0),
        _ => None,
    }
}

/// "80 EUR a month", "$500 a year".
fn shown(demand: &Demand) -> String {
    let period = match demand.measure.as_str() {
        "money per year" | "money per jahr" => "year",
        _ => "month",
    };
    let amount = match demand.shown.split_once(' ') {
        Some((number, code)) if code.len() == 3 => format!("{number} {}", code.to_uppercase()),
        Some(_) | None => demand.shown.clone(),
    };
    format!("{amount} a {period}")
}
