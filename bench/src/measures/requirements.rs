//! Requirements: the difference of two versions of 10,000 items, and the way from a vision of two pages to
//! a proposal, over HTTP and durable.

use std::time::Instant;

use orch_core::requirements::{Content, Text, difference, try_propose_document};
use serde_json::json;

use super::Measured;
use crate::figure::Figure;
use crate::server::Server;
use crate::setup::Setup;

const ITEMS: usize = 10_000;
/// About a thousand words.
const SENTENCES_OF_TWO_PAGES: usize = 80;

pub async fn measure(setup: &Setup) -> Measured {
    let before = try_propose_document(&[text(&vision(ITEMS, "print"))], None)?;
    // Every item is another one, so that all words are compared.
    let after = try_propose_document(&[text(&vision(ITEMS, "download"))], Some(&before))?;
    let mut compared = Vec::new();
    for _ in 0..setup.rounds {
        let begun = Instant::now();
        let found = difference(&before, &after);
        compared.push(begun.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(
            found.changed.len() >= ITEMS,
            "{} changed",
            found.changed.len()
        );
    }
    let server = Server::start(setup).await?;
    let mut wire = server.wire().await?;
    let mut proposed = Vec::new();
    for _ in 0..setup.rounds {
        let project = server.project(&mut wire).await?;
        let vision = json!({"content": vision(SENTENCES_OF_TWO_PAGES, "print")}).to_string();
        let begun = Instant::now();
        wire.post(&format!("/projects/{project}/vision"), vision.as_bytes())
            .await?;
        wire.post(&format!("/projects/{project}/requirements/propose"), b"")
            .await?;
        proposed.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(vec![
        Figure::new(
            "difference of 10,000 requirements, all changed",
            "ms",
            "< 100",
            compared,
        ),
        Figure::new(
            "vision of two pages, submitted and proposed",
            "ms",
            "< 1000",
            proposed,
        ),
    ])
}

fn text(vision: &str) -> Text {
    Text {
        attachment: None,
        content: Content::Prose(vision.to_owned()),
    }
}

fn vision(sentences: usize, verb: &str) -> String {
    (0..sentences)
        .map(|number| {
            format!("Customers can {verb} report {number} of the shop in their own language.\n")
        })
        .collect()
}
