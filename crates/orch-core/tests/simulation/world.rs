//! The simulated world: a virtual clock and one queue of events. Everything that happens is a
//! function of the seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use orch_core::engine::Refusal;
use orch_core::time::Timestamp;

use crate::agent::Agent;
use crate::chance::Chance;
use crate::database::{Database, Op, Reply};
use crate::mutant::Mutant;
use crate::network::{Hold, Message, Network, Node, Weather};
use crate::oracle::{Oracle, Violation, violated};
use crate::replica::Replica;
use crate::scenario::{SECOND, Scenario};
use crate::trace::Trace;
use crate::user::Wish;

/// After healing: leases of a clock that was five minutes ahead must run out first.
const FINISHED_WITHIN_US: i64 = 1_800 * 1_000_000;
/// A lapsed lease is taken back so soon, when a replica is there.
const LAPSED_LEASE_US: i64 = 2_000_000;

#[derive(Clone, Debug)]
pub enum Timer {
    Restart,
    Beat,
    WorkEnds(Hold),
    SayAgain(Hold),
    Look,
    Wish(Wish),
    Fault(Fault),
    Heal,
}

#[derive(Clone, Debug)]
pub enum Fault {
    AgentCrash { agent: usize, back_in_us: u64 },
    AgentStop { agent: usize, for_us: u64 },
    ReplicaCrash { replica: usize, back_in_us: u64 },
    ClockStep { replica: usize, to_us: i64 },
    Cut { one: Node, other: Node },
    Mend,
}

#[derive(Debug)]
enum What {
    Arrives { from: Node, message: Message },
    Timer { life: u32, timer: Timer },
}

struct Event {
    at: i64,
    number: u64,
    node: Node,
    what: What,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Event {}
impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

pub struct World {
    /// True time, in microseconds.
    pub now: i64,
    pub scenario: Scenario,
    pub chance: Chance,
    pub db: Database,
    pub replicas: Vec<Replica>,
    pub agents: Vec<Agent>,
    pub healed: bool,
    network: Network,
    oracle: Oracle,
    trace: Trace,
    events: BinaryHeap<Reverse<Event>>,
    numbers: u64,
    /// Since when a replica was there without a break.
    served_since: Option<i64>,
    pub commits: u64,
    /// How often each kind of event and each refusal came.
    seen: BTreeMap<&'static str, u64>,
}

/// How a world ended.
pub struct Ended {
    pub violation: Option<Violation>,
    pub hash: String,
    pub last_lines: String,
    pub commits: u64,
    pub runs: usize,
    pub seen: BTreeMap<&'static str, u64>,
}

/// Runs the world of a seed to its end.
pub fn run(seed: u64, mutant: Mutant, loud: bool) -> Ended {
    let mut world = World::new(seed, mutant, loud);
    let violation = world.live().err();
    Ended {
        violation,
        hash: world.trace.hash(),
        last_lines: world.trace.last_lines(),
        commits: world.commits,
        runs: world.db.w.runs.len(),
        seen: world.seen,
    }
}

impl World {
    fn new(seed: u64, mutant: Mutant, loud: bool) -> Self {
        let mut chance = Chance::seeded(seed);
        let scenario = Scenario::random(&mut chance);
        let mut db = Database::new(chance.range(0..=u64::MAX - 1), scenario.rules(), mutant);
        for project in &scenario.projects {
            db.w.projects.insert(project.id, project.clone());
        }
        let agents = scenario.agents.iter().enumerate();
        let mut world = Self {
            now: scenario.start.as_micros(),
            replicas: (0..scenario.replicas).map(|_| Replica::new()).collect(),
            agents: agents
                .map(|(index, slots)| Agent::new(index, *slots))
                .collect(),
            network: Network {
                weather: scenario.weather.clone(),
                cut: Vec::new(),
            },
            scenario,
            chance,
            db,
            healed: false,
            oracle: Oracle::default(),
            trace: Trace::new(loud),
            events: BinaryHeap::new(),
            numbers: 0,
            served_since: None,
            commits: 0,
            seen: BTreeMap::new(),
        };
        world.plan();
        world
    }

