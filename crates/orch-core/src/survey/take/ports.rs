//! The ports that a command line listens on, where it says so: `next dev -p 4000`, `PORT=80 node a.js`.

use crate::survey::tree::name;

/// Programs that serve: `-p` and the like mean a port to them.
const SERVERS: [&str; 38] = [
    "next",
    "nuxt",
    "nuxi",
    "vite",
    "astro",
    "gatsby",
    "remix",
    "ng",
    "webpack",
    "webpack-dev-server",
    "vue-cli-service",
    "svelte-kit",
    "parcel",
    "http-server",
    "serve",
    "json-server",
    "live-server",
    "fastify",
    "uvicorn",
    "gunicorn",
    "hypercorn",
    "daphne",
    "waitress-serve",
    "flask",
    "fastapi",
    "streamlit",
    "rails",
    "bin/rails",
    "puma",
    "thin",
    "rackup",
    "unicorn",
    "php",
    "hugo",
    "mkdocs",
    "jekyll",
    "docusaurus",
    "storybook",
];
/// Programs whose port is that of somebody else.
const CLIENTS: [&str; 12] = [
    "psql",
    "pg_isready",
    "pg_dump",
    "mysql",
    "mysqldump",
    "redis-cli",
    "wait-on",
    "wait-for-it.sh",
    "ssh",
    "scp",
    "curl",
    "nc",
];
/// Programs that run another one, which is named behind them.
const WRAPPERS: [&str; 18] = [
    "npx",
    "pnpm",
    "yarn",
    "bun",
    "bunx",
    "exec",
    "run",
    "env",
    "cross-env",
    "bundle",
    "poetry",
    "uv",
    "pipenv",
    "nodemon",
    "dotenv",
    "--",
    "dlx",
    "-m",
];
const MOST_PORTS: usize = 20;

/// The number of a port, where a text is one: `8080`, `${PORT:-8080}`.
pub fn number(text: &str) -> Option<String> {
    let text = text.trim_matches(['"', '\'', '`', ' ', ',']);
    let digits = match text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
    {
        Some(inner) => inner.split_once(":-")?.1,
        None => text,
    };
    let port: u16 = digits.parse().ok()?;
    (port > 0 && digits.starts_with(|c: char| c.is_ascii_digit())).then(|| port.to_string())
}

/// The port of an address: `0.0.0.0:8000`, `:8000`, or a number alone.
pub fn of_address(text: &str) -> Option<String> {
    let text = text.trim_matches(['"', '\'']);
    if let Some(port) = number(text) {
        return Some(port);
    }
    number(text.rsplit_once(':')?.1)
}

/// The ports that a line for a shell listens on.
pub fn of_call(call: &str) -> Vec<String> {
    let words: Vec<&str> = call
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']))
        .take(500)
        .collect();
    let mut ports = Vec::new();
    for part in words.split(|word| matches!(*word, "&&" | "||" | ";" | "|" | "&")) {
        for port in of_program(part) {
            if ports.len() < MOST_PORTS && !ports.contains(&port) {
                ports.push(port);
            }
        }
    }
    ports
}

fn of_program(words: &[&str]) -> Vec<String> {
    let mut ports = Vec::new();
    let mut rest = words;
    while let Some((first, after)) = rest.split_first() {
        if let Some((key, value)) = first.split_once('=')
            && !key.is_empty()
            && key.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        {
            if key == "PORT" {
                ports.extend(number(value));
            }
        } else if !WRAPPERS.contains(first) && !matches!(*first, "python" | "python3") {
            break;
        }
        rest = after;
    }
    let Some((program, options)) = rest.split_first() else {
        return ports;
    };
    let program = name(program);
    if CLIENTS.contains(&program) {
        return ports;
    }
    let serves = SERVERS.contains(&program);
    let mut options = options.iter().peekable();
    while let Some(option) = options.next() {
        let (key, value) = match option.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (*option, options.peek().map(|next| **next)),
        };
        let Some(value) = value else { continue };
        match key {
            "--port" | "--server.port" | "-Dserver.port" => ports.extend(number(value)),
            "-p" | "-P" if serves && program != "php" => ports.extend(number(value)),
            "-b" | "--bind" | "-l" | "--listen" | "-S" if serves => ports.extend(of_address(value)),
            "runserver" => ports.extend(of_address(value)),
            _ => {}
        }
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::of_call;

    #[test]
    fn a_port_is_told_by_what_the_program_calls_one_and_by_nothing_else() {
        for (call, ports) in [
            ("next dev -p 4000", &["4000"][..]),
            ("vite --port 5000 --host", &["5000"]),
            ("vite --port=5000", &["5000"]),
            ("tsc -p 4 && npx next start -p 4001", &["4001"]),
            ("PORT=4000 node server.js", &["4000"]),
            ("cross-env NODE_ENV=production PORT=4000 node .", &["4000"]),
            ("bundle exec rails server -p 3001", &["3001"]),
            ("gunicorn app:app -b 0.0.0.0:8000", &["8000"]),
            ("gunicorn app:app --bind=:8000", &["8000"]),
            (
                "uvicorn main:app --host 0.0.0.0 --port ${PORT:-8080}",
                &["8080"],
            ),
            ("python -m uvicorn main:app --port 8000", &["8000"]),
            ("python manage.py runserver 0.0.0.0:8000", &["8000"]),
            ("php -S localhost:8000 -t public", &["8000"]),
            ("java -jar app.jar --server.port=8081", &["8081"]),
            ("python manage.py runserver", &[]),
            ("uvicorn main:app --port $PORT", &[]),
            ("mkdir -p 4000", &[]),
            ("docker run -p 3000:3000 app", &[]),
            ("psql --port 5432", &[]),
            ("next dev -p 99999", &[]),
            ("", &[]),
        ] {
            assert_eq!(of_call(call), ports, "{call}");
        }
    }
}
