//! What a tree says about itself: the title and first paragraph of its README, and recorded decisions.

use super::folders::left_out;
use super::languages::language_of;
use super::names::is_readme;
use crate::survey::bounds::{MOST_DECISIONS, shown};
use crate::survey::model::{Documentation, LanguageKind, Place};
use crate::survey::tree::Tree;

const LONGEST_SUMMARY: usize = 600;

pub fn read(tree: &Tree) -> Documentation {
    let mut documentation = Documentation::default();
    for file in &tree.files {
        let is_prose =
            language_of(&file.path).is_some_and(|known| known.kind == LanguageKind::Prose);
        if !is_prose || left_out(&file.path).is_some() {
            continue;
        }
        documentation.files += 1;
        if is_decision(&file.path) && documentation.decisions.len() < MOST_DECISIONS {
            documentation.decisions.push(file.path.clone());
        }
    }
    let readme = tree
        .texts
        .iter()
        .find(|(path, _)| !path.contains('/') && is_readme(path));
    let Some((path, text)) = readme else {
        return documentation;
    };
    documentation.place = Some(Place::line(path, 1));
    let lines: Vec<&str> = text.lines().take(400).collect();
    let mut from = 0;
    for (at, line) in lines.iter().enumerate() {
        let is_underlined = lines
            .get(at + 1)
            .is_some_and(|next| next.len() > 2 && next.chars().all(|c| c == '=' || c == '-'));
        let heading = line.strip_prefix("# ").or(is_underlined.then_some(line));
        if let Some(heading) = heading.filter(|heading| !heading.trim().is_empty()) {
            documentation.title = Some(shown(heading.trim_matches(['#', ' ']), 200));
            documentation.place = Some(Place::line(path, at as u32 + 1));
            from = at + 1 + usize::from(is_underlined);
            break;
        }
    }
    documentation.summary = paragraph(&lines[from.min(lines.len())..]);
    documentation
}

/// The first lines that are sentences: no badges, markup, lists or code.
fn paragraph(lines: &[&str]) -> Option<String> {
    let (mut taken, mut is_code) = (Vec::new(), false);
    for line in lines {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~") {
            is_code = !is_code;
            continue;
        }
        let is_other = is_code
            || line.starts_with(['#', '<', '!', '[', '|', '>', '-', '*', '=', '.'])
            || line.is_empty();
        match (is_other, taken.is_empty()) {
            (true, true) => {}
            (true, false) => break,
            (false, _) => taken.push(line),
        }
    }
    let text = shown(&taken.join(" "), LONGEST_SUMMARY);
    (!text.is_empty()).then_some(text)
}

fn is_decision(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    ["/adr/", "/adrs/", "/decisions/"]
        .iter()
        .any(|folder| format!("/{lower}").contains(folder))
}
