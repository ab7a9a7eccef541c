//! Which file is run for Codex, and what of the disk it needs.
//!
//! The package that npm installs begins with a script that starts the real program. In a sandbox the
//! program itself is started: the script's interpreter may lie out of its sight.

use std::{
    fs,
    path::{Path, PathBuf},
};

use orch_sandbox::exec::which;

use super::CodexError;

/// A Codex that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// What is started.
    pub program: PathBuf,
    /// Folders of programs that it brings along.
    pub beside: Vec<PathBuf>,
}

/// Looks for `bin` along `path`, and for the program behind it.
///
/// # Errors
/// [`CodexError::Missing`].
pub fn installed(bin: &Path, path: &str) -> Result<Installed, CodexError> {
    let named = bin.to_string_lossy();
    let found = which(&named, path).ok_or_else(|| CodexError::Missing {
        bin: bin.to_owned(),
        path: path.to_owned(),
    })?;
    let real = found.canonicalize().unwrap_or_else(|_| found.clone());
    if is_elf(&real) {
        return Ok(Installed {
            beside: beside(&real),
            program: real,
        });
    }
    // `node_modules/@openai/codex/bin/codex.js`, beside or above `@openai/codex-<platform>`.
    let packages = real
        .ancestors()
        .filter(|folder| folder.ends_with("@openai") || folder.ends_with("node_modules/@openai"));
    let native = packages
        .flat_map(entries)
        .chain(real.ancestors().flat_map(|folder| {
            let inner = folder.join("node_modules/@openai");
            entries(&inner)
        }))
        .filter(|folder| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("codex-")
        })
        .flat_map(|folder| entries(&folder.join("vendor")))
        .map(|folder| folder.join("bin/codex"))
        .find(|program| is_elf(program));
    Ok(match native {
        Some(program) => Installed {
            beside: beside(&program),
            program,
        },
        None => Installed {
            program: found,
            beside: Vec::new(),
        },
    })
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// `codex-path` of the package, with the search tool in it.
fn beside(program: &Path) -> Vec<PathBuf> {
    let package = program.parent().and_then(Path::parent);
    let folder = package.map(|package| package.join("codex-path"));
    folder
        .filter(|folder| folder.is_dir())
        .into_iter()
        .collect()
}

fn is_elf(file: &Path) -> bool {
    use std::io::Read as _;
    let mut magic = [0; 4];
    let read = fs::File::open(file).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == *b"\x7fELF"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_behind_the_script_of_a_package_is_found() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let top = tempfile::tempdir().unwrap();
        let top = top.path().canonicalize().unwrap();
        let modules = top.join("node_modules");
        let vendor = modules.join("@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl");
        for folder in [
            modules.join(".bin"),
            modules.join("@openai/codex/bin"),
            vendor.join("bin"),
            vendor.join("codex-path"),
        ] {
            fs::create_dir_all(folder).unwrap();
        }
        let script = modules.join("@openai/codex/bin/codex.js");
        fs::write(&script, "#!/usr/bin/env node\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let link = modules.join(".bin/codex");
        symlink("../@openai/codex/bin/codex.js", &link).unwrap();

        let found = installed(&link, "/usr/bin").unwrap();
        assert_eq!(found.program, link);

        fs::write(vendor.join("bin/codex"), b"\x7fELFrest").unwrap();
        let expected = Installed {
            program: vendor.join("bin/codex"),
            beside: vec![vendor.join("codex-path")],
        };
        assert_eq!(installed(&link, "/usr/bin").unwrap(), expected);
        assert!(installed(Path::new("no-codex-here"), "/usr/bin").is_err());
    }
}
