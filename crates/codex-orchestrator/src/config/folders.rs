//! Where data is kept when nobody says where.

use std::path::{Path, PathBuf};

use super::{Reader, Setting, parse};

pub const DATA_DIR: Setting = Setting::new("ORCH_DATA_DIR").flag("data-dir");

/// The data folder: as set, else `${XDG_DATA_HOME:-~/.local/share}/codex-orchestrator`.
pub fn data_dir(reader: &mut Reader<'_>, flag: Option<&str>) -> PathBuf {
    if let Some(set) = reader.optional(&DATA_DIR, flag, parse::path) {
        return set;
    }
    // The XDG specification: a relative path there is to be ignored.
    let absolute = |name| {
        reader
            .plain(name)
            .map(Path::new)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_DATA_HOME")
        .map(Path::to_path_buf)
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    match base {
        Some(base) => {
            let folder = base.join("codex-orchestrator");
            reader.show(&DATA_DIR, &folder.to_string_lossy());
            folder
        }
        None => {
            let fault = "no data folder: set ORCH_DATA_DIR (or --data-dir), because neither HOME nor XDG_DATA_HOME is set";
            reader.refuse(&DATA_DIR, fault);
            PathBuf::new()
        }
    }
}
