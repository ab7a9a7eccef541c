//! By what entries of an answer are found again in the version before, and in the next answer.

use std::collections::{HashMap, HashSet};

use crate::requirements::slug;

/// The keys of one kind of entries: each is given once.
#[derive(Debug)]
pub struct Keys<'p> {
    by_id: HashMap<&'p str, &'p str>,
    by_title: HashMap<&'p str, &'p str>,
    known: HashSet<&'p str>,
    given: HashSet<String>,
}

impl<'p> Keys<'p> {
    /// For the entries of the version before: id, title and key of each.
    pub fn of(before: impl Iterator<Item = (&'p str, &'p str, &'p str)>) -> Self {
        let mut keys = Self {
            by_id: HashMap::new(),
            by_title: HashMap::new(),
            known: HashSet::new(),
            given: HashSet::new(),
        };
        for (id, title, key) in before.filter(|(_, _, key)| !key.is_empty()) {
            keys.by_id.insert(id, key);
            keys.by_title.entry(title).or_insert(key);
            keys.known.insert(key);
        }
        keys
    }

    /// The key of an entry that the answer calls `name`: that of the entry of before with this id, with
    /// this name or with this title, else one made of the name.
    pub fn give(&mut self, name: &str, title: &str) -> String {
        let own = format!("model/{}", slug(name));
        let by_name = self.known.contains(own.as_str()).then_some(own.as_str());
        let before = [
            self.by_id.get(name).copied(),
            by_name,
            self.by_title.get(title).copied(),
            Some(own.as_str()),
        ];
        let free = before
            .into_iter()
            .flatten()
            .find(|key| !self.given.contains(*key))
            .map(str::to_owned);
        let key = free.unwrap_or_else(|| {
            let more = (2..).map(|number: u32| format!("{own}-{number}"));
            let mut more = more.filter(|key| !self.given.contains(key));
            more.next().unwrap_or(own)
        });
        self.given.insert(key.clone());
        key
    }
}
