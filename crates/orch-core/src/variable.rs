//! Names of environment variables, where settings name them and never hold their values.

/// The longest name, in bytes.
pub const LONGEST_VARIABLE: usize = 128;

/// Whether it is the name of a variable: letters, digits and `_`, no digit first.
#[must_use]
pub fn is_variable(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = name.starts_with(|first: char| !first.is_ascii_digit());
    begins && name.len() <= LONGEST_VARIABLE && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_letters_digits_and_lines_and_begins_with_no_digit() {
        let longest = "X".repeat(LONGEST_VARIABLE);
        for name in ["OPENAI_API_KEY", "_x9", longest.as_str()] {
            assert!(is_variable(name), "{name}");
        }
        let longer = format!("{longest}X");
        for name in ["", "9X", "A-B", "A=1", "Ä", "sk 1", longer.as_str()] {
            assert!(!is_variable(name), "{name}");
        }
    }
}
