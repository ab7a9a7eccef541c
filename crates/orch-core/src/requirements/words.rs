//! Words of a sentence and phrases over them. Every lookup is one hash of one word, so that reading a
//! sentence stays linear in its length however many phrases are known.

use super::lookup::Known;

/// What stands between a word and the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Only whitespace, or a mark that does not part clauses.
    Space,
    /// A comma.
    Comma,
    /// A semicolon.
    Semicolon,
    /// A colon.
    Colon,
}

/// One word, lower case and without the marks around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word, lower case, with straight apostrophes.
    pub lower: String,
    /// First byte of the word with its marks.
    pub start: usize,
    /// First byte after the word with its marks.
    pub end: usize,
    /// Whether it is written with a capital.
    pub capital: bool,
    /// What follows it.
    pub gap: Gap,
}

/// The words of `text`, in order; marks that stand alone are left out.
pub fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((start, end)) = next_token(text, at) {
        if let Some(word) = word(&text[start..end], start) {
            found.push(word);
        }
        at = end;
    }
    found
}

/// The bytes from `at` on that no whitespace parts.
fn next_token(text: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut start = at;
    while start < bytes.len() {
        match space_at(text, start) {
            0 => break,
            length => start += length,
        }
    }
    let mut end = start;
    while end < bytes.len() && space_at(text, end) == 0 {
        end += 1;
    }
    (start < end).then_some((start, end))
}

/// The length of the whitespace that begins at this byte; 0 where none does.
fn space_at(text: &str, at: usize) -> usize {
    let byte = text.as_bytes()[at];
    if byte > b' ' && byte < 0x80 {
        return 0;
    }
    if byte <= b' ' {
        return usize::from(matches!(byte, b' ' | b'\t'..=b'\r'));
    }
    // A byte within a character is no place to cut at.
    let spoken = text.get(at..).and_then(|rest| rest.chars().next());
    spoken
        .filter(|c| c.is_whitespace())
        .map_or(0, char::len_utf8)
}

/// The word in this place, lower case; nothing where there is none.
pub fn lower_at(words: &[Word], place: usize) -> &str {
    words.get(place).map_or("", |word| word.lower.as_str())
}

/// These words, parted by one space each.
pub fn phrase(words: &[Word]) -> String {
    let words: Vec<&str> = words.iter().map(|word| word.lower.as_str()).collect();
    words.join(" ")
}

/// Whether `piece` stands in `text`, and not within a word.
pub fn stands_in(text: &str, piece: &str) -> bool {
    text.match_indices(piece).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + piece.len()..].chars().next();
        let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !is_part(before) && !is_part(after)
    })
}

fn word(token: &str, start: usize) -> Option<Word> {
    if token == "&" {
        return Some(Word {
            lower: "and".into(),
            start,
            end: start + 1,
            capital: false,
            gap: Gap::Space,
        });
    }
    if token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Some(Word {
            lower: token.to_ascii_lowercase(),
            start,
            end: start + token.len(),
            capital: token.as_bytes()[0].is_ascii_uppercase(),
            gap: Gap::Space,
        });
    }
    let bare = token
        .trim_start_matches(|c: char| !c.is_alphanumeric() && !"$€£<≤>≥~".contains(c))
        .trim_end_matches(|c: char| !c.is_alphanumeric() && !"%+#€£$".contains(c));
    if !bare.contains(char::is_alphanumeric) {
        return None;
    }
    let closing = token.trim_end_matches(['"', '”', '’', '\'', ')', '*', '_', '`']);
    let gap = match closing.chars().next_back() {
        Some(',' | '，' | '、') => Gap::Comma,
        Some(';' | '；') => Gap::Semicolon,
        Some(':' | '：') => Gap::Colon,
        Some(_) | None => Gap::Space,
    };
    Some(Word {
        lower: match bare.is_ascii() {
            true => bare.to_ascii_lowercase(),
            false => bare
                .chars()
                .flat_map(char::to_lowercase)
                .map(|c| if c == '’' { '\'' } else { c })
                .collect(),
        },
        start,
        end: start + token.len(),
        capital: bare.starts_with(char::is_uppercase),
        gap,
    })
}

