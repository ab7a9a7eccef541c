//! Decoders: what a text would be if it were escaped, percent-encoded, quoted, hex or base64.
//!
//! Each reads leniently: what does not decode stands for itself, so that partly encoded texts are
//! read as well. They are right for the texts that they are meant for, and only ever looked at.

use super::{dump, runs, view::View};

const ESCAPE: u8 = 0x1B;
/// A longer sequence is none.
const MOST_CONTROL: usize = 256;

/// Every reading of a text, except for the text itself, and whether it is worth being read again.
/// Runs of alphabets that hold less than `least_bytes` are passed over.
pub(super) fn all(view: &View, spaces: Spaces, least_bytes: usize) -> Vec<(View, Again)> {
    let mut views = by_character(view, spaces);
    views.extend(joined(view).map(|view| (view, Again::No)));
    views.extend(
        broken_into_lines(view, least_bytes)
            .into_iter()
            .map(|view| {
                let again = worth_reading(&view.bytes);
                (view, again)
            }),
    );
    views
}

/// The readings in which characters stand for themselves or are written in another way.
pub(super) fn by_character(view: &View, spaces: Spaces) -> Vec<(View, Again)> {
    let has = |byte: u8| view.bytes.contains(&byte);
    let mut views = Vec::new();
    if has(b'\\') {
        views.extend(changed(view, escapes(view, Braced::Byte)));
        let is_braced = |three: &[u8]| three == br"\x{";
        if view.bytes.windows(3).any(is_braced) {
            views.extend(changed(view, escapes(view, Braced::Character)));
        }
    }
    if has(b'%') {
        views.extend(changed(view, percent(view, Plus::Itself)));
    }
    if has(b'+') && spaces == Spaces::InSecrets {
        views.extend(changed(view, percent(view, Plus::Space)));
    }
    if has(b'=') {
        views.extend(quoted_printable(view).map(|view| (view, Again::Yes)));
    }
    if has(b'\'') {
        views.extend(quotes(view).map(|view| (view, Again::Yes)));
    }
    if has(b'&') {
        views.extend(entities(view).map(|view| (view, Again::Yes)));
    }
    if has(ESCAPE) {
        views.extend(changed(view, uncoloured(view)));
    }
    if has(0) {
        // Every other byte of a plain text in UTF-16.
        views.extend(changed(view, without(view, &[0])));
    }
    views
}

/// A reading, where it reads something else.
fn changed(view: &View, decoded: View) -> Option<(View, Again)> {
    (decoded.bytes != view.bytes).then_some((decoded, Again::Yes))
}

/// The readings whose form goes on over the ends of lines.
pub(super) fn broken_into_lines(view: &View, least_bytes: usize) -> Vec<View> {
    let mut views = runs::all(view, least_bytes);
    views.extend(dump::all(view));
    views
}

/// The text itself, over the ends of its lines.
pub(super) fn joined(view: &View) -> Option<View> {
    let inner = view.bytes.trim_ascii_end();
    inner.contains(&b'\n').then(|| without(view, b"\n\r"))
}

fn without(view: &View, left_out: &[u8]) -> View {
    let mut out = View::with_capacity(view.bytes.len());
    for (at, byte) in view.bytes.iter().enumerate() {
        if !left_out.contains(byte) {
            out.push(*byte, view, at..at + 1);
        }
    }
    out
}

/// Without what terminals take for colours, titles and links (ECMA-48: CSI and OSC sequences).
fn uncoloured(view: &View) -> View {
    let bytes = &view.bytes;
    let mut out = View::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = match rest {
            [ESCAPE, b'[', after @ ..] => {
                let inner = after.iter().take(MOST_CONTROL);
                let inner = inner
                    .take_while(|byte| (0x20..0x40).contains(*byte))
                    .count();
                after.get(inner).map(|_| inner + 3)
            }
            [ESCAPE, b']', after @ ..] => {
                let inner = after.iter().take(MOST_CONTROL);
                let inner = inner
                    .take_while(|byte| !matches!(**byte, 7 | ESCAPE))
                    .count();
                match after.get(inner..) {
                    Some([7, ..]) => Some(inner + 3),
                    Some([ESCAPE, b'\\', ..]) => Some(inner + 4),
                    _ => None,
                }
            }
            _ => None,
        };
        match length {
            Some(length) => at += length,
            None => {
                out.push(bytes[at], view, at..at + 1);
                at += 1;
            }
        }
    }
    out
}

/// Whether a secret has a space in it, which a `+` may stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Spaces {
    #[default]
    Nowhere,
    InSecrets,
}

/// Whether a reading may be encoded itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    Yes,
    No,
}

/// What was no text decodes to noise.
fn worth_reading(bytes: &[u8]) -> Again {
    let is_text = |byte: &&u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || **byte == 0;
    match bytes.iter().filter(is_text).count() * 10 >= bytes.len() * 8 {
        true => Again::Yes,
        false => Again::No,
    }
}

