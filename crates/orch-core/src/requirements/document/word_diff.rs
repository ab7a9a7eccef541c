//! The words of a text that changed: the longest common run of words stays, the rest was removed or
//! added. Texts whose middles are too long to compare are shown as replaced.

use serde::{Deserialize, Serialize};

/// A run of words and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordChange {
    pub change: Change,
    pub text: String,
}

/// What became of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Same,
    Removed,
    Added,
}

/// Cells of the table that two middles are compared in.
const MOST_CELLS: usize = 40_000;

/// The runs of words that lead from `before` to `after`.
pub fn word_changes(before: &str, after: &str) -> Vec<WordChange> {
    let old: Vec<&str> = before.split_whitespace().collect();
    let new: Vec<&str> = after.split_whitespace().collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..]
        .iter()
        .rev()
        .zip(new[head..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old_middle, new_middle) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut runs = Runs::default();
    runs.add(Change::Same, &old[..head]);
    if old_middle.len() * new_middle.len() > MOST_CELLS {
        runs.add(Change::Removed, old_middle);
        runs.add(Change::Added, new_middle);
    } else {
        compare(old_middle, new_middle, &mut runs);
    }
    runs.add(Change::Same, &old[old.len() - tail..]);
    runs.0
}

#[derive(Default)]
struct Runs(Vec<WordChange>);

impl Runs {
    fn add(&mut self, change: Change, words: &[&str]) {
        if words.is_empty() {
            return;
        }
        let text = words.join(" ");
        match self.0.last_mut() {
            Some(last) if last.change == change => {
                last.text.push(' ');
                last.text.push_str(&text);
            }
            Some(_) | None => self.0.push(WordChange { change, text }),
        }
    }
}

fn compare(old: &[&str], new: &[&str], runs: &mut Runs) {
    let width = new.len() + 1;
    // The length of the longest common subsequence of what follows each place.
    let mut common = vec![0u32; (old.len() + 1) * width];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a * width + b] = if old[a] == new[b] {
                common[(a + 1) * width + b + 1] + 1
            } else {
                common[(a + 1) * width + b].max(common[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    while a < old.len() && b < new.len() {
        if old[a] == new[b] {
            runs.add(Change::Same, &old[a..=a]);
            (a, b) = (a + 1, b + 1);
        } else if common[(a + 1) * width + b] >= common[a * width + b + 1] {
            runs.add(Change::Removed, &old[a..=a]);
            a += 1;
        } else {
            runs.add(Change::Added, &new[b..=b]);
            b += 1;
        }
    }
    runs.add(Change::Removed, &old[a..]);
    runs.add(Change::Added, &new[b..]);
}

#[cfg(test)]
mod tests {
    use super::{Change, word_changes};

    #[test]
    fn words_that_stay_are_told_from_those_that_change() {
        let found: Vec<_> =
            word_changes("It must be fast and red", "It should be fast, blue and red")
                .into_iter()
                .map(|run| (run.change, run.text))
                .collect();
        let run = |change, text: &str| (change, text.to_owned());
        assert_eq!(
            found,
            [
                run(Change::Same, "It"),
                run(Change::Removed, "must"),
                run(Change::Added, "should"),
                run(Change::Same, "be"),
                run(Change::Removed, "fast"),
                run(Change::Added, "fast, blue"),
                run(Change::Same, "and red"),
            ]
        );
    }
}
