//! Cuts a block into sentences. A full stop ends a sentence only where it stands before a gap and is not
//! part of an abbreviation; decimals, versions, file names and URLs have no gap and so never end one.

use std::ops::Range;
use std::sync::LazyLock;

use super::lookup::{Words, set};

/// Abbreviations that never end a sentence inside a line, lower case, without the last full stop.
static NEVER_LAST: Words = LazyLock::new(|| {
    set(
        "approx, bzw, ca, cf, d.h, dr, e.g, eg, esp, excl, i.e, ie, incl, mr, mrs, \
                          p.ex, pp, prof, resp, viz, vs, z.b",
    )
});

/// Abbreviations that may end a sentence: they do where an upper-case word follows.
static MAYBE_LAST: Words = LazyLock::new(|| {
    set(
        "a.k.a, a.m, co, corp, dept, est, etc, hr, hrs, inc, jr, ltd, max, min, p.m, \
                          sec, sr, st, usw",
    )
});

/// Abbreviations only where a number follows ("no. 5"); otherwise words like any other.
static BEFORE_NUMBERS: Words = LazyLock::new(|| set("art, fig, no, nr, v, ver"));

/// Words after which a single capital letter is a name and ends its sentence ("choose plan B.").
static LETTERED: Words = LazyLock::new(|| {
    set(
        "appendix, category, class, grade, group, level, model, option, part, phase, \
                        plan, section, series, step, team, tier, type, variant, version, vitamin",
    )
});

/// The byte ranges of the sentences in `block`, without the whitespace around them.
pub fn sentences(block: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut token = Token::default();
    let mut next_at = 0;
    while let Some(at) = next_mark(block, next_at) {
        let c = char_at(block, at);
        next_at = at + c.len_utf8();
        if c.is_whitespace() {
            token = token.after_gap(at, c);
            continue;
        }
        if !is_terminator(c) {
            continue;
        }
        let marks_start = at;
        let mut last = c;
        let mut quoted = false;
        while next_at < block.len() {
            let next = char_at(block, next_at);
            if !is_terminator(next) && !is_closer(next) {
                break;
            }
            quoted |= matches!(next, '"' | '”' | '’' | '\'' | '»' | '」' | '』');
            last = if is_terminator(next) { next } else { last };
            next_at += next.len_utf8();
        }
        let end = next_at;
        let marks = Marks {
            token: &block[token.start..marks_start],
            before: &block[token.previous..token.previous_end],
            text: &block[marks_start..end],
            last,
            quoted,
        };
        if marks.end_a_sentence(&block[end..]) {
            push(&mut found, block, start..end);
            start = end;
            token = token.after_end(end);
        }
    }
    push(&mut found, block, start..block.len());
    found
}

/// The next character that is not plainly part of a word: only these part words and sentences.
fn next_mark(block: &str, from: usize) -> Option<usize> {
    let bytes = block.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte <= b' ' || byte >= 0x80 || matches!(byte, b'.' | b'!' | b'?') {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn char_at(block: &str, at: usize) -> char {
    let found = block[at..].chars().next();
    found.expect("invariant: a character begins before the end")
}

fn push(found: &mut Vec<Range<usize>>, block: &str, range: Range<usize>) {
    let raw = &block[range.clone()];
    let trimmed = raw.trim();
    if !trimmed.is_empty() {
        let start = range.start + (raw.len() - raw.trim_start().len());
        found.push(start..start + trimmed.len());
    }
}

/// Whether a sentence is closed by a mark of its own.
pub fn is_terminated(sentence: &str) -> bool {
    sentence
        .trim_end_matches(is_closer)
        .ends_with(is_terminator)
}

/// Whether a sentence asks.
pub fn is_question(sentence: &str) -> bool {
    sentence
        .trim_end_matches(|c| is_closer(c) || matches!(c, '!' | '！' | '.'))
        .ends_with(['?', '？', '؟'])
}

fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '؟' | '।') || is_full_width(c)
}

/// Full-width marks need no gap after them.
fn is_full_width(c: char) -> bool {
    matches!(c, '。' | '！' | '？')
}

fn is_closer(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '}' | '」' | '』' | '）' | '*' | '_' | '`'
    )
}

/// Where the word under the cursor starts, and the word before it.
#[derive(Debug, Default, Clone, Copy)]
struct Token {
    previous: usize,
    previous_end: usize,
    start: usize,
}

impl Token {
    fn after_gap(self, at: usize, gap: char) -> Self {
        let start = at + gap.len_utf8();
        if at == self.start {
            Self { start, ..self }
        } else {
            Self {
                previous: self.start,
                previous_end: at,
                start,
            }
        }
    }

    fn after_end(self, end: usize) -> Self {
        Self {
            previous: end,
            previous_end: end,
            start: end,
        }
    }
}

/// A run of closing marks with the words around it.
struct Marks<'a> {
    token: &'a str,
    before: &'a str,
    text: &'a str,
    last: char,
    quoted: bool,
}

