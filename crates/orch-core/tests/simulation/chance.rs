//! Chance: every choice of a simulated world comes from one seeded stream.

use std::ops::RangeInclusive;

use orch_core::entropy::Entropy;

pub struct Chance(Entropy);

impl Chance {
    pub fn seeded(seed: u64) -> Self {
        Self(Entropy::seeded(seed))
    }

    pub fn range(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        low + self.0.next_u64() % (high - low + 1)
    }

    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.range(0..=length as u64 - 1)).unwrap()
    }

    pub fn percent(&mut self, percent: u64) -> bool {
        self.range(1..=100) <= percent
    }
}