/// What the number in `\x{…}` is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Braced {
    /// A byte, where it is small enough for one.
    Byte,
    Character,
}

/// Backslashes as JSON, shells and programming languages mean them.
fn escapes(view: &View, braced: Braced) -> View {
    let bytes = &view.bytes;
    let mut out = View::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let next = bytes.get(at + 1).copied().filter(|_| bytes[at] == b'\\');
        let Some(next) = next else {
            out.push(bytes[at], view, at..at + 1);
            at += 1;
            continue;
        };
        let simple = |byte: u8| (vec![byte], 2);
        let (decoded, length) = match next {
            b'n' => simple(b'\n'),
            b't' => simple(b'\t'),
            b'r' => simple(b'\r'),
            b'b' => simple(8),
            b'f' => simple(12),
            b'a' => simple(7),
            b'v' => simple(11),
            b'e' => simple(27),
            b'u' => unicode(&bytes[at..]).unwrap_or_else(|| simple(b'u')),
            b'x' if bytes.get(at + 2) == Some(&b'{') => {
                in_braces(&bytes[at..], braced).unwrap_or_else(|| simple(b'x'))
            }
            b'x' => number(&bytes[at + 2..], 16, 2)
                .and_then(|(value, digits)| Some((vec![u8::try_from(value).ok()?], 2 + digits)))
                .unwrap_or_else(|| simple(b'x')),
            b'0'..=b'7' => number(&bytes[at + 1..], 8, 3)
                .and_then(|(value, digits)| Some((vec![u8::try_from(value).ok()?], 1 + digits)))
                .unwrap_or_else(|| simple(next)),
            other => simple(other),
        };
        for byte in decoded {
            out.push(byte, view, at..at + length);
        }
        at += length;
    }
    out
}

/// `\uXXXX`, a pair of surrogates, or `\u{X…}`, as UTF-8; and how long it is.
fn unicode(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    if text.get(2) == Some(&b'{') {
        return in_braces(text, Braced::Character);
    }
    let four = |text: &[u8]| {
        let (code, digits) = number(text.strip_prefix(b"\\u")?, 16, 4)?;
        (digits == 4).then_some(code)
    };
    let high = four(text)?;
    if let Some(low) = text.get(6..).and_then(four)
        && (0xD800..0xDC00).contains(&high)
        && (0xDC00..0xE000).contains(&low)
    {
        let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        return Some((utf8(code)?, 12));
    }
    Some((utf8(high)?, 6))
}

fn utf8(code: u32) -> Option<Vec<u8>> {
    Some(char::from_u32(code)?.to_string().into_bytes())
}

/// `\x{X…}` or `\u{X…}`, and how long it is.
fn in_braces(text: &[u8], braced: Braced) -> Option<(Vec<u8>, usize)> {
    let (code, digits) = number(text.get(3..)?, 16, 6)?;
    let decoded = match (braced, u8::try_from(code)) {
        (Braced::Byte, Ok(byte)) => vec![byte],
        (Braced::Byte, Err(_)) | (Braced::Character, _) => utf8(code)?,
    };
    (text.get(3 + digits) == Some(&b'}')).then_some((decoded, 4 + digits))
}

/// The number that at most so many digits at the beginning make, and how many they are.
fn number(text: &[u8], radix: u32, most: usize) -> Option<(u32, usize)> {
    let digits = text.iter().take(most);
    let digits: Vec<u32> = digits
        .map_while(|byte| char::from(*byte).to_digit(radix))
        .collect();
    let value = digits.iter().try_fold(0_u32, |sum, digit| {
        sum.checked_mul(radix)?.checked_add(*digit)
    });
    (!digits.is_empty()).then_some((value?, digits.len()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    Itself,
    Space,
}

fn percent(view: &View, plus: Plus) -> View {
    let bytes = &view.bytes;
    let mut out = View::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let value = escape.and_then(|digits| number(digits, 16, 2));
        let (byte, length) = match (bytes[at], value) {
            (_, Some((value, 2))) => (u8::try_from(value).unwrap_or_default(), 3),
            (b'+', _) if plus == Plus::Space => (b' ', 1),
            (byte, _) => (byte, 1),
        };
        out.push(byte, view, at..at + length);
        at += length;
    }
    out
}

/// How mails write what is no text (RFC 2045, 6.7): `=53`, and `=` at the end of a line that goes on.
fn quoted_printable(view: &View) -> Option<View> {
    let bytes = &view.bytes;
    let mut out = View::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let length = match &bytes[at..] {
            [b'=', b'\n', ..] => 2,
            [b'=', b'\r', b'\n', ..] => 3,
            [b'=', digits @ ..] => {
                let digits = digits.get(..2).and_then(|digits| number(digits, 16, 2));
                if let Some((value, 2)) = digits {
                    out.push(value.to_le_bytes()[0], view, at..at + 3);
                    at += 3;
                    continue;
                }
                0
            }
            _ => 0,
        };
        if length == 0 {
            out.push(bytes[at], view, at..at + 1);
        }
        at += length.max(1);
    }
    (out.bytes.len() < bytes.len()).then_some(out)
}

