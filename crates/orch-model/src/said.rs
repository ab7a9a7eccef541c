//! What a provider or a program says, made fit for a message: one line, bounded, without control
//! characters and without the key.

use orch_core::seen::seen;

/// Characters of one saying.
const MOST: usize = 600;

/// Cleans `text`; `key` is what must not show.
pub(crate) fn clean(text: &str, key: Option<&str>) -> String {
    let hidden = match key {
        Some(key) if key.len() >= 4 => text.replace(key, "[key]"),
        Some(_) | None => text.to_owned(),
    };
    let mut out = String::new();
    let (mut taken, mut gap) = (0, false);
    for c in seen(&hidden) {
        if c.is_whitespace() || c.is_control() {
            gap = !out.is_empty();
            continue;
        }
        if taken >= MOST {
            out.push('…');
            break;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
            taken += 1;
        }
        out.push(c);
        taken += 1;
    }
    out
}

/// An error with its causes in one line, as far as they say something new.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    clean(&text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saying_is_one_bounded_line_without_the_key() {
        assert_eq!(
            clean(" bad\u{1b}[31m key\r\n sk-abcd\u{202e}! ", Some("sk-abcd")),
            "bad [31m key [key]!"
        );
        let long = clean(&"ä".repeat(10_000), None);
        assert_eq!(long.chars().count(), MOST + 1);
        assert_eq!(clean("\u{0}\n\t", None), "");
    }
}
