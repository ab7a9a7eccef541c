//! All roles that there are: those that come with the program, and those of a folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use rust_embed::RustEmbed;

use super::file::MAX_BYTES;
use super::{Role, RoleError};

/// Files of a folder.
const MOST: usize = 200;
/// Where parts stand that several templates include.
const PARTS: &str = "parts/";

#[derive(RustEmbed)]
#[folder = "roles/"]
struct Files;

/// Roles by name.
#[derive(Clone, Debug)]
pub struct Roles {
    roles: BTreeMap<String, Role>,
    parts: BTreeMap<String, String>,
}

impl Roles {
    /// Those that come with the program; they are read once.
    #[must_use]
    pub fn built_in() -> Self {
        static READ: LazyLock<Roles> = LazyLock::new(Roles::read_built_in);
        READ.clone()
    }

    fn read_built_in() -> Self {
        let mut all = Self {
            roles: BTreeMap::new(),
            parts: BTreeMap::new(),
        };
        for path in Files::iter() {
            let file = Files::get(&path).expect("invariant: a listed file is embedded");
            let text = String::from_utf8(file.data.into_owned())
                .expect("invariant: the program's roles are UTF-8");
            all.add(&path, text)
                .expect("invariant: the program's roles are valid; a test reads them");
        }
        all
    }

    /// With those of a folder: `*.md`, which add to the program's or replace them.
    ///
    /// # Errors
    /// When the folder cannot be read, or a file is no role.
    pub fn with_folder(mut self, folder: &Path) -> Result<Self, RoleError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| RoleError::Io { path, source }
        };
        let mut count = 0;
        for entry in std::fs::read_dir(folder).map_err(io(folder))? {
            let path = entry.map_err(io(folder))?.path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            count += 1;
            if count > MOST {
                let path = folder.to_owned();
                return Err(RoleError::TooMany { path, most: MOST });
            }
            let place = path.display().to_string();
            let size = std::fs::metadata(&path).map_err(io(&path))?;
            if !size.is_file() || size.len() > MAX_BYTES as u64 {
                return Err(RoleError::Invalid {
                    place,
                    why: format!("it is no file of at most {MAX_BYTES} bytes"),
                });
            }
            let text = std::fs::read_to_string(&path).map_err(io(&path))?;
            self.add(&place, text)?;
        }
        Ok(self)
    }

    fn add(&mut self, place: &str, text: String) -> Result<(), RoleError> {
        if place.starts_with(PARTS) {
            self.parts.insert(place.to_owned(), text);
            return Ok(());
        }
        let role = Role::parse(place, &text)?;
        self.roles.insert(role.name.clone(), role);
        Ok(())
    }

    /// Puts a role in place of the one of the same name, or beside the others.
    pub fn put(&mut self, role: Role) {
        self.roles.insert(role.name.clone(), role);
    }

    /// The role that a request names: `test_generator`, `TestGenerator` and `test-generator` are one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Role> {
        let wanted = plain(name);
        self.roles
            .get(name)
            .or_else(|| self.roles.values().find(|role| plain(&role.name) == wanted))
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

/// A name without case and separators.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Material;

    #[test]
    fn every_role_of_the_program_writes_its_prompt() {
        let roles = Roles::built_in();
        let material = Material {
            prompt: "a shop".to_owned(),
            ..Material::default()
        };
        let mut names = vec![];
        for role in roles.all() {
            let ask = roles.ask(role, &material).unwrap();
            assert!(
                ask.system.contains("do not"),
                "{}: {}",
                role.name,
                ask.system
            );
            names.push(role.title.as_str());
        }
        let wanted = "Architect Breakdown Code Debug Developer Infra Planner QA ReleaseManager Requirements Reviewer Security Spec TechWriter TestGenerator";
        names.sort_unstable();
        assert_eq!(names.join(" "), wanted);
    }

    #[test]
    fn names_are_found_however_they_are_spelt() {
        let roles = Roles::built_in();
        for name in [
            "test_generator",
            "TestGenerator",
            "test-generator",
            "Test Generator",
        ] {
            assert_eq!(
                roles.find(name).map(|role| role.name.as_str()),
                Some("test_generator")
            );
        }
        assert!(roles.find("tester").is_none());
    }

    #[test]
    fn a_folder_adds_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, title: &str| {
            let text = format!(
                "+++\nname = \"{name}\"\ntitle = \"{title}\"\nabout = \"-\"\n+++\n+++\nSay hello."
            );
            std::fs::write(folder.path().join(format!("{name}.md")), text).unwrap();
        };
        write("spec", "Mine");
        write("poet", "Poet");
        std::fs::write(folder.path().join("notes.txt"), "no role").unwrap();
        let roles = Roles::built_in().with_folder(folder.path()).unwrap();
        assert_eq!(roles.find("spec").unwrap().title, "Mine");
        assert_eq!(roles.find("Poet").unwrap().title, "Poet");
        std::fs::write(folder.path().join("bad.md"), "no role").unwrap();
        let refused = Roles::built_in()
            .with_folder(folder.path())
            .unwrap_err()
            .to_string();
        assert!(refused.contains("bad.md"), "{refused}");
    }
}
