//! Counts in English: `1 file`, `2 files`, `3 dependencies`.

/// So many of `noun`, which is given in the singular; its plural is regular.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        return format!("1 {noun}");
    }
    let is_vowel = |c: char| "aeiou".contains(c);
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(is_vowel) => format!("{count} {stem}ies"),
        Some(_) | None => {
            let hisses = ["s", "x", "z", "ch", "sh"]
                .iter()
                .any(|end| noun.ends_with(end));
            let end = if hisses { "es" } else { "s" };
            format!("{count} {noun}{end}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_singular_and_all_else_plural() {
        let said = |count| {
            ["file", "dependency", "byte", "day", "match", "class"].map(|noun| counted(count, noun))
        };
        assert_eq!(
            said(1),
            [
                "1 file",
                "1 dependency",
                "1 byte",
                "1 day",
                "1 match",
                "1 class"
            ]
        );
        assert_eq!(
            said(0),
            [
                "0 files",
                "0 dependencies",
                "0 bytes",
                "0 days",
                "0 matches",
                "0 classes"
            ]
        );
        assert_eq!(counted(1_000, "file"), "1000 files");
    }
}
