//! Java and Kotlin: Maven, Gradle, sbt.

use super::found::{Found, Needed};
use super::listens::is_beside;
use crate::survey::model::{Basis, Bound, EntryKind, Place, Purpose, Scope};
use crate::survey::read::{XmlText, after_word, quoted, xml_texts};
use crate::survey::tree::{around, folder, inside, name};

const ECOSYSTEM: &str = "maven";
/// Versions that mean another one tomorrow.
const MOVING: [&str; 2] = ["LATEST", "RELEASE"];

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    match name(path) {
        "pom.xml" => maven(found, path, text),
        "build.gradle" | "build.gradle.kts" => gradle(found, path, text),
        "build.sbt" => {
            found.manifest(path, ECOSYSTEM, None, None);
            let place = || Place::whole(path);
            found.command(Purpose::Build, "sbt compile", Basis::Convention, place());
            found.command(Purpose::Test, "sbt test", Basis::Convention, place());
        }
        ".java-version" => {
            let version = text.lines().next().unwrap_or("").trim();
            let version = version.strip_prefix("1.").unwrap_or(version);
            found.runtime("Java", version, Bound::Exactly, Place::line(path, 1));
        }
        _ if path.ends_with(".java") || path.ends_with(".kt") => program(found, path, text),
        _ => {}
    }
}

/// Whether no folder around it has a build of the same kind.
fn is_outermost(found: &Found<'_>, path: &str, names: &[&str]) -> bool {
    let home = folder(path);
    home.is_empty()
        || around(home).skip(1).all(|outer| {
            let mut paths = names.iter().map(|name| inside(outer, name));
            paths.all(|path| !found.tree.has(&path))
        })
}

fn maven(found: &mut Found<'_>, path: &str, text: &str) {
    let texts = xml_texts(text);
    let at = |wanted: &[&str]| {
        let fits = |path: &[String]| path.iter().map(String::as_str).eq(wanted.iter().copied());
        texts.iter().find(|found| fits(&found.path))
    };
    let own = at(&["project", "artifactId"]);
    found.manifest(path, ECOSYSTEM, own.map(|own| own.text.as_str()), None);
    let program = match found.tree.has(&inside(folder(path), "mvnw")) {
        true => "./mvnw",
        false => "mvn",
    };
    if is_outermost(found, path, &["pom.xml"]) {
        let place = || own.map_or_else(|| Place::whole(path), |own| Place::line(path, own.line));
        let commands = [(Purpose::Build, "package"), (Purpose::Test, "test")];
        for (purpose, goal) in commands {
            found.command(
                purpose,
                &format!("{program} {goal}"),
                Basis::Convention,
                place(),
            );
        }
    }
    for property in [
        "java.version",
        "maven.compiler.release",
        "maven.compiler.source",
    ] {
        if let Some(version) = at(&["project", "properties", property]) {
            let bare = version.text.strip_prefix("1.").unwrap_or(&version.text);
            found.runtime(
                "Java",
                bare,
                Bound::Exactly,
                Place::line(path, version.line),
            );
            break;
        }
    }
    let main = texts
        .iter()
        .find(|found| found.path.last().is_some_and(|last| last == "mainClass"));
    if let Some(main) = main.filter(|main| is_class(&main.text)) {
        let place = Place::line(path, main.line);
        found.entry(EntryKind::Binary, &main.text, None, Vec::new(), place);
    }
    let is_boot = |found: &&XmlText| found.text == "spring-boot-maven-plugin";
    if let Some(boot) = texts.iter().find(is_boot) {
        let run = format!("{program} spring-boot:run");
        let place = Place::line(path, boot.line);
        found.command(Purpose::Run, &run, Basis::Convention, place);
    }
    let mut group: Option<&str> = None;
    let mut open: Option<(String, u32)> = None;
    let (mut version, mut scope) = (None, Scope::Runtime);
    let mut all: Vec<(String, Option<&str>, Scope, u32)> = Vec::new();
    for found in &texts {
        let inner: Vec<&str> = found.path.iter().map(String::as_str).collect();
        let ["project", "dependencies", "dependency", field] = inner[..] else {
            continue;
        };
        match field {
            "groupId" => {
                if let Some((name, line)) = open.take() {
                    all.push((name, version.take(), scope, line));
                }
                (group, version, scope) = (Some(found.text.as_str()), None, Scope::Runtime);
            }
            "artifactId" => {
                let name = format!("{}:{}", group.unwrap_or(""), found.text);
                open = Some((name, found.line));
            }
            "version" => version = Some(&found.text),
            "scope" if found.text == "test" => scope = Scope::Development,
            _ => {}
        }
    }
    if let Some((name, line)) = open {
        all.push((name, version, scope, line));
    }
    for (name, version, scope, line) in all {
        // Without a version, or with a property, it is the one that a parent or the file itself says.
        let is_exact = version
            .is_none_or(|version| !version.starts_with(['[', '(']) && !MOVING.contains(&version));
        found.dependency(Needed {
            ecosystem: ECOSYSTEM,
            name: &name,
            version,
            scope,
            pinned: is_exact,
            place: Place::line(path, line),
        });
    }
}

