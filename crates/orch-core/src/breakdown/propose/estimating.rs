//! How long tasks take, by rules that docs/book/plans.md gives as a table. Minutes of work.

use std::sync::LazyLock;

use super::super::model::{Estimate, LONGEST_ESTIMATE_MINUTES};
use super::groups::Group;
use crate::requirements::{Lexicon, words};

/// Hours of low, likely and high for what is not sized by a requirement.
pub const ARCHITECTURE: Estimate = minutes(60, 120, 240);
pub const SCAFFOLD: Estimate = minutes(60, 120, 240);
pub const INFRASTRUCTURE: Estimate = minutes(120, 240, 600);
pub const THREATS: Estimate = minutes(60, 120, 240);
pub const LIMIT: Estimate = minutes(60, 120, 360);
pub const PROVIDE: Estimate = minutes(60, 180, 480);
pub const WATCH: Estimate = minutes(15, 30, 60);
pub const MEASURABLE: Estimate = minutes(30, 60, 120);
pub const RELEASE: Estimate = minutes(60, 120, 240);
pub const SPIKE: Estimate = minutes(60, 120, 480);
/// What a feature of middle size takes to build.
const BUILD: Estimate = minutes(120, 240, 480);
/// Longer texts than these, in words, are features of middle and of large size.
const MIDDLE_WORDS: usize = 9;
const LARGE_WORDS: usize = 21;

/// Words of what is not ours: somebody else's service or format costs time that nobody plans.
static FOREIGN: LazyLock<Lexicon<()>> = LazyLock::new(|| {
    Lexicon::new(&[(
        (),
        "pay, pays, paid, payment, payments, card, paypal, stripe, invoice, mail, email, e-mail, sms, import, \
         imports, export, exports, integrate, integrates, integration, api, webhook, webhooks, oauth, sso, ldap, \
         kafka, mqtt, sap, salesforce, pdf, csv, excel, bezahlen, zahlung, rechnung, schnittstelle",
    )])
});

const fn minutes(low_minutes: u32, likely_minutes: u32, high_minutes: u32) -> Estimate {
    Estimate {
        low_minutes,
        likely_minutes,
        high_minutes,
    }
}

/// To build a feature: half of the middle size for a short text, twice for a long one; half as much again
/// at worst where something foreign is named, and twice where a question about it is open.
pub fn build(group: &Group<'_>) -> Estimate {
    let mut sum = minutes(0, 0, 0);
    // Of what a person answered only the first item is another piece of work.
    for item in group.works() {
        let spoken = words(&item.text);
        let quarters = match spoken.len() {
            length if length < MIDDLE_WORDS => 2,
            length if length < LARGE_WORDS => 4,
            _ => 8,
        };
        let is_foreign = (0..spoken.len()).any(|at| FOREIGN.longest_at(&spoken, at).is_some());
        let sized = scaled(BUILD, quarters, 4);
        let high = if is_foreign {
            sized.high_minutes * 3 / 2
        } else {
            sized.high_minutes
        };
        sum = minutes(
            sum.low_minutes + sized.low_minutes,
            sum.likely_minutes + sized.likely_minutes,
            sum.high_minutes + high,
        );
    }
    sound(unsettled(sum, group))
}

/// To test it: half of that.
pub fn test(group: &Group<'_>) -> Estimate {
    sound(scaled(build(group), 1, 2))
}

/// An estimate per piece of work of the group; at worst twice where a question is open.
pub fn each(estimate: Estimate, group: &Group<'_>) -> Estimate {
    let pieces = u32::try_from(group.works().count()).unwrap_or(1);
    sound(unsettled(scaled(estimate, pieces, 1), group))
}

/// To try `count` things together: an hour, and a quarter of an hour for each.
pub fn together(count: usize) -> Estimate {
    let likely = 60 + 15 * u32::try_from(count).unwrap_or(LONGEST_ESTIMATE_MINUTES / 60);
    sound(minutes(likely / 2, likely, likely * 2))
}

fn unsettled(estimate: Estimate, group: &Group<'_>) -> Estimate {
    match group.is_unsettled {
        true => minutes(
            estimate.low_minutes,
            estimate.likely_minutes,
            estimate.high_minutes * 2,
        ),
        false => estimate,
    }
}

fn scaled(estimate: Estimate, by: u32, parts: u32) -> Estimate {
    minutes(
        estimate.low_minutes * by / parts,
        estimate.likely_minutes * by / parts,
        estimate.high_minutes * by / parts,
    )
}

fn sound(estimate: Estimate) -> Estimate {
    let high = estimate.high_minutes.clamp(1, LONGEST_ESTIMATE_MINUTES);
    let likely = estimate.likely_minutes.clamp(1, high);
    minutes(estimate.low_minutes.clamp(1, likely), likely, high)
}
