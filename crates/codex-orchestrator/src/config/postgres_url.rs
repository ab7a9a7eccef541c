//! A PostgreSQL URL, read strictly: whatever would be passed over is refused by name.
//!
//! Values are kept as they are written; only the shape is checked and made the one that the store
//! reads. Never repeats a value in an error: a password may stand anywhere in what is malformed.

/// The drivers that SQLAlchemy knows for PostgreSQL. They mean nothing here.
pub const DRIVERS: [&str; 8] = [
    "asyncpg",
    "pg8000",
    "psycopg",
    "psycopg2",
    "psycopg2cffi",
    "psycopg_async",
    "pygresql",
    "pypostgresql",
];

const SHAPE: &str = "expected postgres://user:password@host:5432/name";
/// Parameters that are taken over as they are.
const PARAMETERS: [&str; 7] = [
    "host", "hostaddr", "port", "user", "password", "dbname", "options",
];
const ACCEPTED: &str = "accepted are host, hostaddr, port, user, password, dbname, options, \
                        options[NAME], and sslmode or ssl without TLS";
const NO_TLS: &str = "there is no TLS to the database yet; leave it out and keep the way to the database private: the \
                      same machine, a Unix socket (?host=/run/postgresql), a network of their own, or a tunnel \
                      (ssh -L, stunnel, a VPN)";
const TLS_FILES: [&str; 9] = [
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "sslpassword",
    "sslcrl",
];

/// Reads what follows `postgres:`; answers the URL as the store reads it.
pub fn read(rest: &str) -> Result<String, String> {
    let Some(place) = rest.strip_prefix("//") else {
        return Err(format!("two slashes are missing; {SHAPE}"));
    };
    no_stray_characters(place)?;
    let (place, query) = place.split_once('?').unwrap_or((place, ""));
    let (authority, name) = place.split_once('/').unwrap_or((place, ""));
    let (user_info, host_port) = match authority.rsplit_once('@') {
        Some((user_info, host_port)) => (Some(user_info), host_port),
        None => (None, authority),
    };
    let (host, port) = host_and_port(host_port)?;
    let mut parameters = parameters(query)?;
    let has_name = parameters.iter().any(|(key, _)| key == "dbname");
    if name.is_empty() && !has_name {
        return Err(format!("it names no database on the server; {SHAPE}"));
    }
    let mut url = "postgres://".to_owned();
    if host.is_empty() {
        // Nothing can stand before a host that is not there.
        let (user, password) =
            match user_info.map(|info| info.split_once(':').unwrap_or((info, ""))) {
                Some((user, password)) => (user, password),
                None => ("", ""),
            };
        for (key, value) in [
            ("password", password),
            ("user", user),
            ("port", port.unwrap_or("")),
        ] {
            if !value.is_empty() {
                let value = value.replace('+', "%2B").replace('&', "%26");
                parameters.insert(0, (key.to_owned(), value));
            }
        }
    } else {
        url.extend(user_info.map(|info| format!("{info}@")));
        url.push_str(host);
        url.extend(port.map(|port| format!(":{port}")));
    }
    url.push('/');
    url.push_str(name);
    for (place, (key, value)) in parameters.iter().enumerate() {
        url.push(if place == 0 { '?' } else { '&' });
        url.push_str(&format!("{key}={value}"));
    }
    Ok(url)
}

/// User and password end at the first character that means something in a URL.
fn no_stray_characters(place: &str) -> Result<(), String> {
    let encode = |character: char| {
        format!(
            "it has a `{character}` in the wrong place: in user, password and database name write %{:02X} for it, and \
             percent-encode `@`, `:`, `/`, `?`, `#`, `%` and spaces alike; {SHAPE}",
            u32::from(character)
        )
    };
    if let Some(stray) = place.chars().find(|c| *c == '#' || c.is_whitespace()) {
        return Err(encode(stray));
    }
    let mut rest = place;
    while let Some((_, after)) = rest.split_once('%') {
        let digits = after.as_bytes().iter().take(2);
        if digits.filter(|digit| digit.is_ascii_hexdigit()).count() < 2 {
            return Err(encode('%'));
        }
        rest = after;
    }
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    let (authority, name) = path.split_once('/').unwrap_or((path, ""));
    if authority.matches('@').count() > 1 {
        return Err(encode('@'));
    }
    if name.contains('@') {
        return Err(encode('/'));
    }
    if !path.contains('/') && query.contains('@') {
        return Err(encode('?'));
    }
    Ok(())
}

fn host_and_port(text: &str) -> Result<(&str, Option<&str>), String> {
    if text.contains(',') {
        return Err(format!(
            "it names several hosts, and one is used: name the address that always leads to the primary; {SHAPE}"
        ));
    }
    let (host, port) = match text.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    match port {
        Some("") => Ok((host, None)),
        Some(port) if !is_port(port) => Err(format!(
            "what stands behind the host's `:` is no port from 1 to 65535 (user and password stand before an `@`, \
             special characters in them percent-encoded); {SHAPE}"
        )),
        port => Ok((host, port)),
    }
}

