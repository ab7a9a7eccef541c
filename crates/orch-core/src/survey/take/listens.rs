//! Where source code says on which port it listens: Express, Fastify and their like, Go, Python, Rust, Ruby,
//! Spring, and the configuration of development servers. A port that is computed is not stated.

use super::found::Found;
use super::ports::{number, of_address};
use super::tested::is_test;
use crate::survey::model::{EntryKind, Place};
use crate::survey::tree::{folder, name};

/// Folders of what shows how something is used.
const SHOWN: [&str; 9] = [
    "examples",
    "example",
    "samples",
    "fixtures",
    "testdata",
    "benches",
    "benchmarks",
    "docs",
    "demo",
];
/// The longest call that is looked at, in bytes.
const LONGEST_CALL: usize = 400;
/// The most calls of one file that are looked at.
const MOST_CALLS: usize = 10;
const MOST_PORTS: usize = 5;

/// Whether a file shows or tests something, and is no part of what runs.
pub fn is_beside(path: &str) -> bool {
    is_test(path) || folder(path).split('/').any(|part| SHOWN.contains(&part))
}

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    if is_beside(path) {
        return;
    }
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let said = match (name(path), ending) {
        (file, "js" | "ts" | "mjs" | "cjs" | "mts" | "cts") if file.contains(".config.") => {
            return configured(found, path, text);
        }
        (_, "js" | "ts" | "mjs" | "cjs" | "mts" | "cts" | "jsx" | "tsx") => javascript(text),
        (_, "go") => calls(
            text,
            &[
                "ListenAndServe(",
                ".Run(",
                ".Start(",
                ".Listen(",
                "net.Listen(",
            ],
            address_in,
        ),
        (_, "py") => calls(
            text,
            &[".run(", "run_app(", "HTTPServer(", ".listen("],
            python,
        ),
        (_, "rs") => {
            let own = text.split("#[cfg(test)]").next().unwrap_or(text);
            calls(
                own,
                &["TcpListener::bind(", "Server::bind(", ".bind("],
                rust,
            )
        }
        ("puma.rb", _) => calls(text, &["port "], ruby),
        (_, "rb") => calls(text, &["set :port,"], ruby),
        ("application.properties", _) => calls(text, &["server.port="], first_number),
        ("application.yml" | "application.yaml", _) => spring(text),
        (_, _) => return,
    };
    for (port, line) in said.into_iter().take(MOST_PORTS) {
        found.listens(path, port, Place::line(path, line));
    }
}

/// `server: { port: 3000 }` of what serves while something is developed.
fn configured(found: &mut Found<'_>, path: &str, text: &str) {
    let program = name(path).split('.').next().unwrap_or_default();
    if !["vite", "webpack", "vue", "nuxt", "astro", "rspack"].contains(&program) {
        return;
    }
    let said = calls(text, &["port:"], first_number);
    if let Some((port, line)) = said.into_iter().next() {
        let place = Place::line(path, line);
        found.entry(EntryKind::Process, program, None, vec![port], place);
    }
}

/// What stands behind each of `beginnings`, as far as `port` finds one in it.
fn calls(
    text: &str,
    beginnings: &[&str],
    port: impl Fn(&str) -> Option<String>,
) -> Vec<(String, u32)> {
    let mut said: Vec<(String, u32)> = Vec::new();
    for beginning in beginnings {
        for (at, _) in text.match_indices(beginning).take(MOST_CALLS) {
            if is_remark(text, at) {
                continue;
            }
            let behind = start(&text[at + beginning.len()..]);
            if let Some(port) = port(behind)
                && !said.iter().any(|(known, _)| *known == port)
            {
                said.push((port, line_at(text, at)));
            }
        }
    }
    said
}

fn line_at(text: &str, at: usize) -> u32 {
    text[..at].matches('\n').count() as u32 + 1
}

fn is_remark(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or("").trim_start();
    line.starts_with("//") || line.starts_with(['*', '#']) || line.starts_with("/*")
}

