//! Decoders of what is written in an alphabet of its own: hex, base32 and base64, run by run.

use super::view::View;

/// Shorter runs hold no secret.
const SHORTEST_HEX: usize = 8;
const SHORTEST_BASE32: usize = 8;
const SHORTEST_BASE64: usize = 6;

/// All readings of runs that may hold `least_bytes`; a text of everyday has none of these, mostly.
pub(super) fn all(view: &View, least_bytes: usize) -> Vec<View> {
    let mut views = Vec::new();
    let digits = runs(view, SHORTEST_HEX.max(2 * least_bytes), Alphabet::Hex);
    views.extend(
        [0, 1]
            .into_iter()
            .filter_map(|parity| hex(view, &digits, parity)),
    );
    let sextets = runs(
        view,
        SHORTEST_BASE64.max(8 * least_bytes / 6),
        Alphabet::Base64,
    );
    views.extend((0..4).filter_map(|offset| base64(view, &sextets, offset)));
    let quintets = runs(
        view,
        SHORTEST_BASE32.max(8 * least_bytes / 5),
        Alphabet::Base32,
    );
    views.extend((0..8).filter_map(|offset| base32(view, &quintets, offset)));
    views
}

/// Characters of one run with their places, and the place of what ends it.
struct Run {
    values: Vec<(usize, u8)>,
    ends: Option<usize>,
}

/// All runs of hex digits, with or without something between the pairs, from one of two digits on;
/// what stands between runs is a line's end.
fn hex(view: &View, runs: &[Run], parity: usize) -> Option<View> {
    decoded(view, runs, parity, |out, digits| {
        for pair in digits.chunks_exact(2) {
            let value = |(_, digit): (usize, u8)| digit;
            let byte = value(pair[0]) << 4 | value(pair[1]);
            out.push(byte, view, pair[0].0..pair[1].0 + 1);
        }
    })
}

/// All runs of base32 in either case, broken into lines or not, from one of eight characters on. Names of
/// hosts, for one, are told in small letters.
fn base32(view: &View, runs: &[Run], offset: usize) -> Option<View> {
    decoded(view, runs, offset, |out, quintets| {
        for group in quintets.chunks(8) {
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
fn base64(view: &View, runs: &[Run], offset: usize) -> Option<View> {
    decoded(view, runs, offset, |out, sextets| {
        for group in sextets.chunks(4) {
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

/// What a byte is in an alphabet.
#[derive(Clone, Copy)]
enum Sort {
    Of(u8),
    Between,
    Other,
}

/// The runs of an alphabet that are not too short.
fn runs(view: &View, shortest: usize, alphabet: Alphabet) -> Vec<Run> {
    let sorts: [Sort; 256] = std::array::from_fn(|byte| {
        let byte = byte.to_le_bytes()[0];
        match alphabet.value(byte) {
            Some(value) => Sort::Of(value),
            None if alphabet.is_between(byte) => Sort::Between,
            None => Sort::Other,
        }
    });
    let mut found = Vec::new();
    let mut values = Vec::new();
    let mut close = |values: &mut Vec<(usize, u8)>, ends: Option<usize>| {
        if values.len() >= shortest {
            let values = std::mem::take(values);
            found.push(Run { values, ends });
        }
        values.clear();
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
        match sorts[usize::from(*byte)] {
            Sort::Of(value) => values.push((at, value)),
            Sort::Between => {}
            Sort::Other => close(&mut values, Some(at)),
        }
    }
    close(&mut values, None);
    found
}

/// Decodes each run from one of its characters on; none where nothing decodes.
fn decoded(
    view: &View,
    runs: &[Run],
    offset: usize,
    decode: impl Fn(&mut View, &[(usize, u8)]),
) -> Option<View> {
    let length = runs.iter().map(|run| run.values.len() + 1).sum();
    let mut out = View::with_capacity(length);
    for run in runs {
        let before = out.bytes.len();
        decode(&mut out, run.values.get(offset..).unwrap_or_default());
        if let Some(at) = run.ends
            && out.bytes.len() > before
        {
            // Nothing goes on from one run to the next.
            out.push(b'\n', view, at..at + 1);
        }
    }
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