/// The parameters to be taken over, in their order.
fn parameters(query: &str) -> Result<Vec<(String, String)>, String> {
    let mut taken = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let is_option = key.starts_with("options[") && key.ends_with(']');
        if PARAMETERS.contains(&key) || is_option {
            taken.push((key.to_owned(), value.to_owned()));
        } else if matches!(key, "sslmode" | "ssl-mode" | "ssl") {
            without_tls(key, value)?;
        } else if TLS_FILES.contains(&key) {
            return Err(format!("it asks for TLS with `{key}`, and {NO_TLS}"));
        } else {
            return Err(format!("the parameter `{key}` is not known; {ACCEPTED}"));
        }
    }
    Ok(taken)
}

/// How much TLS is asked for, in the spellings of libpq and asyncpg.
fn without_tls(key: &str, value: &str) -> Result<(), String> {
    match value.to_ascii_lowercase().as_str() {
        "disable" | "allow" | "prefer" | "false" | "0" | "off" | "no" => Ok(()),
        "require" | "verify-ca" | "verify-full" | "true" | "1" | "on" | "yes" | "" => {
            Err(format!("it asks for TLS with `{key}`, and {NO_TLS}"))
        }
        _ => Err(format!(
            "`{key}` says what is not known: disable, allow and prefer go without TLS, and {NO_TLS}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rest: &str, url: &str) {
        assert_eq!(read(rest), Ok(url.to_owned()), "{rest}");
    }

    /// No error repeats the password.
    fn check_refused(rest: &str, says: &str) {
        let error = read(rest).expect_err(rest);
        assert!(error.contains(says), "{rest}: {error}");
        assert!(!error.contains("hunter"), "{rest}: {error}");
    }

    #[test]
    fn a_url_is_taken_over_as_it_is_written() {
        for rest in [
            "//me:hunter2@db:5432/orch",
            "//me:a%40b%2Fc@db/orch",
            "//[::1]:5432/orch",
            "//db/?dbname=orch",
            "//u:p@%2Frun%2Fpostgresql/orch",
            "///orch?host=/run/postgresql&user=me",
            "//db/orch?options=-c%20jit%3Doff&options[work_mem]=8MB",
        ] {
            check(rest, &format!("postgres:{rest}"));
        }
        check("//db:/orch?", "postgres://db/orch");
    }

    #[test]
    fn a_user_without_a_host_goes_to_the_socket() {
        check(
            "//u:p+&1@/orch?host=/run/postgresql",
            "postgres:///orch?user=u&password=p%2B%261&host=/run/postgresql",
        );
        check("//u@:5433/orch", "postgres:///orch?port=5433&user=u");
    }

    #[test]
    fn tls_is_refused_in_every_spelling_and_its_absence_accepted() {
        for parameter in [
            "sslmode=require",
            "sslmode=verify-ca",
            "sslmode=verify-full",
            "ssl-mode=REQUIRE",
            "ssl=require",
            "ssl=verify-full",
            "ssl=true",
            "ssl",
            "sslrootcert=/ca.pem",
        ] {
            let url = format!("//me:hunter2@db/orch?{parameter}");
            check_refused(&url, "no TLS to the database yet");
        }
        for parameter in [
            "sslmode=disable",
            "sslmode=prefer",
            "ssl=allow",
            "ssl=false",
        ] {
            check(&format!("//db/orch?{parameter}"), "postgres://db/orch");
        }
        check_refused(
            "//db/orch?sslmode=maybe",
            "`sslmode` says what is not known",
        );
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_those_that_are_accepted() {
        for parameter in ["foo=1", "connect_timeout=3", "Host=x", "application_name=x"] {
            check_refused(
                &format!("//db/orch?{parameter}"),
                "is not known; accepted are host,",
            );
        }
    }

    #[test]
    fn special_characters_of_a_password_must_be_percent_encoded() {
        for (password, code) in [
            ("hunter@2", "%40"),
            ("hunter/2", "%2F"),
            ("hunter#2", "%23"),
            ("hunter%2", "%25"),
            ("hunter%", "%25"),
            ("hunter?2", "%3F"),
            ("hunter 2", "%20"),
        ] {
            let url = format!("//me:{password}@db/orch");
            check_refused(&url, &format!("write {code} for it"));
        }
    }

    #[test]
    fn what_names_no_place_is_refused() {
        check_refused("me:hunter2@db/orch", "two slashes are missing");
        check_refused("//me:hunter2@db", "names no database on the server");
        check_refused("//me:hunter2@db/?user=x", "names no database on the server");
        check_refused("//me:hunter2/orch", "is no port from 1 to 65535");
        check_refused("//me:hunter2@db:70000/orch", "is no port from 1 to 65535");
        check_refused("//me:hunter2@one,two/orch", "names several hosts");
    }
}
