//! The rules that single values of a recipe must obey, whatever format they came in.
//!
//! Each rule answers with a message that says what was found and what is expected; the reader adds
//! the place. Nothing here touches the file system: a path is judged by its text alone.

use std::time::Duration;

use super::model::Checksum;
use super::read::MAX_TIMEOUT;
use crate::seen::is_unseen;
use crate::version::{Range, Version};

/// Text made fit for a message: at most 80 characters, nothing that a terminal would obey.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    let mut short: String = text
        .chars()
        .take(MAX_CHARS)
        .flat_map(|character| {
            let escape = is_unseen(character);
            let escaped = escape.then(|| character.escape_default());
            let kept = (!escape).then_some(character);
            escaped.into_iter().flatten().chain(kept)
        })
        .collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        short.push('…');
    }
    short
}

/// Whether `name` can be an environment variable: `[A-Za-z_][A-Za-z0-9_]*`.
///
/// # Errors
/// A message that names the variable and the rule.
pub fn check_env_name(name: &str) -> Result<(), String> {
    let mut bytes = name.bytes();
    let starts = bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    if starts && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(());
    }
    Err(format!(
        "`{}` is no environment variable name; expected letters, digits and underscores, not beginning with a digit",
        excerpt(name)
    ))
}

/// Reads a number of seconds, to the millisecond.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let expected = "expected seconds as a positive number, such as 60 or 0.5";
    let got = excerpt(text);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Err(format!(
            "an infinite timeout is not allowed, {expected}; leave it out for the run's own limit"
        ));
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(format!("{got} is not a number of seconds, {expected}"));
    }
    let seconds = seconds(text).ok_or_else(|| format!("got {got}, {expected}"))?;
    if seconds < 0.0 {
        return Err(format!(
            "a negative timeout ({got}) is not allowed, {expected}"
        ));
    }
    if seconds > MAX_TIMEOUT.as_secs_f64() {
        return Err(format!(
            "a timeout of {got} seconds is too long, at most {} (30 days) are allowed",
            MAX_TIMEOUT.as_secs()
        ));
    }
    if seconds == 0.0 {
        return Err(format!(
            "a timeout of zero is not allowed, {expected}; leave it out for the run's own limit"
        ));
    }
    let milliseconds = (seconds * 1000.0).round();
    if milliseconds < 1.0 {
        return Err(format!(
            "a timeout of {got} seconds is too short, at least 0.001 is needed"
        ));
    }
    Ok(Duration::from_millis(milliseconds as u64))
}

fn seconds(text: &str) -> Option<f64> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(|n| n as f64);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().map(|n| n as f64);
    }
    text.parse().ok()
}

/// Whether a step's folder stays inside the workspace, judged by its text.
pub(crate) fn check_cwd(cwd: &str) -> Result<(), String> {
    let expected = "expected a folder relative to the workspace, such as ./deploy";
    let got = excerpt(cwd);
    if cwd.is_empty() {
        return Err(format!("the folder is empty, {expected}"));
    }
    if cwd.contains('\\') {
        return Err(format!("`{got}` contains a backslash, {expected}"));
    }
    if cwd.chars().any(char::is_control) {
        return Err(format!("`{got}` contains a control character, {expected}"));
    }
    if cwd.starts_with('/') {
        return Err(format!("`{got}` is an absolute path, {expected}"));
    }
    if cwd == "~" || cwd.starts_with("~/") {
        return Err(format!("`{got}` is in the home folder, {expected}"));
    }
    match inside_workspace(cwd) {
        Some(_) => Ok(()),
        None => Err(format!("`{got}` leads out of the workspace, {expected}")),
    }
}

/// The folder without `.` and `..`, or none when it leads out of the workspace on the way.
pub(crate) fn inside_workspace(cwd: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in cwd.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    })
}

/// Reads `sha256:<hex>` with 1 to 64 digits; the documents' own example is a short one.
pub(crate) fn parse_checksum(text: &str) -> Result<Checksum, String> {
    let expected = "expected sha256: followed by up to 64 hex digits";
    let got = excerpt(text);
    let Some((algorithm, digits)) = text.split_once(':') else {
        return Err(format!("`{got}` names no algorithm, {expected}"));
    };
    if !algorithm.eq_ignore_ascii_case("sha256") {
        return Err(format!(
            "checksum algorithm `{}` is not supported, {expected}",
            excerpt(algorithm)
        ));
    }
    if digits.is_empty() {
        return Err(format!("`{got}` has no digits, {expected}"));
    }
    if let Some(wrong) = digits.chars().find(|digit| !digit.is_ascii_hexdigit()) {
        return Err(format!(
            "`{got}` contains `{}`, which is no hex digit, {expected}",
            excerpt(&wrong.to_string())
        ));
    }
    if digits.len() > 64 {
        return Err(format!("`{got}` has {} digits, {expected}", digits.len()));
    }
    Ok(Checksum::from_valid_hex(digits.to_ascii_lowercase()))
}

/// Whether a tool's name can stand in a path, a URL and a message without harm.
///
/// # Errors
/// A message that says what is expected.
pub fn check_tool_name(name: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"@._+/-".contains(&byte);
    let starts = name
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric() || first == b'@');
    let parts_fine = name
        .split('/')
        .all(|part| !part.is_empty() && !part.bytes().all(|byte| byte == b'.'));
    if starts && name.len() <= 128 && name.bytes().all(allowed) && parts_fine {
        return Ok(());
    }
    Err(format!(
        "`{}` is no tool name; expected up to 128 letters, digits and any of @ . _ + / -, beginning with a letter or digit",
        excerpt(name)
    ))
}

/// Whether a tool's version can be looked for: a range, or a version as Debian writes them.
pub(crate) fn check_wanted_version(text: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".+-~:".contains(&byte);
    let is_debian = || text.bytes().all(allowed) && Version::debian(text).is_some();
    match Range::parse(text) {
        Err(why) if !is_debian() => Err(why),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether a version, a label or the like is short and printable.
pub(crate) fn check_label(label: &str) -> Result<(), String> {
    if label.trim().is_empty() {
        return Err("the text is empty; leave the key out instead".to_owned());
    }
    if label.chars().count() > 256 || label.chars().any(char::is_control) {
        return Err(format!(
            "`{}` is not a label; expected up to 256 printable characters on one line",
            excerpt(label)
        ));
    }
    Ok(())
}

/// Reads a host of an allow-list: a name, `*.name`, or an address, each with an optional port. In
/// lower case.
///
/// # Errors
/// A message that says what is wrong with it and what is expected.
pub fn parse_host(text: &str) -> Result<String, String> {
    let expected = "expected a host such as registry.npmjs.org, *.example.com or 10.0.0.1:8443";
    let got = excerpt(text);
    if text.contains("://") || text.contains('/') {
        return Err(format!("`{got}` is a URL or a path, {expected}"));
    }
    let (host, port) = split_port(text);
    let port_fine = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number > 0));
    let host_fine = match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => is_host_name(host.strip_prefix("*.").unwrap_or(host)),
    };
    if host_fine && port_fine {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("`{got}` is no host, {expected}"))
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

fn is_host_name(host: &str) -> bool {
    host.len() <= 253
        && host.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        })
}

/// Whether a tool can be fetched from `url`.
pub(crate) fn check_url(url: &str) -> Result<(), String> {
    let rest = ["https://", "http://", "file:///"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let fine = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !url.chars().any(|c| c.is_control() || c.is_whitespace());
    if fine {
        return Ok(());
    }
    Err(format!(
        "`{}` is no address to fetch from; expected https://…, http://… or file:///…",
        excerpt(url)
    ))
}
