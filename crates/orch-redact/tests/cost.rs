//! What it costs to look through an answer of megabytes: it grows with the answer alone, and everyday text is not
//! taken for what is encoded.

use std::time::Instant;

use orch_redact::Redactor;

/// Much more than a machine under load needs for a megabyte, even unoptimised; a search that grew with the square
/// of the text would take minutes.
const MOST_SECONDS: u64 = 20;

#[test]
fn an_answer_of_megabytes_is_looked_through_in_one_go() {
    let redactor = Redactor::new([
        "sk-live-0123456789abcdef0123456789abcdef",
        "correct horse battery",
    ]);
    for line in [
        "The shop shows used bikes with their prices, and customers pay by card. ",
        "    let total = items.iter().map(|item| item.price_cents).sum::<u64>();\n",
        "{\"kind\": \"functional\", \"text\": \"Customers pay by card\\nand see the price\", \"mvp\": true},\n",
    ] {
        let text = line.repeat(2_000_000 / line.len());
        let from = Instant::now();
        assert_eq!(redactor.redact(&text), text.as_str());
        let took = from.elapsed();
        assert!(took.as_secs() < MOST_SECONDS, "{took:?}");
    }
}
