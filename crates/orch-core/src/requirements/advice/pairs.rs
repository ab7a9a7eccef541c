//! Pairs of items that rules find, and how much they may compare for it: the work is bounded however many
//! statements a text makes, and what is not named is counted.

use std::collections::HashSet;

/// Pairs that are named; a text with more is not read sentence by sentence anyway.
const MOST_NAMED: usize = 50;
/// Pairs that each rule keeps to choose the first of.
const MOST_KEPT: usize = 500;
/// Comparisons of each rule.
const MOST_COMPARISONS: usize = 40_000;
/// Words that are compared for the price of one comparison.
const WORDS_OF_A_COMPARISON: usize = 32;

/// What was found so far.
#[derive(Debug, Default)]
pub struct Pairs {
    kept: Vec<(usize, usize, String)>,
    /// Of the rule that compares now.
    kept_of_rule: usize,
    compared_by_rule: usize,
    /// Of the rules before.
    #[cfg(test)]
    compared: usize,
    /// Found and not kept.
    more: usize,
    /// Not compared, for there are too many.
    left_out: usize,
}

impl Pairs {
    /// The next rule begins.
    pub fn start(&mut self) {
        #[cfg(test)]
        {
            self.compared += self.compared_by_rule;
        }
        self.compared_by_rule = 0;
        self.kept_of_rule = 0;
    }

    /// Whether the rule may compare two more statements, which have so many words.
    pub fn may_compare(&mut self, words: usize) -> bool {
        if self.compared_by_rule >= MOST_COMPARISONS {
            return false;
        }
        self.compared_by_rule += 1 + words / WORDS_OF_A_COMPARISON;
        true
    }

    /// Keeps a pair, or counts it where there are many already.
    pub fn add(&mut self, a: usize, b: usize, why: impl FnOnce() -> String) {
        if self.kept_of_rule < MOST_KEPT {
            self.kept_of_rule += 1;
            self.kept.push((a.min(b), a.max(b), why()));
        } else {
            self.more += 1;
        }
    }

    /// So many pairs were found and are not looked at one by one.
    pub const fn count(&mut self, pairs: usize) {
        self.more += pairs;
    }

    /// So many statements or pairs were not compared.
    pub const fn leave_out(&mut self, statements: usize) {
        self.left_out += statements;
    }

    /// How many comparisons there were.
    #[cfg(test)]
    pub const fn compared(&self) -> usize {
        self.compared + self.compared_by_rule
    }

    /// What is not named, in words.
    pub fn rest(&self) -> Option<String> {
        let pairs: HashSet<(usize, usize)> = self.kept.iter().map(|(a, b, _)| (*a, *b)).collect();
        let more = self.more + pairs.len().saturating_sub(MOST_NAMED);
        match (more, self.left_out) {
            (0, 0) => None,
            (0, _) => Some(
                "so many statements are on one matter that not all of them were compared with each other"
                    .to_owned(),
            ),
            (more, left_out) => {
                let least = if left_out == 0 { "" } else { "at least " };
                let plural = if more == 1 { "pair does" } else { "pairs do" };
                Some(format!(
                    "{least}{more} more {plural} not go together: the first {MOST_NAMED} are named"
                ))
            }
        }
    }

    /// The first pairs, each once, with the reason.
    pub fn named(mut self) -> Vec<(usize, usize, String)> {
        self.kept.sort();
        let mut named = HashSet::new();
        self.kept.retain(|(a, b, _)| named.insert((*a, *b)));
        self.kept.truncate(MOST_NAMED);
        self.kept
    }
}
