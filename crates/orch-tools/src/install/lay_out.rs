//! What is fetched becomes the tool's folder.

use std::{fs, path::Path};

use orch_archive::{unpack, unpack_deb};

use super::InstallError;
use crate::{Absolute, ArchiveBounds, Kind, Locked};

/// Unpacks the files that were fetched, `0`, `1` and so on, into the empty `root`. A file that the
/// entry's steps name is left to them as it is.
pub(crate) fn lay_out(
    tool: &Locked,
    fetched: &Path,
    root: &Path,
    left_to_steps: Option<&str>,
) -> Result<(), InstallError> {
    let bounds = ArchiveBounds::default();
    let first = fetched.join("0");
    let strip = usize::from(tool.strip.unwrap_or(0));
    match tool.kind {
        Kind::Source => {
            if let Some(name) = left_to_steps {
                let to = root.join(name);
                return fs::copy(&first, &to)
                    .map(drop)
                    .map_err(InstallError::io("copy to", &to));
            }
            let name = tool.bin.values().next();
            let plain = name.map_or(tool.name.as_str(), String::as_str);
            // A program that is no archive is called by the entry's name, or as `bin` says.
            let plain = plain.rsplit('/').next().unwrap_or(plain);
            unpack(&first, root, plain, strip, Absolute::Refused, bounds)?;
        }
        Kind::Crate => {
            unpack(&first, root, &tool.name, 1, Absolute::Refused, bounds)?;
        }
        Kind::Pypi => {
            for place in 0..tool.files.len() {
                unpack_wheel(&fetched.join(place.to_string()), root, bounds)?;
            }
        }
        Kind::Apt => {
            for place in 0..tool.files.len() {
                unpack_deb(&fetched.join(place.to_string()), root, bounds)?;
            }
        }
        Kind::Npm => lay_out_npm(tool, fetched, root, bounds)?,
    }
    Ok(())
}

/// A wheel into the folder that Python looks in; several share it.
fn unpack_wheel(wheel: &Path, root: &Path, bounds: ArchiveBounds) -> Result<(), InstallError> {
    let packages = root.join("lib");
    fs::create_dir_all(&packages).map_err(InstallError::io("make the folder", &packages))?;
    unpack(wheel, &packages, "wheel", 0, Absolute::Refused, bounds)?;
    Ok(())
}

/// Each package in a folder of its own, its needs linked beside it: `store/<n>/node_modules/<name>`.
fn lay_out_npm(
    tool: &Locked,
    fetched: &Path,
    root: &Path,
    bounds: ArchiveBounds,
) -> Result<(), InstallError> {
    let home = |place: usize| {
        root.join("store")
            .join(place.to_string())
            .join("node_modules")
    };
    for (place, file) in tool.files.iter().enumerate() {
        let folder = home(place).join(&file.name);
        fs::create_dir_all(&folder).map_err(InstallError::io("make the folder", &folder))?;
        let archive = fetched.join(place.to_string());
        unpack(&archive, &folder, &file.name, 1, Absolute::Refused, bounds)?;
    }
    for (place, file) in tool.files.iter().enumerate() {
        for (name, need) in &file.needs {
            let link = home(place).join(name);
            let needed = tool
                .files
                .get(*need)
                .map_or("", |needed| needed.name.as_str());
            if name == &file.name {
                continue;
            }
            if let Some(above) = link.parent() {
                fs::create_dir_all(above).map_err(InstallError::io("make the folder", above))?;
            }
            // A scope is one folder more to climb.
            let up = "../".repeat(2 + name.matches('/').count());
            let target = format!("{up}{need}/node_modules/{needed}");
            std::os::unix::fs::symlink(&target, &link).map_err(InstallError::io("link", &link))?;
        }
    }
    Ok(())
}
