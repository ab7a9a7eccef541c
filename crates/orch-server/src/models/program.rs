//! Whether a program that is a model can be started, as far as that can be seen without starting it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Why it cannot be started, if it cannot.
pub(super) fn fault(program: &str, folder: Option<&Path>, path: &str) -> Option<String> {
    let mut found: Vec<PathBuf> = match program.contains('/') {
        true => vec![folder.unwrap_or(Path::new("")).join(program)],
        false => std::env::split_paths(path)
            .map(|folder| folder.join(program))
            .collect(),
    };
    found.retain(|file| file.is_file());
    if found.iter().any(|file| is_executable(file)) {
        return None;
    }
    Some(match (found.first(), program.contains('/')) {
        (Some(file), _) => format!("{} is not executable", file.display()),
        (None, true) => format!("there is no program {program}"),
        (None, false) => format!("there is no program {program} in PATH"),
    })
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|known| known.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn a_program_is_there_and_may_be_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("llm");
        let (whole, path) = (
            file.display().to_string(),
            folder.path().display().to_string(),
        );
        let of = |program: &str| fault(program, Some(folder.path()), &path);
        assert_eq!(of("llm").unwrap(), "there is no program llm in PATH");
        assert_eq!(of(&whole).unwrap(), format!("there is no program {whole}"));
        std::fs::write(&file, "#!/bin/sh").unwrap();
        assert_eq!(of("llm").unwrap(), format!("{whole} is not executable"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&file, mode).unwrap();
        for program in ["llm", "./llm", &whole] {
            assert_eq!(of(program), None);
        }
    }
}
