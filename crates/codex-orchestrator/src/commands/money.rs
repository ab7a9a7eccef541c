//! Amounts of money on the command line: dollars there, whole micro-dollars within.

/// Reads dollars with up to six places, such as `5`, `$5` or `0.25`.
pub fn dollars(text: &str) -> Result<u64, String> {
    let expected = || {
        format!("`{text}` is no amount; expected dollars with up to six places, such as 5 or 0.25")
    };
    let bare = text.strip_prefix('$').unwrap_or(text);
    let (whole, places) = bare.split_once('.').unwrap_or((bare, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if bare.ends_with('.')
        || whole.is_empty()
        || !digits(whole)
        || !digits(places)
        || places.len() > 6
    {
        return Err(expected());
    }
    let whole: u64 = whole.parse().map_err(|_| expected())?;
    let places: u64 = format!("{places:0<6}").parse().map_err(|_| expected())?;
    whole
        .checked_mul(1_000_000)
        .and_then(|micros| micros.checked_add(places))
        .ok_or_else(expected)
}

/// As people read it: `$1.25`, and as many places as there are.
pub fn shown(micros: u64) -> String {
    let places = format!("{:06}", micros % 1_000_000);
    let short = places.trim_end_matches('0');
    format!("${}.{short:0<2}", micros / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_to_the_last_place_and_never_guessed() {
        assert_eq!(dollars("5"), Ok(5_000_000));
        assert_eq!(dollars("$0.25"), Ok(250_000));
        assert_eq!(dollars("0.000001"), Ok(1));
        for wrong in [
            "",
            "$",
            ".5",
            "5.",
            "-1",
            "1,5",
            "1e3",
            "0.0000001",
            "99999999999999999999",
        ] {
            assert!(dollars(wrong).is_err(), "{wrong}");
        }
    }
}