/// Phrases and what they mean.
#[derive(Debug)]
pub struct Lexicon<T> {
    by_first: Known<Vec<(Vec<&'static str>, T)>>,
}

impl<T: Copy> Lexicon<T> {
    /// Builds the lookup from groups of phrases: phrases parted by `, `, their words by one space.
    pub fn new(groups: &[(T, &'static str)]) -> Self {
        let mut by_first: Known<Vec<_>> = Known::default();
        for (meaning, phrases) in groups {
            for phrase in phrases.split(", ") {
                let mut parts = phrase.split(' ');
                if let Some(first) = parts.next() {
                    by_first
                        .entry(first)
                        .or_default()
                        .push((parts.collect::<Vec<_>>(), *meaning));
                }
            }
        }
        for entries in by_first.values_mut() {
            entries.sort_by_key(|(rest, _)| std::cmp::Reverse(rest.len()));
        }
        Self { by_first }
    }

    /// The longest phrase that starts at word `at`: its meaning and its number of words.
    pub fn longest_at(&self, words: &[Word], at: usize) -> Option<(T, usize)> {
        let first = words.get(at)?;
        let known = self.by_first.get(first.lower.as_str())?.iter();
        Self::that_stand(known, &words[at + 1..]).next()
    }

    /// Every phrase that starts at word `at`, the longest first.
    pub fn all_at<'l>(
        &'l self,
        words: &'l [Word],
        at: usize,
    ) -> impl Iterator<Item = (T, usize)> + 'l {
        let known = words
            .get(at)
            .and_then(|first| self.by_first.get(first.lower.as_str()));
        let rest = words.get(at + 1..).unwrap_or_default();
        Self::that_stand(known.map(Vec::as_slice).unwrap_or_default().iter(), rest)
    }

    fn that_stand<'l>(
        known: std::slice::Iter<'l, (Vec<&'static str>, T)>,
        words: &'l [Word],
    ) -> impl Iterator<Item = (T, usize)> + 'l {
        let stands = |rest: &[&str]| {
            let spoken = words.get(..rest.len()).unwrap_or_default();
            spoken.len() == rest.len()
                && rest
                    .iter()
                    .zip(spoken)
                    .all(|(part, word)| word.lower == *part)
        };
        known
            .filter(move |(rest, _)| stands(rest))
            .map(|(rest, meaning)| (*meaning, rest.len() + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::{Gap, Lexicon, words};

    #[test]
    fn words_lose_their_marks_and_keep_their_signs() {
        let found: Vec<_> = words("“Don’t” pay $50, 99.9% (C++); — e.g. a&b & X/Y")
            .into_iter()
            .map(|word| (word.lower, word.gap))
            .collect();
        let expected = [
            ("don't", Gap::Space),
            ("pay", Gap::Space),
            ("$50", Gap::Comma),
            ("99.9%", Gap::Space),
            ("c++", Gap::Semicolon),
            ("e.g", Gap::Space),
            ("a&b", Gap::Space),
            ("and", Gap::Space),
            ("x/y", Gap::Space),
        ];
        assert_eq!(found, expected.map(|(word, gap)| (word.to_owned(), gap)));
    }

    #[test]
    fn the_longest_phrase_wins() {
        let lexicon = Lexicon::new(&[(1, "no, later"), (2, "no later than")]);
        let text = words("no later than no");
        assert_eq!(lexicon.longest_at(&text, 0), Some((2, 3)));
        assert_eq!(lexicon.longest_at(&text, 3), Some((1, 1)));
        assert_eq!(lexicon.longest_at(&text, 2), None);
        assert_eq!(lexicon.longest_at(&text, 4), None);
    }
}
