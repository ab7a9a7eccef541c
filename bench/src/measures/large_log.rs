//! A large log, written over REST in bodies of about 1 MB and read page by page.

use std::cell::Cell;
use std::time::Instant;

use super::Measured;
use crate::figure::Figure;
use crate::load::Talking;
use crate::process;
use crate::server::Server;
use crate::setup::Setup;
use crate::wire::number_after;

const WRITERS: usize = 4;
const PAGE: u64 = 5000;

pub async fn measure(setup: &Setup) -> Measured {
    let server = Server::start(setup).await?;
    let mut wire = server.wire().await?;
    let Talking { path, body } = Talking::start(&server, &mut wire).await?;
    let total = setup.log_mib * 1_048_576 / 1_000_000;
    let left = Cell::new(total);
    let begun = Instant::now();
    let writers = (0..WRITERS).map(async |_| {
        let mut wire = server.wire().await?;
        while left.get() > 0 {
            left.set(left.get() - 1);
            wire.post(&path, &body).await?;
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(writers).await?;
    let written = total as f64 / begun.elapsed().as_secs_f64();
    let before = process::memory_mib(server.pid()).0;
    let begun = Instant::now();
    let (mut offset, mut peak, mut bytes) = (0_u64, before, 0_u64);
    loop {
        let page = format!("{path}?format=json&limit={PAGE}&offset={offset}");
        let answer = wire.get(&page).await?;
        let returned = number_after(answer, b"\"returned\":").unwrap_or(0);
        let Some(returned) = u64::try_from(returned).ok().filter(|count| *count > 0) else {
            break;
        };
        offset += returned;
        bytes += 998 * returned;
        peak = peak.max(process::memory_mib(server.pid()).0);
    }
    let read = bytes as f64 / 1_000_000.0 / begun.elapsed().as_secs_f64();
    let name = |what: &str| format!("log of {} MiB: {what}", setup.log_mib);
    Ok(vec![
        Figure::new(name("written over REST"), "MB/s", "", vec![written]),
        Figure::new(name("read page by page"), "MB/s", "", vec![read]),
        Figure::new(name("resident before reading"), "MiB", "", vec![before]),
        Figure::new(name("highest while reading"), "MiB", "constant", vec![peak]),
    ])
}
