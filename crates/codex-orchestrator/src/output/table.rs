//! Lists as tables: columns as wide as they need. In a list the last one is cut to what the terminal has left;
//! what belongs to a thing that a person reads whole is never cut, whatever the terminal's width.

use std::io::{self, Write};

use console::{measure_text_width, truncate_str};
use textwrap::{Options, wrap};

use super::{Cell, Paint, Tone};

const GAP: usize = 2;
/// The last column is never cut shorter.
const NARROWEST: usize = 20;
/// A last column that is narrower goes below its row.
const NARROWEST_WHOLE: usize = 32;
const INDENT: &str = "    ";

/// What becomes of a text that is longer than the terminal is wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Long {
    Cut,
    Whole,
}

/// Something that fills a row of a table.
pub trait Row {
    /// The names of the columns.
    const HEAD: &'static [&'static str];
    /// What they are called together, for "no … to show".
    const NAME: &'static str;

    /// As many cells as there are columns.
    fn cells(&self) -> Vec<Cell>;

    /// What stands below the row, one text a line.
    fn notes(&self) -> Vec<Cell> {
        Vec::new()
    }
}

/// Writes a table; `width` is that of the terminal, where there is one.
pub(super) fn write<R: Row>(
    out: &mut dyn Write,
    rows: &[R],
    paint: Paint,
    width: Option<usize>,
    long: Long,
) -> io::Result<()> {
    let head: Vec<Cell> = R::HEAD
        .iter()
        .map(|name| Cell::new(name.to_uppercase()).tone(Tone::Heading))
        .collect();
    let lines: Vec<Vec<Cell>> = rows.iter().map(Row::cells).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = std::iter::once(&head)
                .chain(&lines)
                .filter_map(|line| line.get(column));
            cells
                .map(|cell| measure_text_width(&cell.text))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let form = Form::of(&widths, width, long);
    if !matches!(form, Form::Named(_)) {
        form.line(out, &head, &widths, paint)?;
    }
    for (row, cells) in rows.iter().zip(&lines) {
        match form {
            Form::Named(room) => named(out, &head, cells, paint, room)?,
            Form::Free | Form::Cut(_) | Form::Wrapped(_) | Form::Below(_) => {
                form.line(out, cells, &widths, paint)?;
            }
        }
        for note in row.notes() {
            writeln!(out, "{INDENT}{}", paint.text(&note.text, note.tone))?;
        }
    }
    Ok(())
}

/// How rows stand in the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Nobody says how wide a line may be.
    Free,
    /// The last column is cut to this width.
    Cut(usize),
    /// The last column goes on in the next line after this width.
    Wrapped(usize),
    /// The last column stands below the others, in lines of this width.
    Below(usize),
    /// The columns do not fit side by side: each has lines of its own, of this width, with its name.
    Named(usize),
}

impl Form {
    fn of(widths: &[usize], width: Option<usize>, long: Long) -> Self {
        let Some(width) = width else {
            return Self::Free;
        };
        let firsts = widths.iter().rev().skip(1).map(|wide| wide + GAP);
        let firsts: usize = firsts.sum();
        let room = width.saturating_sub(firsts);
        let needed = widths.last().copied().unwrap_or(0);
        match long {
            Long::Cut => Self::Cut(room.max(NARROWEST)),
            Long::Whole if room >= NARROWEST_WHOLE.min(needed) => Self::Wrapped(room.max(1)),
            Long::Whole if firsts <= width + GAP => {
                Self::Below(width.saturating_sub(INDENT.len()).max(NARROWEST))
            }
            Long::Whole => Self::Named(width.max(NARROWEST)),
        }
    }

    fn line(
        self,
        out: &mut dyn Write,
        cells: &[Cell],
        widths: &[usize],
        paint: Paint,
    ) -> io::Result<()> {
        let Some((last, firsts)) = cells.split_last() else {
            return Ok(());
        };
        let mut used = 0;
        for (place, (cell, &wide)) in firsts.iter().zip(widths).enumerate() {
            let is_end = matches!(self, Self::Below(_)) && place + 1 == firsts.len();
            let padding = match is_end {
                true => String::new(),
                false => " ".repeat(wide - measure_text_width(&cell.text) + GAP),
            };
            write!(out, "{}{padding}", paint.text(&cell.text, cell.tone))?;
            used += wide + GAP;
        }
        match self {
            Self::Free | Self::Named(_) => writeln!(out, "{}", paint.text(&last.text, last.tone)),
            Self::Cut(room) => {
                let text = truncate_str(&last.text, room, "…");
                writeln!(out, "{}", paint.text(&text, last.tone))
            }
            Self::Wrapped(room) => {
                let next = " ".repeat(used);
                let lines = wrap(&last.text, room);
                for (place, text) in lines.iter().enumerate() {
                    let before = if place == 0 { "" } else { &next };
                    writeln!(out, "{before}{}", paint.text(text, last.tone))?;
                }
                if lines.is_empty() {
                    writeln!(out)?;
                }
                Ok(())
            }
            Self::Below(room) => {
                writeln!(out)?;
                for text in wrap(&last.text, room) {
                    writeln!(out, "{INDENT}{}", paint.text(&text, last.tone))?;
                }
                Ok(())
            }
        }
    }
}

/// A row with a line for each cell.
fn named(
    out: &mut dyn Write,
    head: &[Cell],
    cells: &[Cell],
    paint: Paint,
    room: usize,
) -> io::Result<()> {
    let Some(first) = cells.first() else {
        return Ok(());
    };
    writeln!(out, "{}", paint.text(&first.text, first.tone))?;
    for (name, cell) in head.iter().zip(cells).skip(1) {
        let name = name.text.to_lowercase();
        let text = format!("{name}: {}", cell.text);
        let options = Options::new(room)
            .initial_indent(INDENT)
            .subsequent_indent("      ");
        for line in wrap(&text, options) {
            writeln!(out, "{}", paint.text(&line, cell.tone))?;
        }
    }
    Ok(())
}