    /// Plans everything that comes from outside.
    fn plan(&mut self) {
        for index in 0..self.replicas.len() {
            self.after(1_000, Node::Replica(index), Timer::Look);
        }
        for index in 0..self.agents.len() {
            self.after(2_000, Node::Agent(index), Timer::Beat);
        }
        let projects = self.scenario.projects.len();
        let heals_at = self.scenario.heals_at_us;
        for number in 0..self.scenario.backlog {
            // The first project has most of it.
            let index = if number % 4 == 0 {
                self.chance.index(projects)
            } else {
                0
            };
            let project = self.scenario.projects[index].id;
            let wish = Wish::add(&mut self.chance, project);
            let at = self.chance.range(0..=SECOND);
            self.after(at, Node::User, Timer::Wish(wish));
        }
        for _ in 0..self.scenario.wishes {
            let wish = Wish::random(&mut self.chance, projects);
            let at = self.chance.range(0..=heals_at);
            self.after(at, Node::User, Timer::Wish(wish));
        }
        for _ in 0..self.scenario.faults {
            self.plan_fault(heals_at);
        }
        if self.scenario.clocks_step {
            for replica in 0..self.replicas.len() {
                let to_us =
                    i64::try_from(self.chance.range(0..=600 * SECOND)).unwrap() - 300_000_000;
                let fault = Fault::ClockStep { replica, to_us };
                let at = self.chance.range(0..=heals_at);
                self.after(at, Node::User, Timer::Fault(fault));
            }
        }
        self.after(heals_at, Node::User, Timer::Heal);
    }

    fn plan_fault(&mut self, heals_at: u64) {
        let at = self.chance.range(0..=heals_at);
        let agent = self.chance.index(self.agents.len());
        let replica = self.chance.index(self.replicas.len());
        let lasts = self.chance.range(SECOND..=30 * SECOND);
        let fault = match self.chance.range(0..=9) {
            0..=2 => Fault::AgentCrash {
                agent,
                back_in_us: lasts,
            },
            3..=4 => Fault::AgentStop {
                agent,
                for_us: lasts,
            },
            5..=6 => Fault::ReplicaCrash {
                replica,
                back_in_us: lasts,
            },
            _ => {
                self.after(at + lasts, Node::User, Timer::Fault(Fault::Mend));
                Fault::Cut {
                    one: Node::Agent(agent),
                    other: Node::Replica(replica),
                }
            }
        };
        self.after(at, Node::User, Timer::Fault(fault));
    }

    fn live(&mut self) -> Result<(), Violation> {
        let ends_at =
            self.now + i64::try_from(self.scenario.heals_at_us).unwrap() + FINISHED_WITHIN_US;
        while let Some(Reverse(event)) = self.events.pop() {
            self.now = event.at;
            if self.now > ends_at {
                return Oracle::at_the_end(&self.db);
            }
            let commits = self.commits;
            self.happen(event)?;
            if self.healed && self.commits > commits && self.is_finished() {
                return Ok(());
            }
            self.check_lapsed()?;
        }
        violated("the world goes on", "no event is left")
    }

    fn is_finished(&self) -> bool {
        Oracle::at_the_end(&self.db).is_ok() && self.db.open_runs().next().is_none()
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        if let Node::Agent(index) = event.node {
            let stopped_until = self.agents[index].stopped_until;
            if stopped_until > self.now {
                // It hears everything when it goes on.
                self.push(stopped_until, event.node, event.what);
                return Ok(());
            }
        }
        match event.what {
            What::Arrives { from, message } => self.arrives(event.node, from, message),
            What::Timer { life, timer } => self.rings(event.node, life, timer),
        }
    }

    fn arrives(&mut self, to: Node, from: Node, message: Message) -> Result<(), Violation> {
        self.trace
            .add(self.now, format_args!("{from:?} -> {to:?} {message:?}"));
        match to {
            Node::Replica(index) if self.replicas[index].up => {
                self.replica_hears(index, from, message)
            }
            Node::Agent(index) if self.agents[index].up => {
                self.agent_hears(index, message);
                Ok(())
            }
            Node::Replica(_) | Node::Agent(_) | Node::User => Ok(()),
        }
    }

    fn rings(&mut self, node: Node, life: u32, timer: Timer) -> Result<(), Violation> {
        let (alive, up) = match node {
            Node::Replica(index) => (self.replicas[index].life, self.replicas[index].up),
            Node::Agent(index) => (self.agents[index].life, self.agents[index].up),
            Node::User => (0, true),
        };
        let restarts = matches!(timer, Timer::Restart);
        if life != alive || up == restarts {
            return Ok(());
        }
        match (node, timer) {
            (Node::Replica(index), Timer::Restart) => self.replica_restarts(index),
            (Node::Replica(index), Timer::Look) => {
                self.replica_looks(index)?;
                self.look_again(index);
            }
            (Node::Replica(index), Timer::Beat) => self.replica_looks(index)?,
            (Node::Agent(index), Timer::Restart) => self.agent_restarts(index),
            (Node::Agent(index), Timer::Beat) => self.agent_beats(index),
            (Node::Agent(index), Timer::WorkEnds(hold)) => self.agent_work_ends(index, hold),
            (Node::Agent(index), Timer::SayAgain(hold)) => self.agent_says(index, hold),
            (Node::User, Timer::Wish(wish)) => {
                let to = Node::Replica(self.chance.index(self.replicas.len()));
                if matches!(wish, Wish::ClearUp) {
                    self.after(2 * SECOND, Node::User, Timer::Wish(Wish::ClearUp));
                }
                self.send(Node::User, to, Message::Wish(wish));
            }
            (Node::User, Timer::Fault(fault)) => self.fault(&fault),
            (Node::User, Timer::Heal) => self.heal(),
            (_, _) => {}
        }
        Ok(())
    }

