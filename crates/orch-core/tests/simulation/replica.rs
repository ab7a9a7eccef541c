//! A server replica: takes what agents and people say, hands work out, takes it back from agents
//! that are gone. Its sessions are in memory; everything else is in the database.

use std::collections::BTreeMap;

use orch_core::ids::RunId;
use orch_core::time::Timestamp;

use crate::database::{Op, Reply, TTL};
use crate::network::{Hold, Message, Node};
use crate::oracle::Violation;
use crate::user::Wish;
use crate::world::{Timer, World};

const LOOK_US: u64 = 500_000;
const SILENT_AGENT_US: i64 = 5_000_000;

pub struct Replica {
    pub up: bool,
    pub life: u32,
    /// How far its wall clock is off.
    pub clock_off_us: i64,
    sessions: BTreeMap<usize, Session>,
}

struct Session {
    life: u32,
    heard_at: i64,
    renewed_at: i64,
}

impl Replica {
    pub fn new() -> Self {
        Self {
            up: true,
            life: 1,
            clock_off_us: 0,
            sessions: BTreeMap::new(),
        }
    }
}

impl World {
    pub fn replica_crashes(&mut self, index: usize, back_in_us: u64) {
        let replica = &mut self.replicas[index];
        if replica.up {
            replica.up = false;
            replica.sessions.clear();
            self.after(back_in_us, Node::Replica(index), Timer::Restart);
        }
    }

    pub fn replica_restarts(&mut self, index: usize) {
        let replica = &mut self.replicas[index];
        replica.up = true;
        replica.life += 1;
        self.after(1_000, Node::Replica(index), Timer::Look);
    }

    /// Commits at the replica's own clock. `None` when it crashed before it could tell anybody.
    fn commit_at(&mut self, index: usize, op: &Op) -> Result<Option<Reply>, Violation> {
        let now = self.now + self.replicas[index].clock_off_us;
        let reply = self.commit(op, Timestamp::from_micros(now))?;
        if !self.healed && self.chance.range(1..=2_000) <= self.scenario.crash_per_2000_commits {
            self.note(format_args!("replica {index} crashes right after a commit"));
            let back_in = self.chance.range(500_000..=10_000_000);
            self.replica_crashes(index, back_in);
            return Ok(None);
        }
        Ok(reply)
    }

    pub fn replica_hears(
        &mut self,
        index: usize,
        from: Node,
        message: Message,
    ) -> Result<(), Violation> {
        match (from, message) {
            (Node::Agent(agent), Message::Beat { life, holds }) => {
                self.replica_hears_beat(index, agent, life, &holds)
            }
            (Node::Agent(agent), Message::Complete { hold, verdict }) => {
                let name = self.agents[agent].name.clone();
                let op = Op::Complete {
                    agent: name,
                    hold,
                    verdict,
                };
                self.replica_answers(index, agent, hold, &op)
            }
            (Node::Agent(agent), Message::Ask { hold }) => {
                self.replica_answers(index, agent, hold, &Op::Ask { hold })
            }
            (_, Message::Wish(wish)) => {
                for op in wish.ops(&self.db) {
                    let reply = self.commit_at(index, &op)?;
                    if let (Wish::Claim { works_us, .. }, Some(Reply::Runs(runs))) = (&wish, reply)
                    {
                        for run in runs {
                            let hold = (run.id, run.epoch);
                            let ends = Wish::ClaimEnds { hold };
                            self.after(*works_us, Node::User, Timer::Wish(ends));
                        }
                    }
                }
                self.wake_replicas();
                Ok(())
            }
            (_, _) => Ok(()),
        }
    }

    /// Takes the last word on a hold in. Accepted or refused for good: the agent may forget it.
    fn replica_answers(
        &mut self,
        index: usize,
        agent: usize,
        hold: Hold,
        op: &Op,
    ) -> Result<(), Violation> {
        self.commit_at(index, op)?;
        if self.replicas[index].up {
            let answer = Message::Answered { hold };
            self.send(Node::Replica(index), Node::Agent(agent), answer);
        }
        self.wake_replicas();
        Ok(())
    }

