//! Sets and maps over the words that the rules know. Keys come from this program alone, so a plain hash
//! serves: most words of a text are looked up many times, and nobody can make keys collide.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// FNV-1a.
#[derive(Debug, Clone, Copy)]
pub struct WordHasher(u64);

impl Default for WordHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut hash = self.0;
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.0 = hash;
    }
}

/// What is known of words: never filled with words of a text.
pub type Known<T> = HashMap<&'static str, T, BuildHasherDefault<WordHasher>>;

/// A set of single words, lower case.
pub type Words = LazyLock<WordSet>;

/// Single words, lower case: never filled with words of a text.
pub type WordSet = HashSet<&'static str, BuildHasherDefault<WordHasher>>;

/// The words of a list that is parted by `, `.
pub fn set(list: &'static str) -> WordSet {
    list.split(", ").collect()
}
