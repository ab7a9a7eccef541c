//! From text to values. Each parser says what is expected, as the end of a sentence.

use std::path::PathBuf;
use std::time::Duration;

/// Longer waits than a year are mistakes.
const LONGEST_SECONDS: f64 = 365.0 * 24.0 * 3600.0;

pub fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// A path, counted from the current folder: whoever gets it may work in another one.
pub fn path(text: &str) -> Result<PathBuf, String> {
    std::path::absolute(text).map_err(|error| format!("must be a path; {error}"))
}

/// An http or https address without a user, a query or a fragment; `example` is one.
pub fn address(example: &'static str) -> impl Fn(&str) -> Result<String, String> {
    move |text| {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        match rest {
            Some(rest) if !rest.is_empty() && !rest.contains(['@', '?', '#', ' ']) => {
                Ok(text.to_owned())
            }
            Some(_) | None => Err(format!(
                "expected an http or https address without a user, such as {example}"
            )),
        }
    }
}

/// `true`, `1`, `yes`, `on` and their opposites, in any case.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

pub fn port(text: &str) -> Result<u16, String> {
    text.parse()
        .map_err(|_| "expected a whole number from 0 to 65535 (0 picks a free port)".to_owned())
}

/// A whole number from `least` to `most`.
pub fn whole(least: u32, most: u32) -> impl Fn(&str) -> Result<u32, String> {
    move |text| match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(format!("expected a whole number from {least} to {most}")),
    }
}

/// A number of bytes.
pub fn bytes(text: &str) -> Result<u64, String> {
    const MOST: u64 = i64::MAX.cast_unsigned();
    let parsed = text.parse().ok().filter(|bytes| *bytes <= MOST);
    parsed.ok_or_else(|| format!("expected a whole number from 0 to {MOST}"))
}

/// Seconds, fractions allowed.
pub fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=LONGEST_SECONDS).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        Ok(_) | Err(_) => Err("expected seconds, 0 or more, such as 1.5".to_owned()),
    }
}

/// A comma-separated list.
pub fn list(text: &str) -> Result<Vec<String>, String> {
    Ok(text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_the_same_from_every_folder() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(path("./data").unwrap(), here.join("data"));
        assert_eq!(path("/srv/data").unwrap(), PathBuf::from("/srv/data"));
        assert!(path("").unwrap_err().starts_with("must be a path"));
    }

    #[test]
    fn switches_are_read_in_any_case_and_nothing_is_guessed() {
        assert_eq!(
            ["True", "1", "YES", "on"].map(|text| switch(text).unwrap()),
            [true; 4]
        );
        assert_eq!(
            ["False", "0", "no", "OFF"].map(|text| switch(text).unwrap()),
            [false; 4]
        );
        assert!(switch("enabled").is_err());
    }

    #[test]
    fn bytes_may_be_more_than_any_disk_has() {
        assert_eq!(bytes("99999999999999"), Ok(99_999_999_999_999));
        for wrong in ["-1", "1G", "18446744073709551615", ""] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seconds_have_fractions_and_are_never_negative_or_endless() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for wrong in ["-1", "inf", "NaN", "1e30", "1s", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
