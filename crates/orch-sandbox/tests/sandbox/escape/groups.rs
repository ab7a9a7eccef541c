//! The groups, each a test on every backend.

use orch_sandbox::sandbox::Backend;

use super::{
    attempt::{Attempt, Stop},
    files::FILES,
    kernel::KERNEL,
    network::{EGRESS, NETWORK},
    processes::PROCESSES,
    resources::{DISK, RESOURCES},
    run::{as_it_is, try_all, with_a_repository, with_a_way_out, with_small_limits},
    trust::{BARE, TRUST},
};
use crate::place::engine_backend;

const LEAST: usize = 128;

/// Attempts whose layer cannot be left out, at most.
const MOST_FOUNDATIONS: usize = 5;

macro_rules! groups {
    ($($name:ident: $attempts:ident, $prepare:ident;)*) => {
        const ALL: &[&[Attempt]] = &[$($attempts),*];
        mod bubblewrap {
            use super::*;
            $(#[test]
            fn $name() {
                try_all(Backend::Bubblewrap, $attempts, $prepare);
            })*
        }
        mod landlock {
            use super::*;
            $(#[test]
            fn $name() {
                try_all(Backend::Landlock, $attempts, $prepare);
            })*
        }
        mod engine {
            use super::*;
            $(#[test]
            fn $name() {
                if let Some(backend) = engine_backend() {
                    try_all(backend, $attempts, $prepare);
                }
            })*
        }
    };
}

groups! {
    no_file_of_the_host_is_reached: FILES, as_it_is;
    no_other_process_is_reached: PROCESSES, as_it_is;
    the_kernel_is_not_asked_for_more: KERNEL, as_it_is;
    nobody_is_reached_over_the_network: NETWORK, as_it_is;
    nothing_but_the_listed_hosts_is_reached: EGRESS, with_a_way_out;
    no_more_is_used_up_than_allowed: RESOURCES, with_small_limits;
    no_more_is_written_than_allowed: DISK, with_small_limits;
    nothing_that_others_obey_is_changed: TRUST, with_a_repository;
    nothing_that_others_obey_is_made: BARE, as_it_is;
}

#[test]
fn there_are_at_least_as_many_attempts_as_promised() {
    let all = || ALL.iter().flat_map(|group| group.iter());
    let count = all().count();
    assert!(count >= LEAST, "{count}");
    let mut names: Vec<&str> = all().map(|one| one.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two attempts have one name");
}

#[test]
fn each_attempt_names_the_layers_that_stop_it() {
    let backends = [Backend::Bubblewrap, Backend::Landlock];
    let all = ALL.iter().flat_map(|group| group.iter());
    let stops = all.flat_map(|one| backends.map(|backend| (one.name, one.stop(backend))));
    let nameless = stops.clone().find(|(_, stop)| *stop == Stop::By(&[]));
    assert_eq!(nameless, None);
    let count = |is: fn(&Stop) -> bool| stops.clone().filter(|(_, stop)| is(stop)).count();
    assert!(count(|stop| matches!(stop, Stop::Foundation(_))) <= MOST_FOUNDATIONS);
}
