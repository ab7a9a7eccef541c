//! Lists as tables: columns as wide as they need, the last one cut to what the terminal has left.

use std::io::{self, Write};

use console::{measure_text_width, truncate_str};

use super::{Cell, Paint, Tone};

const GAP: usize = 2;
/// The last column is never cut shorter.
const NARROWEST: usize = 20;

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
    line(out, &head, &widths, paint, width)?;
    for (row, cells) in rows.iter().zip(&lines) {
        line(out, cells, &widths, paint, width)?;
        for note in row.notes() {
            writeln!(out, "    {}", paint.text(&note.text, note.tone))?;
        }
    }
    Ok(())
}

fn line(
    out: &mut dyn Write,
    cells: &[Cell],
    widths: &[usize],
    paint: Paint,
    width: Option<usize>,
) -> io::Result<()> {
    let Some((last, firsts)) = cells.split_last() else {
        return Ok(());
    };
    let mut used = 0;
    for (cell, &wide) in firsts.iter().zip(widths) {
        let padding = " ".repeat(wide - measure_text_width(&cell.text) + GAP);
        write!(out, "{}{padding}", paint.text(&cell.text, cell.tone))?;
        used += wide + GAP;
    }
    let room = width.map(|width| width.saturating_sub(used).max(NARROWEST));
    let text = room.map_or_else(
        || last.text.clone().into(),
        |room| truncate_str(&last.text, room, "…"),
    );
    writeln!(out, "{}", paint.text(&text, last.tone))
}
