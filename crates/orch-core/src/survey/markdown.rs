//! A survey as a page of Markdown, for people and for prompts.

use std::fmt::Write as _;

use super::model::{Bound, Place, Runtime, Survey};
use super::take::last_day;
use crate::plural::counted;

/// The most rows of one list; the JSON has all.
const MOST: usize = 40;

/// Text that stands as it is in Markdown.
fn plain(text: &str) -> String {
    let marks = ['\\', '`', '*', '_', '[', ']', '<', '>', '|', '#'];
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if marks.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Text between backticks.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'"))
}

fn cited(place: &Place) -> String {
    code(&place.to_string())
}

fn size(files: u64, bytes: u64) -> String {
    format!("{}, {}", counted(files, "file"), counted(bytes, "byte"))
}

fn ports(ports: &[String]) -> String {
    match ports {
        [] => String::new(),
        [one] => format!(", port {}", plain(one)),
        more => format!(", ports {}", plain(&more.join(", "))),
    }
}

/// Until when a version gets fixes. Of the least version of many, nothing is said.
fn fixes(runtime: &Runtime, today: &str) -> String {
    match (runtime.bound, last_day(&runtime.name, &runtime.version)) {
        (Bound::AtLeast, _) => String::new(),
        (Bound::Exactly, Some(day)) if day < today => format!(": no fixes since {day}"),
        (Bound::Exactly, Some(day)) => format!(": fixes until {day}"),
        (Bound::Exactly, None) => ": until when it gets fixes is not known".to_owned(),
    }
}

fn section(out: &mut String, title: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<String> = rows.collect();
    if rows.is_empty() {
        return;
    }
    // Writing to a string cannot fail.
    let _ = write!(out, "\n## {title}\n\n");
    for row in rows.iter().take(MOST) {
        let _ = writeln!(out, "- {row}");
    }
    if rows.len() > MOST {
        let _ = writeln!(out, "- and {} more", rows.len() - MOST);
    }
}

impl Survey {
    /// The survey as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        let title = self.documentation.title.as_deref().unwrap_or("Source tree");
        let _ = write!(out, "# {}\n\n", plain(title));
        if let (Some(summary), Some(place)) =
            (&self.documentation.summary, &self.documentation.place)
        {
            let _ = write!(out, "{} ({})\n\n", plain(summary), cited(place));
        }
        let _ = writeln!(out, "{}.", size(self.files, self.bytes));
        section(
            &mut out,
            "Languages",
            self.languages.iter().map(|l| {
                format!(
                    "{} ({}): {}",
                    plain(&l.name),
                    l.kind.as_str(),
                    size(l.files, l.bytes)
                )
            }),
        );
        section(
            &mut out,
            "Commands",
            self.commands.iter().map(|c| {
                let at = if c.folder.is_empty() {
                    String::new()
                } else {
                    format!(" in {}", code(&c.folder))
                };
                format!(
                    "{}: {}{at} ({}, {})",
                    c.purpose.as_str(),
                    code(&c.run),
                    c.basis.as_str(),
                    cited(&c.place)
                )
            }),
        );
        section(
            &mut out,
            "Entry points",
            self.entry_points.iter().map(|e| {
                let calls = e
                    .calls
                    .as_deref()
                    .map(|calls| format!(": {}", code(calls)))
                    .unwrap_or_default();
                let ports = ports(&e.ports);
                format!(
                    "{} {}{calls}{ports} ({})",
                    e.kind.as_str(),
                    code(&e.name),
                    cited(&e.place)
                )
            }),
        );
        section(
            &mut out,
            "Parts",
            self.modules.iter().map(|m| {
                format!(
                    "{}: {}, {}",
                    code(&m.path),
                    plain(&m.language),
                    size(m.files, m.bytes)
                )
            }),
        );
        section(
            &mut out,
            "Who imports whom",
            self.links.iter().map(|l| {
                format!(
                    "{} → {} ({}, first {})",
                    code(&l.from),
                    code(&l.to),
                    counted(l.imports, "import"),
                    cited(&l.place)
                )
            }),
        );
        section(
            &mut out,
            "Services",
            self.services.iter().map(|s| {
                let image = s
                    .image
                    .as_deref()
                    .map(|image| format!(", image {}", code(image)))
                    .unwrap_or_default();
                let needs = if s.needs.is_empty() {
                    String::new()
                } else {
                    format!(", needs {}", plain(&s.needs.join(", ")))
                };
                let ports = ports(&s.ports);
                format!(
                    "{}{image}{ports}{needs} ({})",
                    code(&s.name),
                    cited(&s.place)
                )
            }),
        );
        section(
            &mut out,
            "Databases, caches and queues",
            self.stores.iter().map(|s| {
                format!(
                    "{} ({}), by {} ({})",
                    plain(&s.name),
                    s.kind.as_str(),
                    code(&s.by),
                    cited(&s.place)
                )
            }),
        );
        section(
            &mut out,
            "Dependencies",
            self.manifests.iter().map(|m| {
                let lock = m.lock.as_deref().map_or_else(
                    || "no lock".to_owned(),
                    |lock| format!("pinned by {}", code(lock)),
                );
                format!(
                    "{} ({}): {}, {lock}",
                    code(&m.file),
                    plain(&m.ecosystem),
                    counted(m.dependencies, "dependency")
                )
            }),
        );
        section(
            &mut out,
            "Versions",
            self.runtimes.iter().map(|r| {
                format!(
                    "{} {}, {} ({}){}",
                    plain(&r.name),
                    plain(&r.version),
                    r.bound.as_str().replace('_', " "),
                    cited(&r.place),
                    fixes(r, &self.as_of)
                )
            }),
        );
        let tests = (self.tests.files > 0).then(|| {
            format!(
                "{} with tests, in {}",
                counted(self.tests.files, "file"),
                self.tests
                    .folders
                    .iter()
                    .take(5)
                    .map(|folder| code(folder))
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        });
        let pipelines = self
            .ci
            .iter()
            .map(|ci| format!("{} ({})", plain(&ci.system), cited(&ci.place)));
        section(
            &mut out,
            "Tests and pipelines",
            tests.into_iter().chain(pipelines),
        );
        let licence = self
            .licence
            .as_ref()
            .map(|l| format!("licence {} ({})", plain(&l.name), cited(&l.place)));
        let decisions = self
            .documentation
            .decisions
            .iter()
            .map(|file| format!("decision {}", code(file)));
        section(
            &mut out,
            "Licence and decisions",
            licence.into_iter().chain(decisions),
        );
        section(
            &mut out,
            "What a modernization would address",
            self.smells.iter().map(|s| {
                let places: Vec<String> = s.places.iter().take(3).map(cited).collect();
                let places = if places.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", places.join(", "))
                };
                format!("{}{places}: {}", plain(&s.message), plain(&s.remedy))
            }),
        );
        let left_out = self.left_out.iter().map(|l| {
            format!(
                "{} is left out: {}, {}",
                code(&l.folder),
                l.reason.as_str(),
                counted(l.files, "file")
            )
        });
        let notes = self.notes.iter().map(|note| plain(note));
        section(&mut out, "What was not looked at", left_out.chain(notes));
        out
    }
}
