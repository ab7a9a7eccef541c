//! The few files of `/etc` that a sandbox gets of its own: who it is, and no names of machines.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{SandboxError, error::io_error};

/// Names of the files.
pub(super) const FILES: [&str; 4] = ["passwd", "group", "hosts", "nsswitch.conf"];

/// An empty folder beside them, which stands in for absent ones.
pub(super) const NOTHING: &str = "nothing";

/// Where the files of each user lie.
#[derive(Debug)]
pub(super) struct Etc(PathBuf);

impl Etc {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The folder with the files of this user and group; made where it is missing.
    pub(super) fn of(&self, (uid, gid): (u32, u32)) -> Result<PathBuf, SandboxError> {
        let folder = self.0.join(format!("etc-{uid}-{gid}"));
        let passwd = format!(
            "root:x:0:0:root:/root:/usr/sbin/nologin\nsandbox:x:{uid}:{gid}:sandbox:/tmp:/bin/sh\n"
        );
        let group = format!("root:x:0:\nsandbox:x:{gid}:\n");
        let hosts = "127.0.0.1 localhost sandbox\n::1 localhost\n";
        let switch = "passwd: files\ngroup: files\nhosts: files\n";
        let texts = [passwd.as_str(), &group, hosts, switch];
        let is_made = FILES.iter().zip(texts).all(|(name, text)| {
            fs::read_to_string(folder.join(name)).is_ok_and(|there| there == text)
        });
        if is_made && folder.join(NOTHING).is_dir() {
            return Ok(folder);
        }
        let nothing = folder.join(NOTHING);
        fs::create_dir_all(&nothing).map_err(io_error("create folder", &nothing))?;
        for made in [&folder, &nothing] {
            open_to_all(made)?;
        }
        for (name, text) in FILES.iter().zip(texts) {
            let path = folder.join(name);
            // Whoever reads meanwhile finds a whole file.
            let new = folder.join(format!("{name}.new-{}", super::cell::next_number()));
            fs::write(&new, text).map_err(io_error("write", &new))?;
            open_to_all(&new)?;
            fs::rename(&new, &path).map_err(io_error("write", &path))?;
        }
        Ok(folder)
    }
}

fn open_to_all(path: &Path) -> Result<(), SandboxError> {
    let mode = match path.is_dir() {
        true => 0o755,
        false => 0o644,
    };
    let permissions = fs::Permissions::from_mode(mode);
    fs::set_permissions(path, permissions).map_err(io_error("open", path))
}