    fn replica_hears_beat(
        &mut self,
        index: usize,
        agent: usize,
        life: u32,
        holds: &[Hold],
    ) -> Result<(), Violation> {
        let now = self.now;
        let sessions = &mut self.replicas[index].sessions;
        let known = sessions.get(&agent).map(|session| session.life);
        if known.is_some_and(|known| known > life) {
            return Ok(());
        }
        let renewed_at = sessions.get(&agent).map_or(0, |session| session.renewed_at);
        let session = Session {
            life,
            heard_at: now,
            renewed_at,
        };
        sessions.insert(agent, session);
        let name = self.agents[agent].name.clone();
        let missing: Vec<Hold> = self
            .db
            .holds_of(&name)
            .into_iter()
            .filter(|hold| !holds.contains(hold))
            .collect();
        if known == Some(life) {
            // An assignment was lost, or has not arrived yet: a second one does no harm.
            for hold in missing {
                let again = Message::Assign { hold };
                self.send(Node::Replica(index), Node::Agent(agent), again);
            }
        } else {
            // It came, or came back, without them.
            for (run, _) in missing {
                let agent = name.clone();
                self.commit_at(index, &Op::EndHold { run, agent })?;
            }
            self.wake_replica(index);
        }
        self.send(Node::Replica(index), Node::Agent(agent), Message::Pong);
        Ok(())
    }

    /// One look at everything, on a timer or woken.
    pub fn replica_looks(&mut self, index: usize) -> Result<(), Violation> {
        self.expire_leases(index)?;
        self.end_silent_sessions(index)?;
        self.renew_leases(index)?;
        self.fill_slots(index)
    }

    pub fn look_again(&mut self, index: usize) {
        self.after(LOOK_US, Node::Replica(index), Timer::Look);
    }

    fn expire_leases(&mut self, index: usize) -> Result<(), Violation> {
        let now = Timestamp::from_micros(self.now + self.replicas[index].clock_off_us);
        let lapsed: Vec<RunId> = self
            .db
            .open_runs()
            .filter(|run| run.lease().is_some_and(|lease| lease.until <= now))
            .map(|run| run.id)
            .collect();
        for run in lapsed {
            self.commit_at(index, &Op::Expire(run))?;
        }
        Ok(())
    }

    fn end_silent_sessions(&mut self, index: usize) -> Result<(), Violation> {
        let now = self.now;
        let sessions = &mut self.replicas[index].sessions;
        let silent: Vec<usize> = sessions
            .iter()
            .filter(|(_, session)| now - session.heard_at > SILENT_AGENT_US)
            .map(|(agent, _)| *agent)
            .collect();
        for agent in silent {
            self.replicas[index].sessions.remove(&agent);
            let name = self.agents[agent].name.clone();
            for (run, _) in self.db.holds_of(&name) {
                let agent = name.clone();
                self.commit_at(index, &Op::EndHold { run, agent })?;
            }
        }
        Ok(())
    }

    fn renew_leases(&mut self, index: usize) -> Result<(), Violation> {
        let third = i64::try_from(TTL.as_micros()).unwrap() / 3;
        let agents: Vec<usize> = self.replicas[index].sessions.keys().copied().collect();
        for agent in agents {
            let now = self.now;
            match self.replicas[index].sessions.get_mut(&agent) {
                Some(session) if now - session.renewed_at >= third => session.renewed_at = now,
                Some(_) | None => continue,
            }
            let name = self.agents[agent].name.clone();
            for hold in self.db.holds_of(&name) {
                let agent = name.clone();
                self.commit_at(index, &Op::Renew { agent, hold })?;
            }
        }
        Ok(())
    }

    fn fill_slots(&mut self, index: usize) -> Result<(), Violation> {
        let agents: Vec<usize> = self.replicas[index].sessions.keys().copied().collect();
        for agent in agents {
            let name = self.agents[agent].name.clone();
            let held = self.db.holds_of(&name).len();
            let slots = self.agents[agent].slots.saturating_sub(held);
            if slots == 0 || !self.replicas[index].up {
                continue;
            }
            let op = Op::Dispatch { agent: name, slots };
            let Some(Reply::Runs(runs)) = self.commit_at(index, &op)? else {
                continue;
            };
            for run in runs {
                let hold = (run.id, run.epoch);
                let assign = Message::Assign { hold };
                self.send(Node::Replica(index), Node::Agent(agent), assign);
            }
        }
        Ok(())
    }
}
