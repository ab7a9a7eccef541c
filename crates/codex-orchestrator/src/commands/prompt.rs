//! Asking a person at a terminal, without showing secrets.

use std::io::{self, IsTerminal};

use console::Term;
use orch_core::info_request::{Field, FieldKind, Presence, Secrecy};

/// Asks for the value of a field.
pub trait Ask {
    /// The value as it was entered; empty where nothing was.
    fn ask(&mut self, field: &Field) -> io::Result<String>;
}

/// The terminal of this process.
#[derive(Debug)]
pub struct Terminal(Term);

impl Terminal {
    /// The terminal, where standard input and standard error are one.
    pub fn of_the_process() -> Option<Self> {
        (io::stdin().is_terminal() && io::stderr().is_terminal()).then(|| Self(Term::stderr()))
    }
}

impl Ask for Terminal {
    fn ask(&mut self, field: &Field) -> io::Result<String> {
        self.0.write_str(&question(field))?;
        match field.kind {
            FieldKind::Multiline => {
                let mut lines = Vec::new();
                loop {
                    match self.line(field.secret)? {
                        line if line == "." => return Ok(lines.join("\n")),
                        line => lines.push(line),
                    }
                }
            }
            FieldKind::Text | FieldKind::Number | FieldKind::Boolean | FieldKind::Choice => {
                self.line(field.secret)
            }
        }
    }
}

impl Terminal {
    /// What is said to a question, on one line.
    pub fn line_to(&mut self, question: &str) -> io::Result<String> {
        self.0.write_str(question)?;
        self.line(Secrecy::Open)
    }

    fn line(&self, secrecy: Secrecy) -> io::Result<String> {
        match secrecy {
            Secrecy::Secret => self.0.read_secure_line(),
            Secrecy::Open => self.0.read_line(),
        }
    }
}

fn question(field: &Field) -> String {
    let name = crate::output::one_line(field.label.as_deref().unwrap_or(&field.key));
    let mut hints = Vec::new();
    match field.kind {
        FieldKind::Text => {}
        FieldKind::Multiline => {
            hints.push("several lines; end with a line that holds only `.`".to_owned())
        }
        FieldKind::Number => hints.push("a number".to_owned()),
        FieldKind::Boolean => hints.push("true or false".to_owned()),
        FieldKind::Choice => hints.push(crate::output::one_line(&field.options.join(", "))),
    }
    if field.secret == Secrecy::Secret {
        hints.push("not shown".to_owned());
    }
    if field.required == Presence::Optional {
        hints.push("empty leaves it out".to_owned());
    }
    let hints = if hints.is_empty() {
        String::new()
    } else {
        format!(" ({})", hints.join("; "))
    };
    format!("{name}{hints}: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_says_what_fits_and_what_is_shown() {
        let field = Field {
            key: "REGION".into(),
            label: Some("Which\nregion?".into()),
            kind: FieldKind::Choice,
            secret: Secrecy::Open,
            required: Presence::Optional,
            options: vec!["eu".into(), "us".into()],
        };
        assert_eq!(
            question(&field),
            "Which region? (eu, us; empty leaves it out): "
        );
    }
}
