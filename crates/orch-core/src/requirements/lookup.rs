//! Sets and maps over the words that the rules know: most words of a text are looked up many times.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What is known of words: never filled with words of a text.
pub type Known<T> = HashMap<&'static str, T>;

/// A set of single words, lower case.
pub type Words = LazyLock<WordSet>;

/// Single words, lower case: never filled with words of a text.
pub type WordSet = HashSet<&'static str>;

/// The words of a list that is parted by `, `.
pub fn set(list: &'static str) -> WordSet {
    list.split(", ").collect()
}
