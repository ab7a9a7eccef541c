//! An agent: works on runs in its slots, crashes, is stopped and goes on, changes its replica.

use std::collections::{BTreeMap, BTreeSet};

use orch_core::engine::Verdict;
use orch_core::ids::{AgentName, RunId};

use crate::network::{Hold, Message, Node};
use crate::world::{Timer, World};

const BEAT_US: u64 = 1_000_000;
const SAY_AGAIN_US: u64 = 3_000_000;
/// Without a word of its replica for so long, an agent tries another.
const REPLICA_LOST_US: i64 = 4_000_000;

/// What an agent has to say about a run, once it has worked on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Doing,
    Done(Verdict),
    Asking,
}

pub struct Agent {
    pub name: AgentName,
    pub slots: usize,
    pub up: bool,
    pub life: u32,
    pub stopped_until: i64,
    replica: usize,
    heard_at: i64,
    work: BTreeMap<RunId, (u64, Work)>,
    /// Never worked on twice in one life.
    seen: BTreeSet<Hold>,
}

impl Agent {
    pub fn new(index: usize, slots: usize) -> Self {
        Self {
            name: AgentName::parse(&format!("agent-{index}")).unwrap(),
            slots,
            up: true,
            life: 1,
            stopped_until: 0,
            replica: index,
            heard_at: 0,
            work: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }
}

impl World {
    pub fn agent_crashes(&mut self, index: usize, back_in_us: u64) {
        let agent = &mut self.agents[index];
        if agent.up {
            agent.up = false;
            agent.work.clear();
            agent.seen.clear();
            self.after(back_in_us, Node::Agent(index), Timer::Restart);
        }
    }

    pub fn agent_restarts(&mut self, index: usize) {
        let agent = &mut self.agents[index];
        agent.up = true;
        agent.life += 1;
        agent.heard_at = self.now;
        self.agent_beats(index);
    }

    pub fn agent_beats(&mut self, index: usize) {
        let replicas = self.replicas.len();
        let agent = &mut self.agents[index];
        if self.now - agent.heard_at > REPLICA_LOST_US {
            agent.replica += 1;
            agent.heard_at = self.now;
        }
        let holds = agent.work.iter().map(|(run, (epoch, _))| (*run, *epoch));
        let beat = Message::Beat {
            life: agent.life,
            holds: holds.collect(),
        };
        let to = Node::Replica(agent.replica % replicas);
        self.send(Node::Agent(index), to, beat);
        self.after(BEAT_US, Node::Agent(index), Timer::Beat);
    }

    pub fn agent_hears(&mut self, index: usize, message: Message) {
        match message {
            Message::Pong => self.agents[index].heard_at = self.now,
            Message::Assign { hold } => self.agent_takes(index, hold),
            Message::Answered { hold: (run, epoch) } => {
                let work = &mut self.agents[index].work;
                if work.get(&run).is_some_and(|(held, _)| *held <= epoch) {
                    work.remove(&run);
                }
            }
            Message::Beat { .. }
            | Message::Complete { .. }
            | Message::Ask { .. }
            | Message::Wish(_) => {}
        }
    }

    fn agent_takes(&mut self, index: usize, hold: Hold) {
        let agent = &mut self.agents[index];
        let newer_known = agent
            .work
            .get(&hold.0)
            .is_some_and(|(epoch, _)| *epoch > hold.1);
        if newer_known || !agent.seen.insert(hold) {
            return;
        }
        agent.work.insert(hold.0, (hold.1, Work::Doing));
        let longest = self.scenario.longest_work_us;
        let takes = self.chance.range(10_000..=longest);
        self.after(takes, Node::Agent(index), Timer::WorkEnds(hold));
    }

    pub fn agent_work_ends(&mut self, index: usize, hold: Hold) {
        let said = if self.healed || !self.chance.percent(self.scenario.trouble_percent) {
            Work::Done(Verdict::Success)
        } else if self.chance.percent(70) {
            Work::Done(Verdict::Failure)
        } else {
            Work::Asking
        };
        if let Some((epoch, work)) = self.agents[index].work.get_mut(&hold.0)
            && *epoch == hold.1
        {
            *work = said;
            self.agent_says(index, hold);
        }
    }

    /// Says what became of a run, until it is answered.
    pub fn agent_says(&mut self, index: usize, hold: Hold) {
        let agent = &self.agents[index];
        let message = match agent.work.get(&hold.0) {
            Some((epoch, Work::Done(verdict))) if *epoch == hold.1 => Message::Complete {
                hold,
                verdict: *verdict,
            },
            Some((epoch, Work::Asking)) if *epoch == hold.1 => Message::Ask { hold },
            Some(_) | None => return,
        };
        let to = Node::Replica(agent.replica % self.replicas.len());
        self.send(Node::Agent(index), to, message);
        self.after(SAY_AGAIN_US, Node::Agent(index), Timer::SayAgain(hold));
    }
}
