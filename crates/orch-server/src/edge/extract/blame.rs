//! Reads the messages of deserialisation errors: which field, what was found, what is expected.
//!
//! The wording parsed here is serde's own; a message that is not recognised is passed on whole.

use serde_path_to_error::Path;

use super::super::FieldError;

/// Names the field at fault in a message that arose at `path`.
pub(super) fn field_error(path: &Path, message: &str) -> FieldError {
    let at = match path.to_string() {
        root if root == "." => String::new(),
        path => path,
    };
    let rules = [missing, unknown_field, duplicate, unknown_variant, invalid];
    let fault = rules.iter().find_map(|rule| rule(message));
    let Fault {
        member,
        got,
        expected,
    } = fault.unwrap_or_else(|| Fault::at_value(None, plain(message)));
    let field = match member {
        None => at,
        Some(name) if at.is_empty() || at == name || at.ends_with(&format!(".{name}")) => {
            if at.is_empty() { name } else { at }
        }
        Some(name) => format!("{at}.{name}"),
    };
    let error = FieldError::new(field, expected);
    match got {
        Some(got) => error.got(got),
        None => error,
    }
}

struct Fault {
    /// The member of the object at the path that is at fault; none when it is the value itself.
    member: Option<String>,
    got: Option<String>,
    expected: String,
}

impl Fault {
    fn at_value(got: Option<&str>, expected: String) -> Self {
        Self {
            member: None,
            got: got.map(str::to_owned),
            expected,
        }
    }

    fn at_member(member: &str, got: &str, expected: &str) -> Self {
        Self {
            member: Some(member.to_owned()),
            got: Some(got.to_owned()),
            expected: expected.to_owned(),
        }
    }
}

/// The text between `lead` and a closing backtick, and what follows it.
fn quoted<'a>(message: &'a str, lead: &str) -> Option<(&'a str, &'a str)> {
    let rest = message.strip_prefix(lead)?.strip_prefix('`')?;
    // A name may hold a backtick itself; what follows it is one of serde's own phrases.
    let end = rest.rfind("`, expected ").or_else(|| {
        rest.rfind("`, there are no ")
            .or_else(|| rest.strip_suffix('`').map(str::len))
    })?;
    let first = rest.find("`, expected ").unwrap_or(end).min(end);
    Some((&rest[..first], &rest[first + 1..]))
}

fn missing(message: &str) -> Option<Fault> {
    let (name, _) = quoted(message, "missing field ")?;
    let expected = "a value (the field is required)";
    Some(Fault::at_member(name, "nothing", expected))
}

fn unknown_field(message: &str) -> Option<Fault> {
    let (name, rest) = quoted(message, "unknown field ")?;
    let expected = rest.strip_prefix(", expected ").unwrap_or("no fields");
    Some(Fault::at_member(name, "an unknown field", expected))
}

fn duplicate(message: &str) -> Option<Fault> {
    let (name, _) = quoted(message, "duplicate field ")?;
    Some(Fault::at_member(name, "it twice", "the field once"))
}

fn unknown_variant(message: &str) -> Option<Fault> {
    let (name, rest) = quoted(message, "unknown variant ")?;
    let expected = rest.strip_prefix(", expected ").unwrap_or("nothing");
    Some(Fault::at_value(
        Some(&format!("`{name}`")),
        expected.to_owned(),
    ))
}

fn invalid(message: &str) -> Option<Fault> {
    let (kind, rest) = ["invalid type: ", "invalid value: ", "invalid length "]
        .iter()
        .find_map(|kind| Some((*kind, message.strip_prefix(kind)?)))?;
    let (got, expected) = rest.rsplit_once(", expected ")?;
    if got.starts_with("integer `")
        && !got.contains('-')
        && let Some(most) = most_of(expected)
    {
        let expected = format!("a whole number of at most {most}");
        return Some(Fault::at_value(Some(got), expected));
    }
    let got = match kind {
        "invalid length " => format!("a length of {got}"),
        _ => got.to_owned(),
    };
    Some(Fault::at_value(Some(&got), plain(expected)))
}

/// The largest number that fits where one of this type is expected; what is wrong with a whole one is its size.
fn most_of(expected: &str) -> Option<u64> {
    Some(match expected {
        "u8" => u8::MAX.into(),
        "u16" => u16::MAX.into(),
        "u32" => u32::MAX.into(),
        "i32" => i32::MAX.unsigned_abs().into(),
        "i64" => i64::MAX.unsigned_abs(),
        _ => return None,
    })
}

/// Words for what serde calls by the names of Rust types.
fn plain(expected: &str) -> String {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, zero or more",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "a JSON object",
        "unit" => "null",
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "a whole number"
        }
        "number too large to fit in target type" => "a smaller number",
        "number too small to fit in target type" => "a larger number",
        "invalid float literal" | "cannot parse float from empty string" => "a number",
        "provided string was not `true` or `false`" => "true or false",
        structure if structure.starts_with("struct ") => "a JSON object",
        other => other,
    }
    .to_owned()
}
