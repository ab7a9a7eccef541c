//! Runs the attempts of each group: without a sandbox, without the layers that stop them, and with
//! everything in force.

use std::{fs, path::Path, process::Command, thread};

use nix::sched::{CloneFlags, unshare};
use orch_core::recipe::Network;
use orch_sandbox::{
    Limits,
    egress::{AllowList, Guarded, Proxy},
    sandbox::{Backend, Confinement, Layer, Without},
};

use super::attempt::{Attempt, Proof, Stop};
use crate::{
    place::{Ground, Outcome, Place, run},
    victims::{OTHER_ADDRESSES, Victims},
};

/// Changes what a run is given.
pub type Prepare = fn(&Place, &mut Confinement);

/// What is tried of one attempt.
struct Trial<'g> {
    backend: Backend,
    ground: &'g Ground,
    attempt: Attempt,
    prepare: Prepare,
}

impl Trial<'_> {
    /// Whether it gets out without these layers.
    async fn without(&self, layers: &[Layer]) -> (bool, Vec<Outcome>) {
        let place = Place::within(self.ground);
        let victims = Victims::beside(place.outside());
        let mut confinement = place.confinement();
        confinement.without = Without::these(layers);
        (self.prepare)(&place, &mut confinement);
        let work = place.folder.work();
        let before = settings_of_agents(&work);
        let cell = place.sandbox.open(confinement).unwrap();
        let mut outcomes = Vec::new();
        for script in [Some(self.attempt.script), self.attempt.then]
            .into_iter()
            .flatten()
        {
            let script = victims.fill(script, place.outside());
            outcomes.push(run(&*cell, place.shell(&script)).await);
        }
        let last = outcomes.last().unwrap();
        let is_out = match self.attempt.proof {
            Proof::Says => last.stdout.contains("ESCAPED"),
            Proof::Changes => before != settings_of_agents(&work),
            Proof::IsObeyed => is_obeyed(&place),
        };
        // What was noticed or undone has led nowhere.
        (is_out && last.exit.is_ok(), outcomes)
    }

    /// What is wrong with how it went, if anything is.
    async fn fault(&self) -> Option<String> {
        let Attempt { name, .. } = self.attempt;
        let backend = self.backend;
        let (is_out, outcomes) = self.without(&[]).await;
        if format!("{outcomes:?}").contains("NotBegun") {
            return Some(format!("{backend}: {name} was not tried: {outcomes:?}"));
        }
        let stop = self.attempt.stop(backend);
        if is_out {
            return Some(format!("{backend}: ESCAPED: {name}: {outcomes:?}"));
        }
        let Stop::By(layers) = stop else {
            return None;
        };
        let (is_out, outcomes) = self.without(layers).await;
        if !is_out {
            return Some(format!(
                "{backend}: {name} is stopped without {layers:?} as well; by {:?}: {outcomes:?}",
                self.find().await
            ));
        }
        for layer in layers.iter().filter(|_| layers.len() > 1) {
            let others: Vec<Layer> = layers.iter().copied().filter(|one| one != layer).collect();
            if self.without(&others).await.0 {
                return Some(format!(
                    "{backend}: {name} is not stopped by {layer:?} alone, without {others:?}"
                ));
            }
        }
        None
    }

    /// A set of layers each of which stops it alone, and without all of which it gets out.
    async fn find(&self) -> Option<Vec<Layer>> {
        let mut out = ALL_LAYERS.to_vec();
        if !self.without(&out).await.0 {
            return None;
        }
        // Twice: what a layer needs may have been left out when it was its turn.
        for layer in ALL_LAYERS.into_iter().chain(ALL_LAYERS) {
            let fewer: Vec<Layer> = out.iter().copied().filter(|one| *one != layer).collect();
            if self.without(&fewer).await.0 {
                out = fewer;
            }
        }
        Some(out)
    }
}

