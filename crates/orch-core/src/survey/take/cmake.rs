//! C and C++: CMake, Meson, autoconf.

use super::found::{Found, Needed};
use crate::survey::model::{Basis, EntryKind, Place, Purpose, Scope};
use crate::survey::tree::{around, folder, inside, name};

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    let place = || Place::whole(path);
    match name(path) {
        "CMakeLists.txt" => cmake(found, path, text),
        "meson.build"
            if !found.tree.has(&inside(folder(folder(path)), "meson.build"))
                || !path.contains('/') =>
        {
            let build = "meson setup build && meson compile -C build";
            found.command(Purpose::Build, build, Basis::Convention, place());
            found.command(
                Purpose::Test,
                "meson test -C build",
                Basis::Convention,
                place(),
            );
        }
        "configure.ac" => {
            let build = "autoreconf -i && ./configure && make";
            found.command(Purpose::Build, build, Basis::Convention, place());
        }
        _ => {}
    }
}

fn cmake(found: &mut Found<'_>, path: &str, text: &str) {
    let home = folder(path);
    let is_outermost = home.is_empty()
        || around(home)
            .skip(1)
            .all(|outer| !found.tree.has(&inside(outer, "CMakeLists.txt")));
    let mut is_counted = false;
    for (at, line) in text.lines().enumerate().take(20_000) {
        let line = line.trim();
        let Some((call, rest)) = line.split_once('(') else {
            continue;
        };
        let call = call.trim().to_ascii_lowercase();
        let first = rest.split([' ', ')', '\t']).next().unwrap_or("").trim();
        let place = Place::line(path, at as u32 + 1);
        match call.as_str() {
            "project" => {
                if !is_counted {
                    is_counted = true;
                    found.manifest(path, "cmake", Some(first), None);
                }
                if is_outermost {
                    let build = "cmake -S . -B build && cmake --build build";
                    found.command(Purpose::Build, build, Basis::Convention, place);
                }
            }
            "enable_testing" | "add_test" if is_outermost => {
                let test = "ctest --test-dir build";
                found.command(Purpose::Test, test, Basis::Convention, place);
            }
            "add_executable" => {
                found.entry(EntryKind::Binary, first, None, Vec::new(), place);
            }
            "add_library" => found.entry(EntryKind::Library, first, None, Vec::new(), place),
            "find_package" => {
                let version = rest.split([' ', ')', '\t']).nth(1);
                let version = version.filter(|v| v.starts_with(|c: char| c.is_ascii_digit()));
                found.dependency(Needed {
                    ecosystem: "cmake",
                    name: first,
                    version,
                    scope: Scope::Runtime,
                    pinned: false,
                    place,
                });
            }
            _ => {}
        }
    }
}
