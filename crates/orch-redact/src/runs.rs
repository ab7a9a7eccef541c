//! Decoders of what is written in an alphabet of its own: hex, base32 and base64, run by run.

use super::view::View;

/// Shorter runs hold no secret.
const SHORTEST_HEX: usize = 8;
const SHORTEST_BASE32: usize = 8;
const SHORTEST_BASE64: usize = 6;

/// All runs of hex digits, with or without something between the pairs, from one of two digits on;
/// what stands between runs is a line's end.
pub(super) fn hex(view: &View, parity: usize) -> Option<View> {
    runs(view, SHORTEST_HEX, Alphabet::Hex, |out, digits| {
        for pair in digits.get(parity..).unwrap_or_default().chunks_exact(2) {
            let value = |(_, digit): (usize, u8)| digit;
            let byte = value(pair[0]) << 4 | value(pair[1]);
            out.push(byte, view, pair[0].0..pair[1].0 + 1);
        }
    })
}

/// All runs of base32 in either case, broken into lines or not, from one of eight characters on. Names of
/// hosts, for one, are told in small letters.
pub(super) fn base32(view: &View, offset: usize) -> Option<View> {
    runs(view, SHORTEST_BASE32, Alphabet::Base32, |out, quintets| {
        for group in quintets.get(offset..).unwrap_or_default().chunks(8) {
            let bits = group
                .iter()
                .fold(0_u64, |bits, (_, value)| bits << 5 | u64::from(*value));
            let have = 5 * group.len();
            for number in 0..have / 8 {
                let byte = (bits >> (have - 8 * (number + 1))).to_le_bytes()[0];
                let (first, last) = (group[8 * number / 5].0, group[(8 * number + 7) / 5].0);
                out.push(byte, view, first..last + 1);
            }
        }
    })
}

/// All runs of base64 of either alphabet, broken into lines or not, from one of four characters on.
pub(super) fn base64(view: &View, offset: usize) -> Option<View> {
    runs(view, SHORTEST_BASE64, Alphabet::Base64, |out, sextets| {
        for group in sextets.get(offset..).unwrap_or_default().chunks(4) {
            for two in 0..group.len().saturating_sub(1) {
                let ((first, high), (last, low)) = (group[two], group[two + 1]);
                let shift = 2 * (two as u32 + 1);
                let byte = (u32::from(high) << shift | u32::from(low) >> (6 - shift)) & 0xFF;
                out.push(byte.to_le_bytes()[0], view, first..last + 1);
            }
        }
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Hex,
    Base32,
    Base64,
}

impl Alphabet {
    fn value(self, byte: u8) -> Option<u8> {
        match self {
            Self::Hex => char::from(byte)
                .to_digit(16)
                .map(|digit| digit.to_le_bytes()[0]),
            Self::Base32 => match byte {
                b'A'..=b'Z' => Some(byte - b'A'),
                b'a'..=b'z' => Some(byte - b'a'),
                b'2'..=b'7' => Some(byte - b'2' + 26),
                _ => None,
            },
            Self::Base64 => match byte {
                b'A'..=b'Z' => Some(byte - b'A'),
                b'a'..=b'z' => Some(byte - b'a' + 26),
                b'0'..=b'9' => Some(byte - b'0' + 52),
                b'+' | b'-' => Some(62),
                b'/' | b'_' => Some(63),
                _ => None,
            },
        }
    }

    /// What may stand inside of a run and belongs to no character.
    fn is_between(self, byte: u8) -> bool {
        match self {
            Self::Hex => b" :\n\r\t,;-\"'[]{}()".contains(&byte),
            Self::Base32 | Self::Base64 => b"\n\r".contains(&byte),
        }
    }
}

/// Decodes each run of an alphabet; none where there is no run.
fn runs(
    view: &View,
    shortest: usize,
    alphabet: Alphabet,
    mut decode: impl FnMut(&mut View, &[(usize, u8)]),
) -> Option<View> {
    let mut out = View::with_capacity(view.bytes.len());
    let mut run = Vec::new();
    let mut close = |run: &mut Vec<(usize, u8)>, out: &mut View| {
        if run.len() >= shortest {
            decode(out, run);
        }
        run.clear();
    };
    let mut skipped = 0;
    for (at, byte) in view.bytes.iter().enumerate() {
        if skipped > 0 {
            skipped -= 1;
            continue;
        }
        if alphabet == Alphabet::Hex && is_hex_prefix(&view.bytes[at..]) {
            skipped = 1;
            continue;
        }
        match alphabet.value(*byte) {
            Some(value) => run.push((at, value)),
            None if alphabet.is_between(*byte) => {}
            None => {
                let before = out.bytes.len();
                close(&mut run, &mut out);
                if out.bytes.len() > before {
                    // Nothing goes on from one run to the next.
                    out.push(b'\n', view, at..at + 1);
                }
            }
        }
    }
    close(&mut run, &mut out);
    (!out.bytes.is_empty()).then_some(out)
}

/// `0x` or `\\x` before the two digits of a byte.
fn is_hex_prefix(text: &[u8]) -> bool {
    match text {
        [b'0' | b'\\', b'x' | b'X', high, low, ..] => {
            high.is_ascii_hexdigit() && low.is_ascii_hexdigit()
        }
        _ => false,
    }
}