/// How shells write a quote within quotes.
fn quotes(view: &View) -> Option<View> {
    replaced(
        view,
        &[(b"'\\''", b'\''), (b"'\"'\"'", b'\''), (b"''", b'\'')],
    )
}

/// How HTML and XML write characters: by a name, or by a number with up to six digits.
fn entities(view: &View) -> Option<View> {
    let bytes = &view.bytes;
    let mut out = View::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at] == b'&').then(|| entity(&bytes[at..])).flatten() {
            Some((character, length)) => {
                for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                    out.push(byte, view, at..at + length);
                }
                at += length;
            }
            None => {
                out.push(bytes[at], view, at..at + 1);
                at += 1;
            }
        }
    }
    (out.bytes.len() < bytes.len()).then_some(out)
}

/// The character that a text begins with the entity of, and how long that is.
fn entity(text: &[u8]) -> Option<(char, usize)> {
    const NAMED: [(&[u8], char); 5] = [
        (b"&amp;", '&'),
        (b"&lt;", '<'),
        (b"&gt;", '>'),
        (b"&quot;", '"'),
        (b"&apos;", '\''),
    ];
    let named = NAMED.iter().find(|(form, _)| text.starts_with(form));
    if let Some((form, character)) = named {
        return Some((*character, form.len()));
    }
    let after = text.strip_prefix(b"&#")?;
    let (code, digits, before) = match after.first()? {
        b'x' | b'X' => {
            let (code, digits) = number(&after[1..], 16, 6)?;
            (code, digits, 3)
        }
        _ => {
            let (code, digits) = number(after, 10, 7)?;
            (code, digits, 2)
        }
    };
    let ends = text.get(before + digits) == Some(&b';');
    Some((char::from_u32(code).filter(|_| ends)?, before + digits + 1))
}

fn replaced(view: &View, forms: &[(&[u8], u8)]) -> Option<View> {
    let bytes = &view.bytes;
    let mut out = View::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let form = forms.iter().find(|(form, _)| bytes[at..].starts_with(form));
        let (byte, length) = form.map_or((bytes[at], 1), |(form, byte)| (*byte, form.len()));
        out.push(byte, view, at..at + length);
        at += length;
    }
    (out.bytes.len() < bytes.len()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let views = all(&View::of(text.as_bytes()), Spaces::InSecrets, 0);
        views
            .iter()
            .map(|(view, _)| String::from_utf8_lossy(&view.bytes).into_owned())
            .collect()
    }

    #[test]
    fn each_form_is_read() {
        for (coded, plain) in [
            (r"a\u0041\n\\\x42\103\u{44}\ud83d\ude00", "aA\n\\BCD😀"),
            ("a%2Fb%2f%zz%", "a/b/%zz%"),
            ("a+b%2B", "a b+"),
            (r"it'\''s", "it's"),
            (r#"it'"'"'s"#, "it's"),
            ("a&amp;b&#39;", "a&b'"),
            ("&#115;&#x65;&#0099;&#X72;", "secr"),
            (
                "se\x1b[01;31m\x1b[Kcr\x1b]8;;http://x\x07et\x1b[0m",
                "secret",
            ),
            ("s\0e\0c\0r\0", "secr"),
            ("sec\nre\r\nt", "secret"),
            ("=73e=63=\r\nr=65=\nt=", "secret="),
            (r"\x{73}ecr\x{65}\x{0074}", "secret"),
            (r"\x{c3}\x{a4}", "ä"),
            (r"\x{e4}\x{1f600}", "ä😀"),
        ] {
            assert!(
                texts(coded).contains(&plain.to_owned()),
                "{coded}: {:?}",
                texts(coded)
            );
        }
        for (coded, plain) in [
            ("x73656372657421y", "secret!"),
            ("73:65:63:72 65 74", "secret"),
            ("0x73, 0x65, 0x63,\n 0x72, 0x65, 0x74", "secret"),
            (r"\x73\x65\x63\x72\x65\x74", "secret"),
            ("73-65-63-72-65-74", "secret"),
            ("['73', '65', '63', '72', '65', '74']", "secret"),
            ("ONSWG4TFOQQQ====", "secret!"),
            ("PB4HGZLDOJSXIII=", "secret!"),
            ("pb4hgzldojsxiii.example.com", "secret!"),
            ("c2VjcmV0IQ==", "secret!"),
            ("c2Vj\ncmV0\r\nIQ", "secret!"),
            ("abcc2VjcmV0IQ", "secret!"),
            ("-_-_c2VjcmV0IQ", "secret!"),
        ] {
            let read = texts(coded);
            assert!(
                read.iter().any(|text| text.contains(plain)),
                "{coded}: {read:?}"
            );
        }
    }
}