impl Marks<'_> {
    fn end_a_sentence(&self, rest: &str) -> bool {
        if is_full_width(self.last) {
            return true;
        }
        let Some(next) = rest.chars().next() else {
            return true;
        };
        if !next.is_whitespace() {
            return matches!(self.last, '!' | '?' | '؟' | '।') && is_ideograph(next);
        }
        let follower = rest
            .trim_start()
            .trim_start_matches(['"', '“', '\'', '(', '*', '_', '`', '>', ' ']);
        let lower_follows = follower.starts_with(char::is_lowercase);
        if lower_follows
            && (self.quoted || self.text.starts_with("..") || self.text.starts_with('…'))
        {
            return false;
        }
        self.text != "." && !(self.text.starts_with('.') && self.text.len() == 2)
            || !self.is_abbreviation(follower)
    }

    fn is_abbreviation(&self, follower: &str) -> bool {
        let token = self
            .token
            .trim_start_matches(|c: char| !c.is_alphanumeric());
        if token.len() > 12 {
            return false;
        }
        let lower = token.to_lowercase();
        let upper_follows = follower.starts_with(char::is_uppercase);
        if NEVER_LAST.contains(lower.as_str()) {
            return true;
        }
        if MAYBE_LAST.contains(lower.as_str()) || is_dotted_letters(token) {
            return !upper_follows;
        }
        if BEFORE_NUMBERS.contains(lower.as_str()) {
            return follower.starts_with(|c: char| c.is_ascii_digit());
        }
        is_initial(token)
            && upper_follows
            && !LETTERED.contains(self.before.to_lowercase().as_str())
    }
}

/// `U.S`, `E.U`: single letters between full stops.
fn is_dotted_letters(token: &str) -> bool {
    token.contains('.')
        && token.split('.').all(|part| {
            let mut letters = part.chars();
            letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none()
        })
}

/// A single capital other than "I", as in "J. Smith".
fn is_initial(token: &str) -> bool {
    let mut letters = token.chars();
    letters.next().is_some_and(|c| c.is_uppercase() && c != 'I') && letters.next().is_none()
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::{is_question, is_terminated, sentences};

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<_> = sentences(text)
            .into_iter()
            .map(|range| &text[range])
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn sentences_end_at_their_marks() {
        check("One. Two! three? Four", &["One.", "Two!", "three?", "Four"]);
        check("  Wait?!  Yes...  ", &["Wait?!", "Yes..."]);
        check("", &[]);
        check(" \n ", &[]);
    }

    #[test]
    fn abbreviations_do_not_end_sentences() {
        check(
            "Use a cloud, e.g. AWS, i.e. no metal.",
            &["Use a cloud, e.g. AWS, i.e. no metal."],
        );
        check(
            "Dr. Who (cf. J. Smith) vs. him.",
            &["Dr. Who (cf. J. Smith) vs. him."],
        );
        check("Use AWS etc. for it.", &["Use AWS etc. for it."]);
        check("Use AWS etc. Then go.", &["Use AWS etc.", "Then go."]);
        check(
            "In the U.S. only. No. 5 wins. I say no. Go.",
            &["In the U.S. only.", "No. 5 wins.", "I say no.", "Go."],
        );
        check(
            "Take plan B. Then rest. So do I. Fine.",
            &["Take plan B.", "Then rest.", "So do I.", "Fine."],
        );
    }

    #[test]
    fn numbers_names_and_addresses_stay_whole() {
        for whole in [
            "Keep v1.2 and 3.5 GB.",
            "Edit package.json or a.b.c now.",
            "See https://example.org/a.b?c=d.e!f for more.",
            "Mail to a.b@c.de today.",
        ] {
            check(whole, &[whole]);
        }
        check(
            "Edit package.json. Run it on v1.2. Go",
            &["Edit package.json.", "Run it on v1.2.", "Go"],
        );
    }

    #[test]
    fn units_and_short_words_end_sentences() {
        check(
            "Answer in 200 ms. It sells art. The end.",
            &["Answer in 200 ms.", "It sells art.", "The end."],
        );
    }

    #[test]
    fn quotes_and_brackets_close_with_their_sentence() {
        check(
            "He said \"Go.\" Then (all of it.) Done",
            &["He said \"Go.\"", "Then (all of it.)", "Done"],
        );
        check(
            "They ask \"where is it?\" and leave.",
            &["They ask \"where is it?\" and leave."],
        );
        check(
            "Well... maybe. Well… Yes.",
            &["Well... maybe.", "Well…", "Yes."],
        );
    }

    #[test]
    fn full_width_marks_need_no_gap() {
        check(
            "做商店。快吗？很快！好",
            &["做商店。", "快吗？", "很快！", "好"],
        );
        check("好吗?好", &["好吗?", "好"]);
    }

    #[test]
    fn closing_marks_are_read_through_quotes() {
        assert!(is_question("Really (now)?\")"));
        assert!(is_question("どう？"));
        assert!(!is_question("Yes."));
        assert!(is_terminated("Yes.\"") && !is_terminated("Yes"));
    }
}
