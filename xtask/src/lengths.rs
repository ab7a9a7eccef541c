//! How long files are: over 800 lines is a fault.

use std::path::Path;

use walkdir::WalkDir;

const LONGEST: usize = 800;

/// Every source file that is too long.
pub fn faults(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    for folder in ["crates", "xtask", "tests", "bench"] {
        for entry in WalkDir::new(root.join(folder))
            .into_iter()
            .filter_map(Result::ok)
        {
            if entry
                .path()
                .extension()
                .is_none_or(|extension| extension != "rs")
            {
                continue;
            }
            let lines = std::fs::read_to_string(entry.path())?.lines().count();
            if lines > LONGEST {
                faults.push(format!(
                    "{} has {lines} lines; over {LONGEST} is a fault",
                    entry.path().display()
                ));
            }
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    #[test]
    fn files_of_this_repository_are_readable() {
        assert_eq!(super::faults(&crate::root()).unwrap(), Vec::<String>::new());
    }
}
