//! What a tree says about itself: the title and first paragraph of its README, and recorded decisions.

use super::folders::left_out;
use super::languages::language_of;
use super::names::is_readme;
use crate::survey::bounds::{MOST_DECISIONS, shown};
use crate::survey::model::{Documentation, LanguageKind, Place};
use crate::survey::tree::Tree;

const LONGEST_SUMMARY: usize = 600;
/// Characters of a heading or paragraph that are looked at: addresses in it are not shown.
const LONGEST_READ: usize = 4_000;

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
    let (mut from, mut is_code) = (0, false);
    for (at, line) in lines.iter().enumerate() {
        if is_fence(line) {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        let is_underlined = lines
            .get(at + 1)
            .is_some_and(|next| next.len() > 2 && next.chars().all(|c| c == '=' || c == '-'));
        let heading = line.strip_prefix("# ").or(is_underlined.then_some(line));
        let heading = heading.or_else(|| marked_up(line)).map(said);
        if let Some(heading) = heading.filter(|heading| !heading.is_empty()) {
            documentation.title = Some(heading);
            documentation.place = Some(Place::line(path, at as u32 + 1));
            from = at + 1 + usize::from(is_underlined);
            break;
        }
    }
    documentation.summary = paragraph(&lines[from.min(lines.len())..]);
    documentation
}

fn is_fence(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("```") || line.starts_with("~~~")
}

/// `<h1 align="center">Shop</h1>`
fn marked_up(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("<h1")?;
    let (_, inner) = rest.split_once('>')?;
    let text = inner.split('<').next()?;
    (!text.trim().is_empty()).then_some(text)
}

/// A heading without the marks around it.
fn said(heading: &str) -> String {
    let plain = without_links(heading).replace('`', "");
    shown(plain.trim_matches(['#', ' ']), 200)
}

/// `[text](address)` as its text, and nothing for an image, which may stand in a link.
fn without_links(text: &str) -> String {
    let start: String = text.chars().take(LONGEST_READ).collect();
    without_links_once(&without_links_once(&start))
}

fn without_links_once(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(open) = rest.find('[') {
        let inner = &rest[open + 1..];
        let link = inner.split_once("](").and_then(|(text, behind)| {
            let (_, behind) = behind.split_once(')')?;
            (!text.contains('[')).then_some((text, behind))
        });
        let before = &rest[..open];
        match link {
            Some((text, behind)) => {
                match before.strip_suffix('!') {
                    Some(before) => out.push_str(before),
                    None => {
                        out.push_str(before);
                        out.push_str(text);
                    }
                }
                rest = behind;
            }
            None => {
                out.push_str(before);
                out.push('[');
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The first lines that are sentences: no badges, markup, lists or code.
fn paragraph(lines: &[&str]) -> Option<String> {
    let (mut taken, mut is_code) = (Vec::new(), false);
    for line in lines {
        let line = line.trim();
        if is_fence(line) {
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
    let text = shown(&without_links(&taken.join(" ")), LONGEST_SUMMARY);
    (!text.is_empty()).then_some(text)
}

fn is_decision(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    ["/adr/", "/adrs/", "/decisions/"]
        .iter()
        .any(|folder| format!("/{lower}").contains(folder))
}

#[cfg(test)]
mod tests {
    use super::{marked_up, paragraph, said, without_links};

    #[test]
    fn titles_and_first_sentences_are_read_without_their_marks() {
        assert_eq!(marked_up("<h1 align=\"center\">Shop</h1>"), Some("Shop"));
        assert_eq!(marked_up("<h1 align=\"center\"><img></h1>"), None);
        assert_eq!(said("`clap_builder` [![x](y)](z) #"), "clap_builder");
        assert_eq!(
            without_links("See the [book](https://x/y) ![i](j) and [this] (a)."),
            "See the book  and [this] (a)."
        );
        let lines = ["```toml", "# Cargo.toml", "```", "Sells [bikes](b)."];
        assert_eq!(paragraph(&lines).as_deref(), Some("Sells bikes."));
    }

    #[test]
    fn brackets_without_end_take_no_time() {
        let text = "[".repeat(100_000);
        assert_eq!(without_links(&text), text[..super::LONGEST_READ]);
    }
}
