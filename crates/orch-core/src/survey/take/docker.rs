//! Dockerfiles: what images begin with, what they expose and call, and who runs in them.

use super::found::Found;
use super::languages::is_dockerfile;
use super::ports::of_call;
use super::runtimes::of_image;
use super::smells::{root_container, unpinned_image};
use crate::survey::model::{Basis, Bound, EntryKind, Place, Purpose};
use crate::survey::tree::{folder, name};

const MOST_LINES: usize = 5_000;

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    if !is_dockerfile(name(path)) {
        return;
    }
    let mut stages: Vec<String> = Vec::new();
    let mut ports = Vec::new();
    let (mut entry, mut command) = (None::<(String, u32)>, None::<(String, u32)>);
    let mut user: Option<(String, u32)> = None;
    let mut last_from = None;
    for (line, keyword, rest) in instructions(text) {
        match keyword.as_str() {
            "FROM" => {
                let words: Vec<&str> = rest
                    .split_whitespace()
                    .filter(|word| !word.starts_with("--"))
                    .collect();
                let Some(image) = words.first() else { continue };
                (ports, entry, command, user) = (Vec::new(), None, None, None);
                last_from = Some(line);
                let is_stage = stages.iter().any(|stage| stage == image);
                if let [_, as_word, stage, ..] = words[..]
                    && as_word.eq_ignore_ascii_case("as")
                {
                    stages.push(stage.to_owned());
                }
                if !is_stage {
                    from(found, path, image, line);
                }
            }
            "EXPOSE" => ports.extend(rest.split_whitespace().take(20).map(str::to_owned)),
            "ENTRYPOINT" => entry = Some((called(&rest), line)),
            "CMD" => command = Some((called(&rest), line)),
            "USER" => user = Some((rest, line)),
            _ => {}
        }
    }
    let Some(last_from) = last_from else { return };
    // The command is what the entry point is given, wherever it stands.
    let calls = match (entry, command) {
        (Some((entry, line)), Some((command, _))) => Some((format!("{entry} {command}"), line)),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    };
    let place = calls.as_ref().map_or(last_from, |(_, line)| *line);
    let calls = calls.map(|(text, _)| text);
    if let (true, Some(calls)) = (ports.is_empty(), &calls) {
        ports = of_call(calls);
    }
    found.entry(
        EntryKind::Container,
        path,
        calls.as_deref(),
        ports,
        Place::line(path, place),
    );
    let home = folder(path);
    let run = match name(path) {
        "Dockerfile" => "docker build .".to_owned(),
        other => format!("docker build -f {other} ."),
    };
    let is_plain = run
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || " -_.".contains(c));
    if is_plain {
        let place = Place::line(path, 1);
        found.command_in(home, Purpose::Build, &run, Basis::Convention, place);
    }
    let root = ["root", "0", "root:root", "0:0"];
    match user {
        Some((user, _)) if !root.contains(&user.trim()) => {}
        Some((_, line)) => root_container(&mut found.survey, Place::line(path, line)),
        None => root_container(&mut found.survey, Place::line(path, last_from)),
    }
}

/// `["node", "a.js"]` as it is typed: a word with a blank in it is quoted.
fn called(rest: &str) -> String {
    let Ok(words) = serde_json::from_str::<Vec<String>>(rest) else {
        return rest.to_owned();
    };
    let quoted = words
        .into_iter()
        .map(|word| match word.contains(char::is_whitespace) {
            true => format!("'{word}'"),
            false => word,
        });
    quoted.collect::<Vec<_>>().join(" ")
}

fn from(found: &mut Found<'_>, path: &str, image: &str, line: u32) {
    let place = Place::line(path, line);
    if let Some((runtime, version)) = of_image(image) {
        found.runtime(runtime, version, Bound::Exactly, place.clone());
    }
    if is_unpinned(image) {
        unpinned_image(&mut found.survey, image, place);
    }
}

/// Whether an image has no tag, or one that moves on purpose.
pub fn is_unpinned(image: &str) -> bool {
    if image == "scratch" || image.contains('$') || image.contains('@') {
        return false;
    }
    match name(image).split_once(':') {
        Some((_, tag)) => tag == "latest",
        None => true,
    }
}

/// Each instruction with its line; those that go on over several lines are one.
fn instructions(text: &str) -> Vec<(u32, String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (at, line) in text.lines().enumerate().take(MOST_LINES) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (first, mut whole) = open.take().unwrap_or((at as u32 + 1, String::new()));
        let goes_on = line.strip_suffix('\\');
        whole.push_str(goes_on.unwrap_or(line));
        whole.push(' ');
        if goes_on.is_some() && whole.len() < 20_000 {
            open = Some((first, whole));
            continue;
        }
        if let Some((keyword, rest)) = whole.trim().split_once(char::is_whitespace) {
            found.push((first, keyword.to_ascii_uppercase(), rest.trim().to_owned()));
        }
    }
    found
}
