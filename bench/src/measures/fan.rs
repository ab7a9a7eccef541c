//! One item, 10,000 that wait for it, and one that waits for them all.

use std::time::Instant;

use super::Measured;
use super::noop::SLOTS;
use crate::agent::{Agents, Work};
use crate::figure::Figure;
use crate::load::{create, entries_body, finished};
use crate::server::Server;
use crate::setup::Setup;

const WIDTH: usize = 10_000;

pub async fn measure(setup: &Setup) -> Measured {
    let mut taken = Vec::new();
    for _ in 0..setup.rounds {
        let server = Server::start(setup).await?;
        let mut wire = server.wire().await?;
        let project = server.project(&mut wire).await?;
        let agents = Agents::one(&server, SLOTS, Work::NoOp).await?;
        let (root, _) = create(&mut wire, project, 1).await?[0];
        let middle = create(&mut wire, project, WIDTH).await?;
        let (last, _) = create(&mut wire, project, 1).await?[0];
        let waits = format!(",\"depends_on\":[{root}]");
        for (first, size) in &middle {
            let body = entries_body(*first, *size, &waits);
            wire.post("/scheduler/enqueue/batch", &body).await?;
        }
        let ids: Vec<String> = middle
            .iter()
            .flat_map(|(first, size)| *first..*first + *size as i64)
            .map(|id| id.to_string())
            .collect();
        let body = format!(
            "{{\"work_item_id\":{last},\"depends_on\":[{}]}}",
            ids.join(",")
        );
        wire.post("/scheduler/enqueue", body.as_bytes()).await?;
        let begun = Instant::now();
        let body = format!("{{\"work_item_id\":{root}}}");
        wire.post("/scheduler/enqueue", body.as_bytes()).await?;
        let ended = finished(&agents, &mut wire, WIDTH + 2, 1).await?;
        taken.push((ended - begun).as_secs_f64());
    }
    Ok(vec![Figure::new(
        "1 -> 10,000 -> 1, fan-out and fan-in",
        "s",
        "<= 0.7",
        taken,
    )])
}
