//! The virtual network: what is sent arrives late, twice, in another order, or never.

use orch_core::engine::Verdict;
use orch_core::ids::RunId;

use crate::chance::Chance;
use crate::user::Wish;

/// Who can be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    Replica(usize),
    Agent(usize),
    User,
}

/// A run as its holder knows it.
pub type Hold = (RunId, u64);

#[derive(Clone, Debug)]
pub enum Message {
    /// An agent is here: which life of it, and what it works on.
    Beat {
        life: u32,
        holds: Vec<Hold>,
    },
    Complete {
        hold: Hold,
        verdict: Verdict,
    },
    /// The agent asks a person, and gives the run back until the answer is there.
    Ask {
        hold: Hold,
    },
    /// The replica heard a beat.
    Pong,
    Assign {
        hold: Hold,
    },
    /// What the agent said of a run was taken in, or refused for good.
    Answered {
        hold: Hold,
    },
    Wish(Wish),
}

/// How bad the network is.
#[derive(Clone, Debug)]
pub struct Weather {
    pub loss_percent: u64,
    pub duplicate_percent: u64,
    /// Delays spread up to this, so that messages overtake each other.
    pub longest_delay_us: u64,
}

impl Weather {
    pub fn fine() -> Self {
        Self {
            loss_percent: 0,
            duplicate_percent: 0,
            longest_delay_us: 5_000,
        }
    }
}

pub struct Network {
    pub weather: Weather,
    /// Pairs that cannot reach each other.
    pub cut: Vec<(Node, Node)>,
}

impl Network {
    /// The delays after which a message arrives: none, one, or two.
    pub fn deliveries(&self, chance: &mut Chance, from: Node, to: Node) -> Vec<u64> {
        let is_cut = self
            .cut
            .iter()
            .any(|pair| *pair == (from, to) || *pair == (to, from));
        if is_cut || chance.percent(self.weather.loss_percent) {
            return Vec::new();
        }
        let copies = 1 + u64::from(chance.percent(self.weather.duplicate_percent));
        (0..copies)
            .map(|_| {
                // Mostly quick, now and then very late.
                let longest = self.weather.longest_delay_us;
                if chance.percent(80) {
                    chance.range(100..=100 + longest / 20)
                } else {
                    chance.range(100..=100 + longest)
                }
            })
            .collect()
    }
}
