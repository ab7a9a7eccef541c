//! One thing, field by field.

use std::io::{self, Write};

use console::measure_text_width;

use super::{Cell, Paint, Tone};

/// Something that is shown on its own.
pub trait Details {
    /// Names and values, in order.
    fn fields(&self) -> Vec<(&'static str, Cell)>;

    /// Text that stands below the fields as it is, such as a description.
    fn body(&self) -> Option<&str> {
        None
    }
}

pub(super) fn write(out: &mut dyn Write, details: &impl Details, paint: Paint) -> io::Result<()> {
    let fields = details.fields();
    let wide = fields
        .iter()
        .map(|(name, _)| measure_text_width(name))
        .max()
        .unwrap_or(0);
    for (name, value) in fields {
        let padding = " ".repeat(wide - measure_text_width(name));
        writeln!(
            out,
            "{}{padding}  {}",
            paint.text(name, Tone::Faint),
            paint.text(&value.text, value.tone)
        )?;
    }
    if let Some(body) = details.body().filter(|body| !body.trim().is_empty()) {
        writeln!(out)?;
        for line in body.trim_end().lines() {
            writeln!(out, "{}", super::one_line(line))?;
        }
    }
    Ok(())
}
