//! Where an entry's name may lead: down, and nowhere else.

/// Longest name of an entry.
const MAX_BYTES: usize = 1_024;
/// Most folders in one name.
const MAX_DEPTH: usize = 64;

/// Judges the text of a name.
///
/// # Errors
/// What it would do, for "the entry … ".
pub fn check(name: &str) -> Result<(), String> {
    parts(name.as_bytes()).map(|_| ())
}

/// The parts of a name; none for the folder itself (`./`).
pub(crate) fn parts(name: &[u8]) -> Result<Vec<String>, String> {
    if name.len() > MAX_BYTES {
        return Err(format!(
            "has a name of {} bytes, more than {MAX_BYTES}",
            name.len()
        ));
    }
    if name.starts_with(b"/") {
        return Err("has an absolute path".to_owned());
    }
    let text = std::str::from_utf8(name).map_err(|_| "has a name that is no UTF-8".to_owned())?;
    if text.chars().any(char::is_control) {
        return Err("has a name with control characters".to_owned());
    }
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("climbs out of its folder with `..`".to_owned()),
            part if part.len() > 255 => return Err("has a name longer than 255 bytes".to_owned()),
            part => parts.push(part.to_owned()),
        }
    }
    if parts.len() > MAX_DEPTH {
        return Err(format!(
            "lies {} folders deep, more than {MAX_DEPTH}",
            parts.len()
        ));
    }
    Ok(parts)
}
