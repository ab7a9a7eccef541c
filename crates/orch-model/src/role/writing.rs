//! Rendering within bounds: what a template can do, how many steps it may take, and how much it may write.
//!
//! Whoever writes a role may be nobody's friend. What multiplies text is not there, and what is left pays for each
//! byte that it makes, so that memory and time stay bounded whatever stands in the template.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, filters, tests as looks};

/// The most bytes that one role is asked with, standing instructions included.
const MAX_PROMPT_BYTES: usize = 4 * 1024 * 1024;
/// Steps that one template may take; one also pays for 64 bytes that it makes. A prompt needs a few thousand.
const FUEL: u64 = 300_000;
/// What templates may use, in the order of the book.
const FILTERS: [&str; 7] = [
    "default", "first", "last", "length", "lower", "trim", "upper",
];
const TESTS: [&str; 6] = [
    "defined",
    "undefined",
    "none",
    "string",
    "mapping",
    "sequence",
];

/// Writes one prompt, all parts of which share its bound.
pub(super) struct Writing<'t> {
    templates: Environment<'t>,
    /// Bytes that expressions have written.
    shown: Arc<AtomicUsize>,
    written: usize,
}

impl<'t> Writing<'t> {
    pub(super) fn new() -> Self {
        let mut templates = Environment::empty();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_fuel(Some(FUEL));
        templates.add_filter("default", filters::default);
        templates.add_filter("first", filters::first);
        templates.add_filter("last", filters::last);
        templates.add_filter("length", filters::length);
        templates.add_filter("lower", filters::lower);
        templates.add_filter("trim", filters::trim);
        templates.add_filter("upper", filters::upper);
        templates.add_test("defined", looks::is_defined);
        templates.add_test("undefined", looks::is_undefined);
        templates.add_test("none", looks::is_none);
        templates.add_test("string", looks::is_string);
        templates.add_test("mapping", looks::is_mapping);
        templates.add_test("sequence", looks::is_sequence);
        let shown = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&shown);
        // It knows the line, which whoever takes the bytes does not.
        templates.set_formatter(move |out, state, value| {
            let bytes = value.as_str().map_or(0, str::len);
            let before = counted.fetch_add(bytes, Ordering::Relaxed);
            if before.saturating_add(bytes) > MAX_PROMPT_BYTES {
                return Err(Error::new(ErrorKind::InvalidOperation, too_much()));
            }
            minijinja::escape_formatter(out, state, value)
        });
        Self {
            templates,
            shown,
            written: 0,
        }
    }

    /// A text that templates may include.
    pub(super) fn add_part(&mut self, name: &'t str, text: &'t str) -> Result<(), String> {
        self.templates
            .add_template(name, text)
            .map_err(|error| told(&error))
    }

    /// Writes one text from its template; `name` is how messages call it.
    pub(super) fn write(&mut self, name: &str, text: &str, seen: &Value) -> Result<String, String> {
        let mut bounded = Bounded {
            bytes: Vec::new(),
            left: MAX_PROMPT_BYTES - self.written,
            is_full: false,
        };
        self.shown.store(self.written, Ordering::Relaxed);
        let template = self.templates.template_from_named_str(name, text);
        let rendered =
            template.and_then(|template| template.render_captured_to(seen, &mut bounded).map(drop));
        if bounded.is_full {
            return Err(format!("{} (in {name})", too_much()));
        }
        rendered.map_err(|error| told(&error))?;
        self.written += bounded.bytes.len();
        String::from_utf8(bounded.bytes).map_err(|_| format!("{name} is no text"))
    }
}

fn too_much() -> String {
    format!(
        "it writes more than {MAX_PROMPT_BYTES} bytes, which is the most that a role may be asked with: name less in `inputs`, send a smaller context, or begin another session"
    )
}

/// A fault of a template, with its line and what there is instead.
fn told(error: &Error) -> String {
    let allowed = match error.kind() {
        ErrorKind::UnknownFilter => format!("; there are the filters {}", FILTERS.join(", ")),
        ErrorKind::UnknownTest => format!("; there are the tests {}", TESTS.join(", ")),
        ErrorKind::UnknownFunction => "; there are no functions".to_owned(),
        ErrorKind::OutOfFuel => format!(
            "; it takes more steps, or makes more text on the way, than {FUEL} steps allow, one for 64 bytes"
        ),
        _ => String::new(),
    };
    format!("{error}{allowed}")
}

/// Takes so many bytes and then fails.
struct Bounded {
    bytes: Vec<u8>,
    left: usize,
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.len() > self.left {
            self.is_full = true;
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.left -= piece.len();
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Material, Role, Roles};
    use super::*;

    fn ask(template: &str, prompt: &str) -> Result<usize, String> {
        let file = format!(
            "+++\nname = \"x\"\ntitle = \"X\"\nabout = \"-\"\ninputs = [\"prompt\", \"results\", \"memory\"]\n+++\n+++\n{template}"
        );
        let role = Role::parse("x.md", &file).unwrap();
        let material = Material {
            prompt: prompt.to_owned(),
            ..Material::default()
        };
        let asked = Roles::built_in().ask(&role, &material);
        asked
            .map(|ask| ask.bytes())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_multiplies_text_is_not_there_and_what_is_there_is_told() {
        for (template, names) in [
            (
                "{{ prompt|replace('a', 'b') }}",
                "default, first, last, length, lower, trim, upper",
            ),
            ("{{ memory|join('x') }}", "default, first"),
            ("{{ prompt|indent(99) }}", "default, first"),
            ("{{ '%s'|format(prompt) }}", "default, first"),
            ("{% if prompt is odd %}x{% endif %}", "defined, undefined"),
        ] {
            let why = ask(template, "a").unwrap_err();
            assert!(
                why.contains("role x") && why.contains(names) && why.contains("what is asked:1"),
                "{template}: {why}"
            );
        }
    }

    #[test]
    fn a_prompt_has_at_most_its_bound_whatever_the_template_does() {
        let long = "a".repeat(MAX_PROMPT_BYTES / 4 + 1);
        let three = "\n{{ prompt }}".repeat(3);
        assert_eq!(ask(&three, &long), Ok(3 * long.len() + 2));
        let why = ask(&"{{ prompt }}\n".repeat(5), &long).unwrap_err();
        assert!(
            why.contains("role x")
                && why.contains("4194304 bytes")
                && why.contains("what is asked:4"),
            "{why}"
        );
        let doubled = "{% set a = 'aaaaaaaaaaaaaaaa' %}".to_owned()
            + &"{% set a = a ~ a %}".repeat(40)
            + "{{ a }}";
        for template in ["{{ prompt * 1000000000 }}", doubled.as_str()] {
            let why = ask(template, "aaaa").unwrap_err();
            assert!(why.contains("takes more steps"), "{template}: {why}");
        }
    }
}
