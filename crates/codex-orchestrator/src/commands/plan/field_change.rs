//! What changed in a field, as people read it: whole values where they are short, else what went and what came.

use orch_api::types::plan::PlanFieldChange;
use serde_json::Value;

use crate::output::{Paint, Tone, one_line};

/// The lines that tell of it.
pub fn lines(change: &PlanFieldChange, paint: Paint) -> Vec<String> {
    let name = change.field.replace('_', " ");
    let (before, after) = (parts(&change.before), parts(&change.after));
    if before.len() <= 1 && after.len() <= 1 {
        let side = |parts: &[String]| parts.first().cloned().unwrap_or_else(|| "-".to_owned());
        let text = format!("{name}: {} → {}", side(&before), side(&after));
        return vec![format!("    {}", one_line(&text))];
    }
    let only = |of: &[String], beside: &[String], sign: &str, tone: Tone| -> Vec<String> {
        let only = of.iter().filter(|part| !beside.contains(part));
        only.map(|part| {
            let text = one_line(&format!("{sign} {part}"));
            format!("      {}", paint.text(&text, tone))
        })
        .collect()
    };
    let gone = only(&before, &after, "-", Tone::Bad);
    let come = only(&after, &before, "+", Tone::Good);
    let heading = match gone.is_empty() && come.is_empty() {
        true => format!("    {}: in another order", one_line(&name)),
        false => format!("    {}:", one_line(&name)),
    };
    [vec![heading], gone, come].concat()
}

/// Lines of a text, or entries of a list.
fn parts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(str::to_owned)
            .collect(),
        Value::Array(entries) => entries.iter().map(said).collect(),
        other => vec![said(other)],
    }
}

/// One value on one line.
fn said(value: &Value) -> String {
    let text = |name: &str| value[name].as_str();
    let minutes =
        ["low_minutes", "likely_minutes", "high_minutes"].map(|name| value[name].as_u64());
    match (value, text("text"), minutes) {
        (Value::String(text), ..) => text.clone(),
        (_, Some(criterion), _) => match text("command") {
            Some(command) => format!("{criterion} ($ {command})"),
            None => criterion.to_owned(),
        },
        (_, None, [Some(low), Some(likely), Some(high)]) => {
            format!("{low}/{likely}/{high} minutes")
        }
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(field: &str, before: Value, after: Value) -> String {
        let field = field.to_owned();
        lines(
            &PlanFieldChange {
                field,
                before,
                after,
            },
            Paint::Plain,
        )
        .join("\n")
    }

    #[test]
    fn a_short_value_stands_beside_what_it_was() {
        assert_eq!(
            told("title", json!("Take cards"), json!("Take cash")),
            "    title: Take cards → Take cash"
        );
        assert_eq!(
            told("theme", Value::Null, json!("pay")),
            "    theme: - → pay"
        );
        let minutes =
            |likely: u32| json!({"low_minutes": 30, "likely_minutes": likely, "high_minutes": 120});
        assert_eq!(
            told("estimate", minutes(60), minutes(90)),
            "    estimate: 30/60/120 minutes → 30/90/120 minutes"
        );
    }

    #[test]
    fn of_a_list_and_of_a_long_text_only_what_differs_is_told() {
        let criterion =
            |text: &str, command: Option<&str>| json!({"text": text, "command": command});
        let told_of = told(
            "acceptance",
            json!([
                criterion("It is quick", None),
                criterion("Tests pass", Some("npm test"))
            ]),
            json!([
                criterion("It is quick", None),
                criterion("Tests pass", Some("make test"))
            ]),
        );
        assert_eq!(
            told_of,
            "    acceptance:\n      - Tests pass ($ npm test)\n      + Tests pass ($ make test)"
        );
        let told_of = told("description", json!("one\n\ntwo"), json!("one\nthree"));
        assert_eq!(told_of, "    description:\n      - two\n      + three");
        let told_of = told("requirements", json!(["R-1", "R-2"]), json!(["R-2", "R-1"]));
        assert_eq!(told_of, "    requirements: in another order");
    }
}
