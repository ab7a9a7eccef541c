//! Runs the attempts of each group, without a sandbox and within each.

use std::{fs, path::Path};

use orch_core::recipe::Network;
use orch_sandbox::{
    Limits,
    egress::{AllowList, Proxy},
    sandbox::{Backend, Confinement},
};

use super::attempts::{Attempt, EGRESS, FILES, KERNEL, NETWORK, PROC, RESOURCES, TRUST};
use crate::{
    place::{Outcome, Place, run},
    victims::Victims,
};

const LEAST: usize = 64;

type Prepare = fn(&Place, &mut Confinement);

async fn try_out(backend: Backend, attempt: Attempt, prepare: Prepare) -> (Outcome, bool) {
    let place = Place::on(backend);
    let victims = Victims::beside(place.outside());
    let mut confinement = place.confinement();
    prepare(&place, &mut confinement);
    let before = settings_of_agents(&place.folder.work());
    let cell = place.sandbox.open(confinement).unwrap();
    let script = victims.fill(attempt.script, place.outside());
    let script = script.replace("{init}", env!("CARGO_BIN_EXE_sandbox-init"));
    let outcome = run(&*cell, place.shell(&script)).await;
    let after = settings_of_agents(&place.folder.work());
    let said = outcome.stdout.contains("ESCAPED");
    // What was noticed or undone has led nowhere.
    let did = match attempt.leaves_something {
        true => before != after,
        false => said,
    };
    let got_out = outcome.exit.is_ok() && did;
    (outcome, got_out)
}

/// What later programs would obey, with its content.
fn settings_of_agents(work: &Path) -> Vec<String> {
    let names = [
        ".git/hooks/pre-commit",
        ".git/config",
        "AGENTS.md",
        "CLAUDE.md",
        ".codex/config.toml",
        ".mcp.json",
    ];
    let read = |name: &str| {
        Some(format!(
            "{name}: {}",
            fs::read_to_string(work.join(name)).ok()?
        ))
    };
    names.iter().filter_map(|name| read(name)).collect()
}

async fn try_all(backend: Backend, attempts: &[Attempt], prepare: Prepare) {
    let mut all_out = Vec::new();
    for attempt in attempts {
        let (outcome, got_out) = try_out(Backend::Process, *attempt, prepare).await;
        assert!(
            got_out,
            "{} does not succeed without a sandbox: {outcome:?}",
            attempt.name
        );
        let (outcome, got_out) = try_out(backend, *attempt, prepare).await;
        let not_begun = format!("{outcome:?}").contains("NotBegun");
        assert!(!not_begun, "{}: {outcome:?}", attempt.name);
        if got_out {
            all_out.push(format!("{}: {outcome:?}", attempt.name));
        }
    }
    assert!(all_out.is_empty(), "{backend}: {all_out:#?}");
}

fn as_it_is(_place: &Place, _confinement: &mut Confinement) {}

fn with_a_way_out(_place: &Place, confinement: &mut Confinement) {
    let hosts = Network::Hosts(vec!["example.com".to_owned(), "127.0.0.1:1".to_owned()]);
    let allowed = AllowList::of([&hosts]).unwrap();
    confinement.network = Some(Proxy::new(allowed, |_| {}));
}

fn with_small_limits(_place: &Place, confinement: &mut Confinement) {
    confinement.limits = Limits {
        memory_bytes: 256 << 20,
        processes: 100,
        open_files: 256,
        file_bytes: 64 << 20,
        disk_bytes: 100 << 20,
        disk_entries: 1000,
        tmpfs_bytes: 16 << 20,
        ..Limits::default()
    };
}

fn with_a_repository(place: &Place, _confinement: &mut Confinement) {
    let work = place.folder.work();
    fs::create_dir_all(work.join(".git/hooks")).unwrap();
    fs::write(work.join(".git/config"), "[core]\n").unwrap();
    fs::write(work.join("AGENTS.md"), "be good\n").unwrap();
}

macro_rules! groups {
    ($($name:ident: $attempts:ident, $prepare:ident;)*) => {
        const ALL: &[&[Attempt]] = &[$($attempts),*];
        mod bubblewrap {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                try_all(Backend::Bubblewrap, $attempts, $prepare).await;
            })*
        }
        mod landlock {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                try_all(Backend::Landlock, $attempts, $prepare).await;
            })*
        }
    };
}

groups! {
    no_file_of_the_host_is_reached: FILES, as_it_is;
    no_other_process_is_reached: PROC, as_it_is;
    the_kernel_is_not_asked_for_more: KERNEL, as_it_is;
    nobody_is_reached_over_the_network: NETWORK, as_it_is;
    nothing_but_the_listed_hosts_is_reached: EGRESS, with_a_way_out;
    no_more_is_used_up_than_allowed: RESOURCES, with_small_limits;
    nothing_that_others_obey_is_changed: TRUST, with_a_repository;
}

#[test]
fn there_are_at_least_as_many_attempts_as_promised() {
    let count: usize = ALL.iter().map(|group| group.len()).sum();
    assert!(count >= LEAST, "{count}");
    let mut names: Vec<&str> = ALL
        .iter()
        .flat_map(|group| group.iter().map(|one| one.name))
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two attempts have one name");
}
