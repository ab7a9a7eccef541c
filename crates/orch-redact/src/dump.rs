//! Readings of dumps: what `xxd`, `hexdump -C` and `od` write of a secret, line by line, between an offset
//! and the same bytes as text.

use super::view::View;

/// Bytes of one line; tools write 16, and less on request.
const MOST_IN_LINE: usize = 32;

/// The order of the bytes in groups of two, as the machine that dumped them has it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Big,
    Little,
}

/// Reads a line, if it is one of a dump.
type Reading<'r> = &'r dyn Fn(&View, Line<'_>, &mut View) -> bool;

/// Every reading of a text that has lines of a dump.
pub(super) fn all(view: &View) -> Vec<View> {
    let readings: [Reading<'_>; 3] = [
        &|view, line, out| hex_line(view, line, Order::Big, out),
        &|view, line, out| hex_line(view, line, Order::Little, out),
        &character_line,
    ];
    readings
        .into_iter()
        .filter_map(|read| {
            let mut out = View::with_capacity(view.bytes.len() / 3);
            let mut found = false;
            for line in lines(&view.bytes) {
                found |= read(view, line, &mut out);
            }
            found.then_some(out)
        })
        .collect()
}

/// A line and where it begins.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    text: &'t [u8],
}

fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split(|byte| *byte == b'\n').map(move |line| {
        let begun = start;
        start += line.len() + 1;
        Line {
            start: begun,
            text: line.strip_suffix(b"\r").unwrap_or(line),
        }
    })
}

/// Where the offset at the beginning of a line ends.
fn offset(line: &[u8]) -> Option<usize> {
    let blank = line.iter().take_while(|byte| **byte == b' ').count();
    let digits = line[blank..].iter();
    let digits = digits.take_while(|byte| byte.is_ascii_hexdigit()).count();
    let mut end = blank + digits;
    if line.get(end) == Some(&b':') {
        end += 1;
    }
    ((4..=16).contains(&digits) && line.get(end).is_none_or(|byte| *byte == b' ')).then_some(end)
}

fn hex_line(view: &View, line: Line<'_>, order: Order, out: &mut View) -> bool {
    let Some(mut at) = offset(line.text) else {
        return false;
    };
    // It writes two blanks before its text, and nowhere else.
    let is_xxd = line.text[..at].ends_with(b":");
    let mut bytes = 0;
    while bytes < MOST_IN_LINE {
        let blank = line.text[at..].iter().take_while(|byte| **byte == b' ');
        let blank = blank.count();
        if is_xxd && blank > 1 {
            break;
        }
        at += blank;
        let group = line.text[at..].iter();
        let length = group.take_while(|byte| byte.is_ascii_hexdigit()).count();
        let ends = line.text.get(at + length).is_none_or(|byte| *byte == b' ');
        if !matches!(length, 2 | 4 | 8) || !ends {
            break;
        }
        let mut pairs: Vec<usize> = (at..at + length).step_by(2).collect();
        if order == Order::Little {
            pairs.reverse();
        }
        for pair in pairs {
            let value = |at: usize| char::from(line.text[at]).to_digit(16).unwrap_or_default();
            let byte = (value(pair) << 4 | value(pair + 1)).to_le_bytes()[0];
            // The line's end shows the same bytes as text.
            out.push(byte, view, line.start + pair..line.start + line.text.len());
        }
        bytes += length / 2;
        at += length;
    }
    bytes > 0
}

/// A line of `od -c`: cells of four characters, each with one byte.
fn character_line(view: &View, line: Line<'_>, out: &mut View) -> bool {
    let Some(end) = offset(line.text) else {
        return false;
    };
    let cells = line.text[end..].chunks_exact(4);
    if !cells.remainder().is_empty() || cells.len() == 0 || cells.len() > MOST_IN_LINE {
        return false;
    }
    let mut decoded = Vec::with_capacity(cells.len());
    for cell in cells {
        let byte = match cell {
            [b' ', b' ', b' ', byte] => *byte,
            [b' ', b' ', b'\\', escaped] => match escaped {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'0' => 0,
                b'a' => 7,
                b'b' => 8,
                b'f' => 12,
                b'v' => 11,
                _ => return false,
            },
            [b' ', octal @ ..] if octal.iter().all(|byte| (b'0'..=b'7').contains(byte)) => {
                let value = octal
                    .iter()
                    .fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0'));
                value.to_le_bytes()[0]
            }
            _ => return false,
        };
        decoded.push(byte);
    }
    for (cell, byte) in decoded.into_iter().enumerate() {
        let start = line.start + end + cell * 4;
        out.push(byte, view, start..start + 4);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        all(&View::of(text.as_bytes()))
            .into_iter()
            .map(|view| String::from_utf8_lossy(&view.bytes).into_owned())
            .collect()
    }

    #[test]
    fn the_dumps_of_the_usual_tools_are_read() {
        let value = "tok-ABCDEF-0123456789";
        for dump in [
            "00000000: 746f 6b2d 4142 4344 4546 2d30 3132 3334  tok-ABCDEF-01234\n00000010: 3536 3738 39                             56789\n",
            "00000000  74 6f 6b 2d 41 42 43 44  45 46 2d 30 31 32 33 34  |tok-ABCDEF-01234|\n00000010  35 36 37 38 39                                    |56789|\n00000015\n",
            "00000000: 746f 6b2d 4142  tok-AB\n00000006: 4344 4546 2d30  CDEF-0\n0000000c: 3132 3334 3536  123456\n00000012: 3738 39         789\n",
            "0000000 74 6f 6b 2d 41 42 43 44 45 46 2d 30 31 32 33 34\n0000020 35 36 37 38 39\n0000025\n",
            "0000000 6f74 2d6b 4241 4443 4645 302d 3231 3433\n0000020 3635 3837 0039\n0000025\n",
            "0000000   t   o   k   -   A   B   C   D   E   F   -   0   1   2   3   4\n0000020   5   6   7   8   9\n0000025\n",
        ] {
            let all = read(dump);
            assert!(
                all.iter().any(|text| text.contains(value)),
                "{dump}: {all:?}"
            );
        }
        assert!(read("nothing of the kind\n  at all").is_empty());
    }
}