fn gradle(found: &mut Found<'_>, path: &str, text: &str) {
    let lock = found.tree.nearest(folder(path), &["gradle.lockfile"]);
    let is_locked = lock.is_some();
    found.manifest(path, ECOSYSTEM, None, lock);
    if is_outermost(found, path, &["build.gradle", "build.gradle.kts"]) {
        let wrapper = inside(folder(path), "gradlew");
        let program = if found.tree.has(&wrapper) {
            "./gradlew"
        } else {
            "gradle"
        };
        for (purpose, task) in [(Purpose::Build, "build"), (Purpose::Test, "test")] {
            let run = format!("{program} {task}");
            found.command(purpose, &run, Basis::Convention, Place::whole(path));
        }
    }
    for (at, line) in text.lines().enumerate().take(5_000) {
        let (place, line) = (Place::line(path, at as u32 + 1), line.trim());
        if line.starts_with("sourceCompatibility") {
            let digits: String = line.chars().filter(char::is_ascii_digit).collect();
            let version = digits.strip_prefix('1').filter(|rest| rest.len() == 1);
            found.runtime("Java", version.unwrap_or(&digits), Bound::Exactly, place);
            continue;
        }
        if let Some((_, version)) = line.split_once("JavaLanguageVersion.of(") {
            let digits = |c: &char| c.is_ascii_digit();
            let version: String = version.chars().take_while(digits).collect();
            found.runtime("Java", &version, Bound::Exactly, place);
            continue;
        }
        if let Some(class) = main_class(line) {
            found.entry(EntryKind::Binary, class, None, Vec::new(), place);
            continue;
        }
        if line.contains("org.springframework.boot") && line.starts_with("id") {
            let run = match found.tree.has(&inside(folder(path), "gradlew")) {
                true => "./gradlew bootRun",
                false => "gradle bootRun",
            };
            found.command(Purpose::Run, run, Basis::Convention, place);
            continue;
        }
        let scope = match line.split(['(', ' ', '\'', '"']).next().unwrap_or("") {
            "implementation" | "api" | "compile" | "runtimeOnly" => Scope::Runtime,
            "testImplementation" | "testCompile" | "testRuntimeOnly" => Scope::Development,
            "annotationProcessor" | "kapt" | "compileOnly" => Scope::Build,
            _ => continue,
        };
        let Some(coordinate) = quoted(line) else {
            continue;
        };
        let mut parts = coordinate.split(':');
        let (Some(group), Some(artifact)) = (parts.next(), parts.next()) else {
            continue;
        };
        let version = parts.next();
        found.dependency(Needed {
            ecosystem: ECOSYSTEM,
            name: &format!("{group}:{artifact}"),
            version,
            scope,
            pinned: is_locked || version.is_some_and(|version| !version.contains(['+', '$'])),
            place,
        });
    }
}

/// `mainClass = 'a.B'`, `mainClass.set("a.B")`, `mainClassName = "a.B"`.
fn main_class(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("application.").unwrap_or(line);
    let rest = rest
        .strip_prefix("mainClassName")
        .or_else(|| rest.strip_prefix("mainClass"))?;
    let rest = rest.trim_start();
    let is_set = rest.starts_with('=') || rest.starts_with(".set(") || rest.starts_with("set(");
    quoted(rest).filter(|class| is_set && is_class(class))
}

fn is_class(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '.' || c == '_')
}

/// A class that begins, unless the build names it already.
fn program(found: &mut Found<'_>, path: &str, text: &str) {
    let is_main = |line: &str| {
        line.contains("static void main(")
            || line.starts_with("fun main(")
            || line.starts_with("suspend fun main(")
    };
    if is_beside(path) {
        return;
    }
    let Some(at) = text.lines().position(is_main) else {
        return;
    };
    let file = name(path);
    let (stem, ending) = file.rsplit_once('.').unwrap_or((file, ""));
    let package = text.lines().find_map(|line| after_word(line, "package"));
    // What stands outside of classes is in one that is called by the file.
    let class = match ending {
        "kt" => format!("{stem}Kt"),
        _ => stem.to_owned(),
    };
    let whole = match package {
        Some(package) => format!("{}.{class}", package.trim_end_matches(';')),
        None => class,
    };
    if !found
        .survey
        .entry_points
        .iter()
        .any(|entry| entry.name == whole)
    {
        let place = Place::line(path, at as u32 + 1);
        found.entry(EntryKind::Binary, stem, None, Vec::new(), place);
    }
}