    fn fault(&mut self, fault: &Fault) {
        if self.healed {
            return;
        }
        self.note(format_args!("{fault:?}"));
        match *fault {
            Fault::AgentCrash { agent, back_in_us } => self.agent_crashes(agent, back_in_us),
            Fault::AgentStop { agent, for_us } => {
                self.agents[agent].stopped_until = self.now + i64::try_from(for_us).unwrap();
            }
            Fault::ReplicaCrash {
                replica,
                back_in_us,
            } => self.replica_crashes(replica, back_in_us),
            Fault::ClockStep { replica, to_us } => self.replicas[replica].clock_off_us = to_us,
            Fault::Cut { one, other } => self.network.cut.push((one, other)),
            Fault::Mend => {
                self.network.cut.pop();
            }
        }
    }

    fn heal(&mut self) {
        self.note(format_args!("healed"));
        self.healed = true;
        self.network.weather = Weather::fine();
        self.network.cut.clear();
        for replica in &mut self.replicas {
            replica.clock_off_us = 0;
        }
        self.after(0, Node::User, Timer::Wish(Wish::ClearUp));
    }

    /// Commits, and checks every invariant.
    pub fn commit(&mut self, op: &Op, now: Timestamp) -> Result<Option<Reply>, Violation> {
        let commit = self.db.commit(op, now);
        self.commits += 1;
        match &commit.answer {
            Ok(Reply::Runs(runs)) => {
                let runs: Vec<Hold> = runs.iter().map(|run| (run.id, run.epoch)).collect();
                self.note(format_args!("{op:?} = {runs:?}"));
            }
            Ok(reply) => self.note(format_args!("{op:?} = {reply:?}")),
            Err(refusal) => {
                if let Refusal::Conflict { code, .. } = refusal {
                    *self.seen.entry(code).or_default() += 1;
                }
                self.note(format_args!("{op:?} ! {refusal}"));
            }
        }
        for (_, event) in &commit.changes.events {
            *self.seen.entry(event.kind).or_default() += 1;
            self.trace.add(
                self.now,
                format_args!("  {} {}", event.kind, event.data.as_str()),
            );
        }
        self.oracle.check(&self.db, op, &commit, now)?;
        Ok(commit.answer.ok())
    }

    /// A lease that ran out is not left standing while a replica looks.
    fn check_lapsed(&mut self) -> Result<(), Violation> {
        if !self.replicas.iter().any(|replica| replica.up) || self.scenario.clocks_step {
            self.served_since = None;
            return Ok(());
        }
        let since = *self.served_since.get_or_insert(self.now);
        let bound = Timestamp::from_micros(self.now - LAPSED_LEASE_US);
        if since > bound.as_micros() {
            return Ok(());
        }
        let lapsed = self.db.open_runs().find(|run| {
            let late = |lease: &orch_core::run::Lease| lease.until < bound;
            run.lease().is_some_and(late)
        });
        match lapsed {
            None => Ok(()),
            Some(run) => violated("a lapsed lease is taken back", format!("run {}", run.id)),
        }
    }

    pub fn note(&mut self, what: std::fmt::Arguments<'_>) {
        self.trace.add(self.now, what);
    }

    /// Replicas look at once, when they hear of a change in time.
    pub fn wake_replicas(&mut self) {
        for index in 0..self.replicas.len() {
            if self.chance.percent(80) {
                self.wake_replica(index);
            }
        }
    }

    pub fn wake_replica(&mut self, index: usize) {
        let soon = self.chance.range(100..=5_000);
        self.after(soon, Node::Replica(index), Timer::Beat);
    }

    pub fn send(&mut self, from: Node, to: Node, message: Message) {
        for delay in self.network.deliveries(&mut self.chance, from, to) {
            let message = message.clone();
            let at = self.now + i64::try_from(delay).unwrap();
            self.push(at, to, What::Arrives { from, message });
        }
    }

    pub fn after(&mut self, delay_us: u64, node: Node, timer: Timer) {
        let life = match node {
            Node::Replica(index) => self.replicas[index].life,
            Node::Agent(index) => self.agents[index].life,
            Node::User => 0,
        };
        let at = self.now + i64::try_from(delay_us).unwrap();
        self.push(at, node, What::Timer { life, timer });
    }

    fn push(&mut self, at: i64, node: Node, what: What) {
        self.numbers += 1;
        let number = self.numbers;
        self.events.push(Reverse(Event {
            at,
            number,
            node,
            what,
        }));
    }
}
