//! What of a pasted e-mail says nothing about a product: header lines, greetings, who wrote when, signatures,
//! footers of lawyers and telephones. Those lines are not read; what is quoted is. The subject is a title.
//!
//! **Invariant:** a line is only left out where its neighbours show that it is a mail's.

use super::lines::{Line, Shape};

const HEADERS: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "date",
    "sent",
    "subject",
    "reply-to",
    "message-id",
    "importance",
    "attachments",
    "von",
    "an",
    "betreff",
    "gesendet",
    "datum",
    "kopie",
];
const SUBJECTS: &[&str] = &["subject", "betreff"];
const REPLIES: &[&str] = &["re:", "fwd:", "fw:", "aw:", "wg:"];
const GREETINGS: &[&str] = &[
    "hi",
    "hello",
    "hey",
    "dear",
    "hallo",
    "liebe",
    "lieber",
    "moin",
    "good morning",
    "guten tag",
    "sehr geehrte",
    "sehr geehrter",
];
const FAREWELLS: &[&str] = &[
    "cheers",
    "regards",
    "best regards",
    "kind regards",
    "best",
    "thanks",
    "many thanks",
    "thank you",
    "yours",
    "yours sincerely",
    "sincerely",
    "all the best",
    "viele grüße",
    "grüße",
    "beste grüße",
    "liebe grüße",
    "mit freundlichen grüßen",
    "mfg",
    "lg",
    "vg",
    "danke",
];
const TELEPHONES: &[&str] = &[
    "sent from my ",
    "get outlook for ",
    "von meinem ",
    "sent with ",
    "gesendet mit ",
];
/// A line of a mail's furniture is short.
const LONGEST_GREETING: usize = 40;
const LONGEST_NAME: usize = 40;
/// Lines of a signature.
const MOST_OF_SIGNATURE: usize = 12;

/// The lines without those that are a mail's furniture.
pub fn without_furniture(vision: &str, mut lines: Vec<Line>) -> Vec<Line> {
    let text = |line: &Line| &vision[line.start..line.end];
    let depth = |line: &Line| depth(vision, line);
    let mut gone = vec![false; lines.len()];
    let mut titles = Vec::new();
    let is_blank = |line: &Line| line.shape == Shape::Blank;
    let mut at = 0;
    while at < lines.len() {
        let line = &lines[at];
        let said = text(line);
        let headers = headers(vision, &lines[at..]);
        if headers > 0 {
            for (place, line) in lines.iter().enumerate().skip(at).take(headers) {
                match subject_of(text(line)) {
                    Some(offset) => titles.push((place, offset)),
                    None => gone[place] = true,
                }
            }
            at += headers;
            continue;
        }
        let next = lines.get(at + 1).map_or("", text);
        if is_introduction(said) {
            gone[at] = true;
        } else if said.starts_with("On ") && has_digit(said) && is_end_of_introduction(next) {
            gone[at] = true;
            gone[at + 1] = true;
            at += 1;
        } else if said == "--" || said == "-- " {
            let level = depth(line);
            let signed = lines[at..].iter().take(MOST_OF_SIGNATURE);
            let signed = signed.take_while(|line| !is_blank(line) && depth(line) == level);
            let count = signed.count().max(1);
            gone[at..at + count].fill(true);
            at += count;
            continue;
        } else if is_footer(said) || is_greeting(said) {
            gone[at] = true;
        } else if is_farewell(said) {
            gone[at] = true;
            let is_name = lines.get(at + 1).is_some_and(|line| {
                let name = text(line);
                line.shape == Shape::Text
                    && name.len() <= LONGEST_NAME
                    && name.split_whitespace().count() <= 3
                    && name.starts_with(char::is_uppercase)
                    && !name.ends_with(['.', '!', '?', ':'])
            });
            let is_end = lines.get(at + 2).is_none_or(is_blank);
            if is_name && is_end {
                gone[at + 1] = true;
                at += 1;
            }
        }
        at += 1;
    }
    for (line, gone) in lines.iter_mut().zip(gone) {
        if gone {
            line.shape = Shape::Blank;
        }
    }
    for (place, offset) in titles {
        let line = &mut lines[place];
        line.start += offset;
        line.shape = match line.start < line.end {
            true => Shape::Heading(1),
            false => Shape::Blank,
        };
    }
    lines
}

/// How many marks of a quote stand before the line.
fn depth(vision: &str, line: &Line) -> usize {
    let before = &vision[..line.start];
    let from = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    before[from..].matches('>').count()
}

/// The lines of a header that begins here: none where it is not one.
fn headers(vision: &str, lines: &[Line]) -> usize {
    let names = lines
        .iter()
        .map_while(|line| header_of(&vision[line.start..line.end]));
    let names: Vec<&str> = names.collect();
    // "Date: 3 May" alone may be anything.
    let is_header = names.len() >= 2
        && names
            .iter()
            .any(|name| matches!(*name, "from" | "subject" | "von" | "betreff"));
    match is_header {
        true => names.len(),
        false => 0,
    }
}

