//! Whether a role's text is a template that can be written: looked at when the role is read, not when it is asked.

use minijinja::Environment;

/// What stands in other files of ours alone.
const FROM_ELSEWHERE: [&str; 4] = ["include", "import", "from", "extends"];

/// Looks at a part of a role's file that begins on its line `first`. `seen` are the names that it may use, `parts`
/// the files that it may include.
///
/// # Errors
/// What is wrong, with line and column in the file.
pub(super) fn check(
    text: &str,
    first: usize,
    seen: &[&str],
    parts: &[String],
) -> Result<(), String> {
    let at = |offset: usize, why: String| {
        let before = &text[..text.floor_char_boundary(offset)];
        let line = first + before.matches('\n').count();
        let column = 1 + before.chars().rev().take_while(|c| *c != '\n').count();
        format!("line {line}, column {column}: {why}")
    };
    let templates = Environment::empty();
    let template = templates.template_from_str(text).map_err(|error| {
        let why = error.detail().map_or_else(
            || error.kind().to_string(),
            |detail| format!("{}: {detail}", error.kind()),
        );
        match (error.range(), error.line()) {
            (Some(range), _) => at(range.start, why),
            (None, Some(line)) => format!("line {}: {why}", first + line - 1),
            (None, None) => why,
        }
    })?;
    if let Some((offset, why)) = foreign(text, parts) {
        return Err(at(offset, why));
    }
    let mut unknown: Vec<String> = template
        .undeclared_variables(false)
        .into_iter()
        .filter(|name| !seen.contains(&name.as_str()))
        .collect();
    unknown.sort_unstable();
    match unknown.first() {
        Some(name) => Err(at(
            text.find(name.as_str()).unwrap_or(0),
            format!("there is no `{name}`; a template sees {}", seen.join(", ")),
        )),
        None => Ok(()),
    }
}

/// The first tag that wants a file which is none of the program's parts.
fn foreign(text: &str, parts: &[String]) -> Option<(usize, String)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("{").map(|found| from + found) {
        let rest = &text[found..];
        if rest.starts_with("{#") {
            from = rest.find("#}").map_or(text.len(), |end| found + end + 2);
            continue;
        }
        from = found + 1;
        let Some(tag) = rest.strip_prefix("{%") else {
            continue;
        };
        let tag = tag.trim_start_matches(['-', '+']).trim_start();
        let end = tag
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(tag.len());
        let (word, argument) = tag.split_at(end);
        if word == "raw" {
            from = rest.find("endraw").map_or(text.len(), |end| found + end);
            continue;
        }
        if !FROM_ELSEWHERE.contains(&word) {
            continue;
        }
        let argument = argument.trim_start();
        let quote = argument.chars().next().filter(|c| matches!(c, '"' | '\''));
        let named = quote.and_then(|quote| argument[1..].split_once(quote));
        let name = named.map(|(name, _)| name);
        let is_part = name.is_some_and(|name| parts.iter().any(|part| part == name));
        if word != "include" || !is_part {
            let why = format!(
                "`{word}` takes in another file, and a role stands alone; only `include` of {} is there",
                parts.join(", ")
            );
            return Some((found, why));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> Option<String> {
        let parts = ["parts/rule.md".to_owned()];
        check(text, 7, &["prompt", "results"], &parts).err()
    }

    #[test]
    fn what_is_no_template_is_named_with_its_place_in_the_file() {
        for fine in [
            "plain { text } {{ prompt }}",
            "{% for part in results %}{{ loop.index }} {{ part.text }}{% endfor %}",
            "{% include \"parts/rule.md\" %}{# {% include \"x\" %} #}",
            "{% raw %}{% include \"x\" %}{{ nothing }}{% endraw %}",
        ] {
            assert_eq!(why(fine), None, "{fine}");
        }
        for (text, place, said) in [
            ("a\n{{ prompt", "line 8", "syntax error"),
            (
                "a\n b {% if %}x{% endif %}",
                "line 8, column 10",
                "syntax error",
            ),
            ("{% for x in results %}", "line 7", "unexpected end"),
            (
                "é\n é{% include \"/etc/passwd\" %}",
                "line 8, column 3",
                "`include`",
            ),
            ("{%- include prompt %}", "line 7, column 1", "`include`"),
            (
                "{% extends \"parts/rule.md\" %}",
                "line 7, column 1",
                "`extends`",
            ),
            ("{{ range(3) }}", "line 7, column 4", "there is no `range`"),
            (
                "x {{ secrets }}",
                "line 7, column 6",
                "there is no `secrets`",
            ),
        ] {
            let why = why(text).unwrap_or_default();
            assert!(
                why.starts_with(place) && why.contains(said),
                "{text}: {why}"
            );
        }
    }
}
