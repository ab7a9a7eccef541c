//! What is hidden: all forms with everything at random.
//!
//! `REDACTOR_CASES` says how many random cases are tried (`make redactor-cases`: 100,000).

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose};

use super::{ByteRedactor, Redactor, StreamRedactor};

/// Numbers that are the same for the same case.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn is(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    /// A value such as people have: words, specials, a few lines, other alphabets.
    fn secret(&mut self) -> String {
        let length = 8 + self.below(72);
        let mut text = String::new();
        while text.chars().count() < length {
            match self.below(24) {
                0 => text.push_str(self.one_of(&["ä", "✓", "😀", "Ω"])),
                1 => text
                    .push_str(self.one_of(&["\n", "\t", " ", "\\", "\"", "'", "%", "&", "+", "/"])),
                2..=4 => text.push(char::from(33 + self.below(94) as u8)),
                _ => {
                    let alphabet =
                        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
                    text.push(char::from(alphabet[self.below(alphabet.len())]));
                }
            }
        }
        // The ends are not looked for where they are blank.
        text.trim().to_owned()
    }

    fn noise(&mut self, most: usize) -> String {
        let length = self.below(most);
        let words = [
            "GET ", "token=", "\"", "x", "{\"a\": ", "QUJD", "==", " ", "\n", "\\n", "0123abcd",
            "ä", "/path/", "%20", ": ",
        ];
        let mut text = String::new();
        while text.len() < length {
            text.push_str(self.one_of(&words));
        }
        text
    }

    /// The secret in some form, and how many characters three bytes of it take there at most.
    fn coded(&mut self, secret: &str) -> (String, usize, &'static str) {
        match self.below(23) {
            0 => (secret.to_owned(), 6, "plain"),
            1 => {
                let before = self.below(4);
                let text = format!("{}{secret}{}", &"user"[..before], &"@ab"[..self.below(4)]);
                let coded = match self.below(2) {
                    0 => general_purpose::STANDARD.encode(text),
                    _ => general_purpose::URL_SAFE_NO_PAD.encode(text),
                };
                // What stands before the secret is none.
                let from = (before * 4).div_ceil(3);
                (coded, 9 + from, "base64")
            }
            2 => {
                let coded = general_purpose::STANDARD.encode(secret);
                let width = 8 + self.below(80);
                let lines: Vec<&str> = (0..coded.len())
                    .step_by(width)
                    .map(|at| &coded[at..coded.len().min(at + width)])
                    .collect();
                (
                    lines.join(self.one_of(&["\n", "\r\n"])),
                    9,
                    "wrapped base64",
                )
            }
            3 => (hex::encode(secret), 8, "hex"),
            4 => (hex::encode_upper(secret), 8, "HEX"),
            5 => {
                let json = serde_json::Value::from(secret).to_string();
                (json[1..json.len() - 1].to_owned(), 14, "json")
            }
            6 => {
                let mut text = String::new();
                for unit in secret.encode_utf16() {
                    let is_plain = unit < 128 && (unit as u8).is_ascii_alphanumeric();
                    if is_plain && !self.is(3) {
                        text.push(char::from(unit as u8));
                    } else {
                        text.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                (text, 26, "json \\u")
            }
            7 => {
                let json = serde_json::Value::from(secret).to_string();
                let json = serde_json::Value::from(json).to_string();
                (json[3..json.len() - 3].to_owned(), 20, "json in json")
            }
            8 | 9 => {
                let mut text = String::new();
                let all = self.is(3);
                for byte in secret.bytes() {
                    let is_plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
                    if is_plain && !(all || self.is(6)) {
                        text.push(char::from(byte));
                    } else if self.is(2) {
                        text.push_str(&format!("%{byte:02x}"));
                    } else {
                        text.push_str(&format!("%{byte:02X}"));
                    }
                }
                (text, 12, "url")
            }
            12 => {
                let width = 4 + self.below(12);
                let characters: Vec<char> = secret.chars().collect();
                let lines: Vec<String> = characters
                    .chunks(width)
                    .map(|line| line.iter().collect())
                    .collect();
                // The first line goes out where nothing tells it from any other.
                (lines.join("\n"), 12, "folded")
            }
            13 => {
                let coded = secret.chars().map(|character| match self.below(3) {
                    0 => format!("&#{};", u32::from(character)),
                    1 => format!("&#x{:x};", u32::from(character)),
                    _ => format!("&#X{:04X};", u32::from(character)),
                });
                (coded.collect(), 32, "entities")
            }
            14 => {
                let bytes = secret.bytes().map(|byte| format!("0x{byte:02x}"));
                (
                    bytes
                        .collect::<Vec<_>>()
                        .join(self.one_of(&[", ", " ", ","])),
                    24,
                    "C bytes",
                )
            }
            15 => (dumped(secret, Dump::Xxd), 20, "xxd"),
            16 => (dumped(secret, Dump::Canonical), 20, "hexdump"),
            17 => {
                let at = secret.ceil_char_boundary(1 + self.below(secret.len() - 1));
                let (head, tail) = secret.split_at(at);
                (
                    format!("\x1b[01;31m\x1b[K{head}\x1b[m\x1b[K{tail}"),
                    // The colours take eleven of them.
                    24,
                    "coloured",
                )
            }
            18 => (secret.to_ascii_uppercase(), 9, "upper case"),
            19 => {
                // As mails fold it.
                let mut text = String::new();
                for byte in secret.bytes() {
                    if !byte.is_ascii_alphanumeric() || self.is(2) {
                        text.push_str(&format!("={byte:02X}"));
                    } else {
                        text.push(char::from(byte));
                    }
                    if self.is(20) {
                        text.push_str(self.one_of(&["=\n", "=\r\n"]));
                    }
                }
                (text, 18, "quoted-printable")
            }
            20 => {
                let bytes = secret.bytes().map(|byte| format!(r"\x{{{byte:02x}}}"));
                (bytes.collect(), 26, r"\x{}")
            }
            21 => {
                let coded = base32(secret.as_bytes());
                (
                    match self.below(2) {
                        0 => coded.to_ascii_lowercase(),
                        _ => coded,
                    },
                    14,
                    "base32",
                )
            }
            10 => (secret.replace('\'', "'\\''"), 16, "shell"),
            11 => {
                let coded = general_purpose::STANDARD.encode(secret);
                let json = serde_json::Value::from(coded.replace('/', "\\/")).to_string();
                (json, 12, "base64 in json")
            }
            _ => {
                let mut text = String::new();
                for character in secret.chars() {
                    if !character.is_ascii_alphanumeric()
                        && character.is_ascii()
                        && character != '\n'
                    {
                        text.push('\\');
                    }
                    text.push(character);
                }
                (text, 12, "shell words")
            }
        }
    }

    /// The text in pieces that end anywhere.
    fn pieces<'t>(&mut self, text: &'t str) -> Vec<&'t str> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let at = rest.ceil_char_boundary((1 + self.below(40)).min(rest.len()));
            let (piece, after) = rest.split_at(at);
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}

