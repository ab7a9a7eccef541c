//! The page at `/docs`: every operation of the OpenAPI document, as HTML without any script, so
//! that it works offline and under a strict content policy.

use std::fmt::Write as _;

use serde_json::Value;

/// The style of the server's own pages, light and dark.
pub const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--accent:#2563eb}\
body{margin:0;font:16px/1.55 system-ui,sans-serif}main{max-width:60rem;margin:auto;padding:1.5rem}\
h1{margin:.2em 0}h2{margin-top:2.2em;border-bottom:1px solid var(--line)}\
details{border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0;overflow-wrap:anywhere}\
summary{cursor:pointer;padding:.5rem .8rem}details>div{padding:0 .9rem .8rem}\
code,pre{font:13.5px/1.45 ui-monospace,monospace}pre{background:var(--soft);padding:.7rem;border-radius:.4rem;overflow:auto}\
b.m{display:inline-block;min-width:4.2rem;font:700 12px ui-monospace,monospace}a{color:var(--accent)}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem .25rem 0;vertical-align:top}\
td{border-top:1px solid var(--soft)}";

/// Renders the document.
#[must_use]
pub fn render(document: &Value) -> String {
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Codex Orchestrator API</title><style>{STYLE}</style><main><h1>{} API</h1><p>{}</p>\
         <p>The machine-readable form is <a href=/openapi.json>/openapi.json</a> (OpenAPI 3.1).</p>",
        text(&document["info"]["title"]),
        text(&document["info"]["description"]),
    );
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = tag["name"].as_str().unwrap_or_default();
        let _ = write!(
            html,
            "<h2>{}</h2><p>{}</p>",
            escape(name),
            text(&tag["description"])
        );
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation["tags"]
                    .as_array()
                    .is_some_and(|tags| tags.iter().any(|t| t == name))
                {
                    render_operation(&mut html, document, path, method, operation);
                }
            }
        }
    }
    html.push_str("</main></html>");
    html
}

fn render_operation(
    html: &mut String,
    document: &Value,
    path: &str,
    method: &str,
    operation: &Value,
) {
    let _ = write!(
        html,
        "<details><summary><b class=m>{}</b> <code>{}</code> {}</summary><div>",
        escape(&method.to_uppercase()),
        escape(path),
        text(&operation["summary"]),
    );
    if operation["description"].is_string() {
        let _ = write!(html, "<p>{}</p>", text(&operation["description"]));
    }
    let parameters = operation["parameters"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if !parameters.is_empty() {
        html.push_str("<table><tr><th>Parameter</th><th>In</th><th></th></tr>");
        for parameter in parameters {
            let _ = write!(
                html,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                text(&parameter["name"]),
                text(&parameter["in"]),
                text(&parameter["description"]),
            );
        }
        html.push_str("</table>");
    }
    schema(
        html,
        document,
        "Body",
        &operation["requestBody"]["content"]["application/json"]["schema"],
    );
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let shown = &response["content"]["application/json"]["schema"];
        schema(html, document, &format!("Answer {status}"), shown);
    }
    html.push_str("</div></details>");
}

fn schema(html: &mut String, document: &Value, title: &str, schema: &Value) {
    if schema.is_null() {
        return;
    }
    let resolved = resolve(document, schema);
    let pretty = serde_json::to_string_pretty(&resolved).unwrap_or_default();
    let _ = write!(
        html,
        "<p><b>{}</b></p><pre>{}</pre>",
        escape(title),
        escape(&pretty)
    );
}

/// One step of `$ref`, wherever it stands in the schema.
fn resolve(document: &Value, schema: &Value) -> Value {
    match schema {
        Value::Object(map) => match map.get("$ref").and_then(Value::as_str) {
            Some(reference) => document
                .pointer(reference.trim_start_matches('#'))
                .cloned()
                .unwrap_or_default(),
            None => Value::Object(
                map.iter()
                    .map(|(k, v)| (k.clone(), resolve(document, v)))
                    .collect(),
            ),
        },
        Value::Array(all) => Value::Array(all.iter().map(|v| resolve(document, v)).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