/// The beginning, as long as one call may be.
fn start(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_CALL);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What stands between the brackets of a call.
fn arguments(behind: &str) -> &str {
    let mut open = 1;
    for (at, c) in behind.char_indices() {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return &behind[..at];
        }
    }
    behind
}

fn first_number(behind: &str) -> Option<String> {
    let word = behind
        .trim_start()
        .split(|c: char| c.is_whitespace() || ",;})".contains(c))
        .next()?;
    number(word)
}

/// `":8080"`, `"0.0.0.0:8080"`: the first or second string.
fn address_in(behind: &str) -> Option<String> {
    let inside = arguments(behind);
    let strings = inside.split('"').skip(1).step_by(2).take(2);
    strings
        .filter(|text| text.contains(':'))
        .find_map(of_address)
}

/// `port=8000`, or `("", 8000)`.
fn python(behind: &str) -> Option<String> {
    let inside = arguments(behind);
    if let Some((_, value)) = inside.split_once("port=") {
        return first_number(value);
    }
    let inside = inside.trim_start();
    match inside.strip_prefix('(') {
        Some(pair) => number(pair.split_once(',')?.1.split(')').next()?),
        None => first_number(inside),
    }
}

/// `"0.0.0.0:3000"`, `("0.0.0.0", 3000)`, `&SocketAddr::from(([0, 0, 0, 0], 3000))`.
fn rust(behind: &str) -> Option<String> {
    let inside = arguments(behind);
    if let Some(port) = address_in(behind) {
        return Some(port);
    }
    let last = inside.rsplit_once(',')?.1;
    inside
        .contains('(')
        .then(|| number(last.trim_matches([')', ' '])))?
}

/// `3000`, `ENV.fetch("PORT") { 3000 }`, `ENV.fetch("PORT", 3000)`.
fn ruby(behind: &str) -> Option<String> {
    let line = behind.lines().next()?;
    let words = line.split(|c: char| !c.is_alphanumeric());
    words.rev().find(|word| !word.is_empty()).and_then(number)
}

fn spring(text: &str) -> Vec<(String, u32)> {
    let entries = crate::survey::read::yaml_entries(text).into_iter();
    let ports = entries.filter(|entry| entry.is(&["server", "port"]));
    ports
        .filter_map(|entry| Some((number(&entry.value)?, entry.line)))
        .collect()
}

/// `app.listen(3000)`, `listen({ port: 3000 })`, `Bun.serve({ port: 3000 })`, with constants of the same file.
fn javascript(text: &str) -> Vec<(String, u32)> {
    calls(text, &[".listen(", "serve("], |behind| {
        let inside = arguments(behind).trim_start();
        match inside.strip_prefix('{') {
            Some(members) => resolved(member(members)?, text),
            None => resolved(argument(inside), text),
        }
    })
}

/// Up to the next comma that is in no brackets.
fn argument(inside: &str) -> &str {
    let mut open = 0;
    for (at, c) in inside.char_indices() {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open -= 1,
            _ => {}
        }
        if open < 0 || (open == 0 && c == ',') {
            return &inside[..at];
        }
    }
    inside
}

/// The value of `port`, or `port` itself where it stands alone.
fn member(members: &str) -> Option<&str> {
    let mut rest = members;
    while !rest.is_empty() {
        let one = argument(rest);
        match one.split_once(':') {
            Some((key, value)) if key.trim().trim_matches(['"', '\'']) == "port" => {
                return Some(value);
            }
            None if one.trim() == "port" => return Some("port"),
            Some(_) | None => {}
        }
        rest = rest.get(one.len() + 1..)?;
    }
    None
}

