//! The same throughput with many finished and many blocked items in the database.

use std::time::Instant;

use super::Measured;
use super::noop::SLOTS;
use crate::agent::{Agents, Work};
use crate::figure::Figure;
use crate::load::{create, create_and_enqueue, entries_body, finished};
use crate::server::Server;
use crate::setup::Setup;

pub async fn measure(setup: &Setup) -> Measured {
    let server = Server::start(setup).await?;
    let mut wire = server.wire().await?;
    let project = server.project(&mut wire).await?;
    let agents = Agents::one(&server, SLOTS, Work::NoOp).await?;
    let mut begun_in_all = 0;
    let mut round = async |items: usize| {
        let mut wire = server.wire().await?;
        let begun = Instant::now();
        create_and_enqueue(&server, project, items).await?;
        begun_in_all += items;
        let ended = finished(&agents, &mut wire, begun_in_all, SLOTS.min(items)).await?;
        anyhow::Ok(items as f64 / (ended - begun).as_secs_f64())
    };
    let mut empty = Vec::new();
    for _ in 0..setup.rounds {
        empty.push(round(setup.items).await?);
    }
    // Never queued, so that whoever waits for it is blocked.
    let (never, _) = create(&mut wire, project, 1).await?[0];
    let waits = format!(",\"depends_on\":[{never}]");
    for (first, size) in create(&mut wire, project, setup.blocked).await? {
        let body = entries_body(first, size, &waits);
        wire.post("/scheduler/enqueue/batch", &body).await?;
    }
    let already = setup.items * setup.rounds;
    let mut left = setup.finished.saturating_sub(already);
    while left > 0 {
        let size = left.min(50_000);
        round(size).await?;
        left -= size;
        eprintln!("  {left} more finished items to make");
    }
    let mut full = Vec::new();
    for _ in 0..setup.rounds {
        full.push(round(setup.items).await?);
    }
    let share = |(full, empty): (&f64, &f64)| full / empty * 100.0;
    let shares = full.iter().zip(&empty).map(share).collect();
    let name = format!(
        "no-op items beside {} finished and {} blocked",
        setup.finished, setup.blocked
    );
    Ok(vec![
        Figure::new("no-op items, same server, empty database", "/s", "", empty),
        Figure::new(name, "/s", "", full),
        Figure::new(
            "of the throughput on an empty database",
            "%",
            ">= 90",
            shares,
        ),
    ])
}