const ALL_LAYERS: [Layer; 17] = [
    Layer::Connections,
    Layer::Hosts,
    Layer::Disk,
    Layer::Sizes,
    Layer::Group,
    Layer::Limits,
    Layer::Orphans,
    Layer::Names,
    Layer::Network,
    Layer::Processes,
    Layer::Descriptors,
    Layer::Protection,
    Layer::Privileges,
    Layer::User,
    Layer::Landlock,
    Layer::View,
    Layer::Calls,
];

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
        let text = fs::read_to_string(work.join(name)).ok()?;
        Some(format!("{name}: {text}"))
    };
    names.iter().filter_map(|name| read(name)).collect()
}

/// Whether git, run by the machine in the workspace afterwards, executes what the run has left.
fn is_obeyed(place: &Place) -> bool {
    let mut git = Command::new("git");
    // Whoever uses a workspace that a run has owned must say so to git.
    git.args(["-c", "safe.directory=*", "status", "--short"])
        .current_dir(place.folder.work())
        .env_clear()
        .env("PATH", crate::place::PATH)
        .env("HOME", place.outside());
    git.output().unwrap();
    place.outside().join("obeyed").exists()
}

/// Tries all of a group on one backend.
pub fn try_all(backend: Backend, attempts: &'static [Attempt], prepare: Prepare) {
    in_a_network_of_its_own(async move {
        let (bare, ground) = (Ground::of(Backend::Process), Ground::of(backend));
        let mut faults = Vec::new();
        let mut count = 0;
        for attempt in attempts {
            let bare = Trial {
                backend: Backend::Process,
                ground: &bare,
                attempt: *attempt,
                prepare,
            };
            let (is_out, outcomes) = bare.without(&[]).await;
            if !is_out {
                faults.push(format!(
                    "{} does not succeed without a sandbox: {outcomes:?}",
                    attempt.name
                ));
            }
            let trial = Trial {
                backend,
                ground: &ground,
                ..bare
            };
            faults.extend(trial.fault().await);
            count += 1;
        }
        assert!(faults.is_empty(), "{faults:#?}");
        assert_eq!(count, attempts.len(), "fewer were tried than are listed");
    });
}

/// Nothing that is tried here leaves the machine: other addresses are the loopback's.
fn in_a_network_of_its_own(tried: impl Future<Output = ()> + Send + 'static) {
    let tried = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let ip = |arguments: &str| {
            let status = Command::new("ip").args(arguments.split(' ')).status();
            assert!(status.unwrap().success(), "ip {arguments}");
        };
        ip("link set lo up");
        for address in OTHER_ADDRESSES {
            ip(&format!("address add {address}/32 dev lo"));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        runtime.unwrap().block_on(tried);
    });
    if let Err(panic) = tried.join() {
        std::panic::resume_unwind(panic);
    }
}

pub fn as_it_is(_place: &Place, _confinement: &mut Confinement) {}

pub fn with_a_way_out(_place: &Place, confinement: &mut Confinement) {
    // Without the list of hosts everybody is on it.
    let listed = match confinement.without == Without::these(&[Layer::Hosts]) {
        true => OTHER_ADDRESSES.into_iter().chain(["127.0.0.1"]).collect(),
        false => vec!["example.com", "127.0.0.1:1"],
    };
    let hosts = Network::Hosts(listed.into_iter().map(str::to_owned).collect());
    let allowed = AllowList::of([&hosts]).unwrap();
    confinement.network = Some(Proxy::new(allowed, Guarded::default(), |_| {}));
}

pub fn with_small_limits(_place: &Place, confinement: &mut Confinement) {
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

pub fn with_a_repository(place: &Place, _confinement: &mut Confinement) {
    let work = place.folder.work();
    let made = Command::new("git")
        .args(["init", "--quiet", "."])
        .current_dir(&work)
        .status();
    assert!(made.unwrap().success());
    fs::create_dir_all(work.join(".git/hooks")).unwrap();
    fs::write(work.join("AGENTS.md"), "be good\n").unwrap();
}