fn resolved(value: &str, text: &str) -> Option<String> {
    if let Some(port) = literal(value) {
        return Some(port);
    }
    let called = value.trim();
    let is_name = !called.is_empty()
        && called
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    if !is_name {
        return None;
    }
    ["const", "let", "var"].iter().find_map(|keyword| {
        let beginning = format!("{keyword} {called}");
        text.match_indices(&beginning)
            .take(MOST_CALLS)
            .find_map(|(at, _)| {
                let line = start(&text[at + beginning.len()..]).lines().next()?;
                // `const port: number = 3000`
                let (before, value) = line.split_once('=')?;
                let is_it = before.is_empty() || before.starts_with([' ', ':']);
                is_it.then(|| literal(value.split(';').next()?))?
            })
    })
}

/// `3000`, `"3000"`, `Number(process.env.PORT) || 3000`, `process.env.PORT ?? '3000'`.
fn literal(value: &str) -> Option<String> {
    let default = value.rsplit_once("||").or_else(|| value.rsplit_once("??"));
    let value = default.map_or(value, |(_, default)| default);
    number(value.trim_matches(|c: char| c.is_whitespace() || "()".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::{javascript, python, ruby, rust};

    #[test]
    fn the_port_that_express_and_its_like_listen_on_is_found_where_the_file_says_it() {
        for (text, ports) in [
            (
                "const app = express();\napp.listen(3000);",
                &[("3000", 2)][..],
            ),
            (
                "app.listen(3000, () => console.log('x, 4'))",
                &[("3000", 1)],
            ),
            (
                "fastify.listen({ host: '::', port: 3001 }, f)",
                &[("3001", 1)],
            ),
            ("await fastify.listen({\n  port: 3001,\n})", &[("3001", 1)]),
            (
                "const port = process.env.PORT || 3002;\napp.listen(port)",
                &[("3002", 2)],
            ),
            (
                "const PORT: number = 3003\nserver.listen(PORT, '0.0.0.0')",
                &[("3003", 2)],
            ),
            (
                "const port = Number(process.env.PORT ?? '3004')\nserve({ fetch, port })",
                &[("3004", 2)],
            ),
            (
                "export const port = 3006\nserve({ fetch: app.fetch, port })",
                &[("3006", 2)],
            ),
            (
                "await app.listen(process.env.PORT ?? 3005);",
                &[("3005", 1)],
            ),
            (
                "http.createServer(app).listen(parseInt(process.env.PORT) || 8080)",
                &[("8080", 1)],
            ),
            ("Bun.serve({ port: 4000, fetch() {} })", &[("4000", 1)]),
            (
                "// app.listen(3000)\napp.listen(process.env.PORT)\nhistory.listen(() => 1)",
                &[],
            ),
            ("const portal = 1\napp.listen(port)", &[]),
            ("app.listen(", &[]),
            ("serve({ port", &[]),
        ] {
            let found = javascript(text);
            let found: Vec<(&str, u32)> = found.iter().map(|(p, l)| (p.as_str(), *l)).collect();
            assert_eq!(found, ports, "{text}");
        }
    }

    #[test]
    fn other_languages_say_their_ports_in_their_ways() {
        assert_eq!(python("debug=True, port=5000)").as_deref(), Some("5000"));
        assert_eq!(python("(\"\", 8000), Handler)").as_deref(), Some("8000"));
        assert_eq!(python("main())"), None);
        assert_eq!(rust("\"0.0.0.0:3000\").await").as_deref(), Some("3000"));
        assert_eq!(rust("(\"0.0.0.0\", 8080))?").as_deref(), Some("8080"));
        assert_eq!(
            rust("&SocketAddr::from(([0, 0, 0, 0], 3000)))").as_deref(),
            Some("3000")
        );
        assert_eq!(rust("\"127.0.0.1:0\")"), None);
        assert_eq!(rust("address)"), None);
        assert_eq!(
            ruby("ENV.fetch(\"PORT\") { 3000 }\nworkers 2").as_deref(),
            Some("3000")
        );
        assert_eq!(ruby("ENV.fetch(\"PORT\", 3000)").as_deref(), Some("3000"));
    }
}