fn header_of(line: &str) -> Option<&'static str> {
    let (name, rest) = line.trim_matches('*').split_once(':')?;
    let lower = name.trim_matches(['*', ' ']).to_lowercase();
    let known = HEADERS.iter().find(|header| **header == lower)?;
    (!rest.trim().is_empty()).then_some(*known)
}

/// Where the subject begins, without the marks of answers.
fn subject_of(line: &str) -> Option<usize> {
    header_of(line).filter(|name| SUBJECTS.contains(name))?;
    let colon = line.find(':')?;
    let mut rest = line[colon + 1..].trim_start_matches(['*', ' ', '\t']);
    while let Some(inner) = REPLIES.iter().find_map(|mark| {
        let start = rest.get(..mark.len())?;
        start
            .eq_ignore_ascii_case(mark)
            .then(|| &rest[mark.len()..])
    }) {
        rest = inner.trim_start();
    }
    Some(line.len() - rest.len())
}

fn has_digit(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

/// "On 12 Jan 2027, at 10:02, Mike wrote:", "Am 3. Mai 2027 schrieb Eva:".
fn is_introduction(line: &str) -> bool {
    let opens = line.starts_with("On ") || line.starts_with("Am ");
    let says = line.contains(" wrote") || line.contains(" schrieb");
    (opens && has_digit(line) && says && (line.ends_with(':') || line.ends_with("wrote")))
        || line.starts_with("-----Original Message")
        || line.starts_with("---------- Forwarded message")
}

fn is_end_of_introduction(line: &str) -> bool {
    line.len() <= 80 && line.ends_with("wrote:")
}

fn is_footer(line: &str) -> bool {
    let lower = line.to_lowercase();
    let of_telephone = lower.len() < 60 && TELEPHONES.iter().any(|start| lower.starts_with(start));
    let of_lawyer = lower.contains("intended recipient")
        || (lower.contains("confidential") && lower.contains("this e-mail"))
        || (lower.contains("confidential") && lower.contains("this email"))
        || (lower.contains("vertraulich") && lower.contains("empfänger"));
    of_telephone || of_lawyer
}

/// "Dear Mike,": a line of its own.
fn is_greeting(line: &str) -> bool {
    let lower = line.to_lowercase();
    line.len() <= LONGEST_GREETING
        && line.ends_with([',', '!'])
        && GREETINGS.iter().any(|greeting| {
            lower
                .strip_prefix(greeting)
                .is_some_and(|rest| rest.starts_with([' ', ',', '!']))
        })
        && line.split_whitespace().count() <= 5
}

fn is_farewell(line: &str) -> bool {
    let lower = line.to_lowercase();
    let bare = lower.trim_end_matches([',', '!', '.', ' ']);
    FAREWELLS.contains(&bare)
}

#[cfg(test)]
mod tests {
    use crate::requirements::reading::{Standing, read};

    fn check(mail: &str, expected: &[&str]) {
        let found: Vec<&str> = read(mail).iter().map(|sentence| sentence.text).collect();
        assert_eq!(found, expected, "{mail:?}");
    }

    #[test]
    fn what_frames_a_mail_is_not_read_and_what_it_says_is() {
        check(
            "From: Jo <jo@b.example>\nTo: dev team\nSubject: Re: Fwd: ordering thing\nDate: Thu, 14 Jan 2027\n\n\
             hi all,\n\nShops order bread.\n\ncheers\nJo\n\n> On 12 Jan 2027, at 10:02, Mike <m@b.example> wrote:\n\
             > I think we should have a dashboard.\n> --\n> Mike | confidential\nSent from my iPhone",
            &[
                "ordering thing",
                "Shops order bread.",
                "I think we should have a dashboard.",
            ],
        );
        // Not tuned to.
        check(
            "**Von:** Eva\n**Betreff:** AW: Kursplan\n\nHallo Tom,\n\nGäste buchen Kurse.\n\nViele Grüße,\nEva Maier\n\n\
             This e-mail is confidential.",
            &["Kursplan", "Gäste buchen Kurse."],
        );
        check(
            "We need a map.\n\nOn Mon, 3 May 2027, Ann Lee\n<ann@b.example> wrote:\n> And a list.",
            &["We need a map.", "And a list."],
        );
    }

    #[test]
    fn the_subject_is_the_title() {
        let found = read("From: Jo\nSubject: Bread\n\nShops order.");
        assert_eq!(
            (found[0].text, found[0].standing),
            ("Bread", Standing::Title)
        );
    }

    #[test]
    fn lines_that_only_look_like_a_mail_are_read() {
        check("Date: 3 May", &["Date: 3 May"]);
        check("From: Berlin", &["From: Berlin"]);
        check(
            "Mails say On 3 May Ann wrote in the log.",
            &["Mails say On 3 May Ann wrote in the log."],
        );
        check("Dear customers pay less", &["Dear customers pay less"]);
    }
}
