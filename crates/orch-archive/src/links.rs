//! Whether symbolic links stay inside: resolved as the kernel would, over names alone.

use std::collections::BTreeMap;

/// Links that are followed on one way.
const MAX_HOPS: usize = 40;

/// The links of an archive: the path of each, and what it points to.
pub type Links = BTreeMap<Vec<String>, String>;

/// Whether following the link at `path` never leaves the top.
///
/// # Errors
/// What it would do.
pub(crate) fn check(links: &Links, path: &[String]) -> Result<(), String> {
    let mut at: Vec<String> = Vec::new();
    let mut way: Vec<String> = path.iter().rev().cloned().collect();
    let mut hops = 0;
    while let Some(part) = way.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                if at.pop().is_none() {
                    return Err("is a link that leads out of the folder".to_owned());
                }
                continue;
            }
            _ => at.push(part),
        }
        let Some(target) = links.get(&at) else {
            continue;
        };
        hops += 1;
        if hops > MAX_HOPS {
            return Err("is a link that goes round in circles".to_owned());
        }
        if target.starts_with('/') {
            return Err(format!(
                "is a link to the absolute path `{}`",
                crate::error::shown(target.as_bytes())
            ));
        }
        at.pop();
        way.extend(target.split('/').rev().map(str::to_owned));
    }
    Ok(())
}

/// Whether all links of a folder stay inside.
///
/// # Errors
/// The first that does not, and what it would do.
pub fn check_all(links: &Links) -> Result<(), (Vec<String>, String)> {
    for path in links.keys() {
        check(links, path).map_err(|why| (path.clone(), why))?;
    }
    Ok(())
}
