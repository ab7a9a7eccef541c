//! The two streams, and the form in which results leave.

use std::io::{self, IsTerminal, Write};

use orch_api::client::Page;
use serde::Serialize;

use super::table::Long;
use super::{Details, Paint, Row, Tone, details, one_line, table};
use crate::exit::Exit;
use crate::failure::Failure;

/// Who reads the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

/// Standard output and standard error.
pub struct Output {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    format: Format,
    out_paint: Paint,
    err_paint: Paint,
    width: Option<usize>,
}

impl Output {
    /// That of this process.
    pub fn of_the_process(format: Format) -> Self {
        let width = io::stdout()
            .is_terminal()
            .then(|| usize::from(console::Term::stdout().size().1));
        Self {
            out_paint: Paint::of(&io::stdout()),
            err_paint: Paint::of(&io::stderr()),
            // Locked and buffered by line already.
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            format,
            width,
        }
    }

    pub const fn format(&self) -> Format {
        self.format
    }

    /// How standard output is coloured.
    pub const fn paint(&self) -> Paint {
        self.out_paint
    }

    /// A list, with a word on standard error where more could be shown.
    pub fn page<T: Row + Serialize>(&mut self, page: &Page<T>) -> io::Result<()> {
        self.list(&page.items)?;
        if page.next.is_some() {
            self.note(&format!(
                "{} shown, there are more: --limit shows more",
                page.items.len()
            ));
        }
        Ok(())
    }

    /// A whole list.
    pub fn list<T: Row + Serialize>(&mut self, items: &[T]) -> io::Result<()> {
        match self.format {
            Format::Json => return self.document(&items),
            Format::Text if items.is_empty() => self.note(&format!("no {} to show", T::NAME)),
            Format::Text => {
                let (paint, width) = (self.out_paint, self.width);
                table::write(&mut *self.out, items, paint, width, Long::Cut)?;
            }
        }
        self.out.flush()
    }

    /// One thing.
    pub fn one<T: Details + Serialize>(&mut self, thing: &T) -> io::Result<()> {
        match self.format {
            Format::Json => self.document(thing),
            Format::Text => {
                details::write(&mut *self.out, thing, self.out_paint)?;
                self.out.flush()
            }
        }
    }

    /// A list below a thing, under a heading, never cut; left out where it is empty. For text alone.
    pub fn section<T: Row>(&mut self, heading: &str, items: &[T]) -> io::Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        writeln!(
            self.out,
            "\n{}",
            self.out_paint.text(heading, Tone::Heading)
        )?;
        let (paint, width) = (self.out_paint, self.width);
        table::write(&mut *self.out, items, paint, width, Long::Whole)?;
        self.out.flush()
    }

    /// JSON over several lines: a whole result.
    pub fn document(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        writeln!(self.out)?;
        self.out.flush()
    }

    /// JSON on one line: a part of a stream.
    pub fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        writeln!(self.out)?;
        self.out.flush()
    }

    /// Text as it is, which must be fit for a terminal.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    /// Bytes of a file.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// What happened, for people alone.
    pub fn done(&mut self, message: &str) {
        self.tell(message, Tone::Good);
    }

    /// A remark, for people alone.
    pub fn note(&mut self, message: &str) {
        self.tell(message, Tone::Faint);
    }

    /// A warning; also where JSON is asked for.
    pub fn warn(&mut self, message: &str) {
        let word = self.err_paint.text("warning:", Tone::Waiting);
        let _ = writeln!(self.err, "{word} {}", one_line(message));
    }

    fn tell(&mut self, message: &str, tone: Tone) {
        if self.format == Format::Text {
            // A remark that cannot be written is no reason to fail.
            let _ = writeln!(
                self.err,
                "{}",
                self.err_paint.text(&one_line(message), tone)
            );
        }
    }

    /// Why the program ends otherwise than was asked.
    pub fn failure(&mut self, failure: &Failure) {
        if failure.exit == Exit::ReaderLeft {
            return;
        }
        let _ = match self.format {
            Format::Json => writeln!(self.err, "{}", failure.to_json()),
            Format::Text => self.explain(failure),
        };
    }

    fn explain(&mut self, failure: &Failure) -> io::Result<()> {
        writeln!(
            self.err,
            "{} {}",
            self.err_paint.text("error:", Tone::Bad),
            one_line(&failure.message)
        )?;
        for cause in &failure.causes {
            writeln!(
                self.err,
                "  {} {}",
                self.err_paint.text("cause:", Tone::Faint),
                one_line(cause)
            )?;
        }
        if let Some(step) = &failure.next_step {
            writeln!(
                self.err,
                "  {} {}",
                self.err_paint.text("next:", Tone::Heading),
                one_line(step)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "printer_tests.rs"]
mod tests;