pub(super) fn base32(bytes: &[u8]) -> String {
    let groups = bytes.chunks(5).flat_map(|group| {
        let bits = (0..5).fold(0_u64, |bits, at| {
            bits << 8 | u64::from(group.get(at).copied().unwrap_or_default())
        });
        let characters = (8 * group.len()).div_ceil(5);
        (0..characters).map(move |at| {
            let value = (bits >> (35 - 5 * at) & 31) as usize;
            char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[value])
        })
    });
    groups.collect()
}

enum Dump {
    Xxd,
    Canonical,
}

/// A value as tools dump it, one line for 16 bytes.
fn dumped(secret: &str, dump: Dump) -> String {
    let mut lines = Vec::new();
    for (number, bytes) in secret.as_bytes().chunks(16).enumerate() {
        let group = match dump {
            Dump::Xxd => 2,
            Dump::Canonical => 1,
        };
        let groups: Vec<String> = bytes.chunks(group).map(hex::encode).collect();
        let shown: String = bytes
            .iter()
            .map(|byte| {
                if byte.is_ascii_graphic() {
                    char::from(*byte)
                } else {
                    '.'
                }
            })
            .collect();
        lines.push(match dump {
            Dump::Xxd => format!("{:08x}: {}  {shown}", number * 16, groups.join(" ")),
            Dump::Canonical => format!("{:08x}  {}  |{shown}|", number * 16, groups.join(" ")),
        });
    }
    format!("\n{}\n", lines.join("\n"))
}

/// As a step writes it: lines, long ones in pieces.
fn through_lines(redactor: &Arc<Redactor>, text: &str, chance: &mut Chance) -> String {
    let mut stream = StreamRedactor::new(Arc::clone(redactor));
    let mut shown = String::new();
    let mut add = |whole: Vec<((), String)>| {
        for (_, line) in whole {
            shown.push_str(&line);
            shown.push('\n');
        }
    };
    let mut pieces_shown = String::new();
    for line in text.split('\n') {
        let mut pieces = chance.pieces(line);
        let last = pieces.pop().unwrap_or_default();
        for piece in pieces {
            let (whole, piece) = stream.piece(piece.to_owned());
            add(whole);
            pieces_shown.push_str(&piece);
        }
        stream.end_line((), last.to_owned());
        // Many lines may have come before they are looked at.
        if chance.is(3) {
            add(stream.known());
        }
    }
    let (whole, rest) = stream.finish();
    add(whole);
    shown + &pieces_shown + &rest.unwrap_or_default()
}

fn through_bytes(redactor: &Arc<Redactor>, text: &str, chance: &mut Chance) -> String {
    let mut stream = ByteRedactor::new(Arc::clone(redactor));
    let mut shown = Vec::new();
    for piece in chance.pieces(text) {
        shown.extend(stream.push(piece.as_bytes()));
    }
    shown.extend(stream.finish());
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn no_secret_leaks_whatever_it_is_encoded_with_and_wherever_the_pieces_end() {
    let cases = std::env::var("REDACTOR_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    let mut leaks = Vec::new();
    for case in 0..cases.unwrap_or(3_000_u64) {
        let mut chance = Chance(case.wrapping_mul(0x5851_F42D_4C95_7F2D));
        let secrets = [chance.secret(), chance.secret()];
        let redactor = Arc::new(Redactor::new(&secrets));
        let (coded, most, form) = chance.coded(&secrets[0]);
        let text = format!("{} {coded} {}", chance.noise(300), chance.noise(300));
        let shown = match chance.below(3) {
            0 => redactor.redact(&text).into_owned(),
            1 => through_lines(&redactor, &text, &mut chance),
            _ => through_bytes(&redactor, &text, &mut chance),
        };
        let coded: Vec<char> = coded.chars().collect();
        let leak = coded
            .windows(most.min(coded.len()))
            .map(|window| window.iter().collect::<String>());
        let leak = leak
            .filter(|window| !window.chars().all(|c| c.is_whitespace()))
            .find(|window| shown.contains(window.as_str()));
        if let Some(leak) = leak {
            leaks.push(format!(
                "case {case}, {form}: {leak:?} of {:?} in {shown:?}",
                secrets[0]
            ));
        }
    }
    let first = leaks.iter().take(20).map(String::as_str);
    assert!(
        leaks.is_empty(),
        "{} leaks; the first:\n{}",
        leaks.len(),
        first.collect::<Vec<_>>().join("\n")
    );
}
