//! Where a run's files come from: a project's repository, and the commit of it that is meant.
//!
//! Judges texts alone. Whether a repository is there and what a name in it means today, only
//! whoever talks to it can say.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The longest address, in characters.
const LONGEST_URL: usize = 2_000;
/// The longest name of a branch, tag or commit, in characters.
const LONGEST_REFERENCE: usize = 200;

/// A project's repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    pub url: RepositoryUrl,
    /// What runs start from unless their item says otherwise; the repository's own default branch
    /// where it is not given.
    pub reference: Option<Reference>,
}

/// An address that git may be given: https, http on loopback, file or ssh, without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryUrl(String);

/// How a repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Https,
    Http,
    File,
    Ssh,
}

impl Scheme {
    /// As git calls the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::File => "file",
            Self::Ssh => "ssh",
        }
    }
}

const EXPECTED: &str =
    "https://HOST/PATH, ssh://USER@HOST/PATH, file:///PATH, or http:// on loopback";

impl RepositoryUrl {
    /// # Errors
    /// Says what is wrong with it, and never shows a password that stands in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST_URL {
            return Err(format!("must have 1 to {LONGEST_URL} characters"));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("must not contain spaces or control characters".to_owned());
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            let hint = match text.split_once(':') {
                Some((host, path)) if host.contains('@') => {
                    format!("; write ssh://{host}/{}", path.trim_start_matches('/'))
                }
                Some(_) | None => String::new(),
            };
            return Err(format!("expected {EXPECTED}{hint}"));
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "file" => Scheme::File,
            "ssh" => Scheme::Ssh,
            other => return Err(format!("`{other}` is not taken; expected {EXPECTED}")),
        };
        if rest.contains(['?', '#']) {
            return Err("must not have a query or a fragment".to_owned());
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if path.trim_matches('/').is_empty() {
            return Err("names no repository: there is no path behind the host".to_owned());
        }
        check_authority(scheme, authority)?;
        Ok(Self(format!("{}://{rest}", scheme.as_str())))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self.0.split_once("://").map(|(scheme, _)| scheme) {
            Some("https") => Scheme::Https,
            Some("http") => Scheme::Http,
            Some("file") => Scheme::File,
            Some(_) | None => Scheme::Ssh,
        }
    }
}

fn check_authority(scheme: Scheme, authority: &str) -> Result<(), String> {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    match (scheme, user) {
        (Scheme::Ssh, Some(user)) if !user.contains(':') => {
            let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if user.is_empty() || user.starts_with('-') || !user.chars().all(fits) {
                return Err("the user before `@` is no plain name".to_owned());
            }
        }
        (_, Some(_)) => {
            let why = "must not carry credentials: they would stand in the database and in logs; \
                       give the agent access instead";
            return Err(why.to_owned());
        }
        (_, None) => {}
    }
    if scheme == Scheme::File {
        return match host.is_empty() {
            true => Ok(()),
            false => Err("a file has no host: write file:///PATH".to_owned()),
        };
    }
    let name = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((name, port)) => {
            check_port(port)?;
            name
        }
        None => match host.split_once(':') {
            Some((name, _)) => {
                check_port(&host[name.len()..])?;
                name
            }
            None => host,
        },
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-:_".contains(c);
    // ssh would take a host that begins with a dash for an option.
    if name.is_empty() || name.starts_with('-') || !name.chars().all(fits) {
        return Err("the host is no plain name or address".to_owned());
    }
    let is_loopback = name.eq_ignore_ascii_case("localhost")
        || name
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback());
    if scheme == Scheme::Http && !is_loopback {
        return Err("http is taken for loopback alone: anybody on the way could change what runs; write https://".to_owned());
    }
    Ok(())
}

fn check_port(text: &str) -> Result<(), String> {
    let port = text.strip_prefix(':');
    let fits = text.is_empty() || port.is_some_and(|port| port.parse::<u16>().is_ok());
    fits.then_some(())
        .ok_or_else(|| "the port is no number up to 65535".to_owned())
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a branch, a tag or a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(String);

impl Reference {
    /// A name that git takes and that is no option to it.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST_REFERENCE {
            return Err(format!("must have 1 to {LONGEST_REFERENCE} characters"));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "._/-+#=%".contains(c) || !c.is_ascii();
        let is_name = text
            .chars()
            .all(|c| fits(c) && !c.is_control() && !c.is_whitespace())
            && !text.starts_with(['-', '/', '.'])
            && !text.ends_with(['/', '.'])
            && !text.ends_with(".lock")
            && !["..", "//", "/."].iter().any(|bad| text.contains(bad));
        match is_name {
            true => Ok(Self(text.to_owned())),
            false => {
                Err("is no name of a branch, a tag or a commit (40 or 64 hex digits)".to_owned())
            }
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The commit, where it is named in full.
    #[must_use]
    pub fn as_commit(&self) -> Option<Commit> {
        Commit::parse(&self.0)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A commit's full id: 40 (SHA-1) or 64 (SHA-256) hex digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commit(String);

impl Commit {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_id.then_some(Self(text))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Commit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| "is no full commit id".to_owned())
    }
}

impl From<Commit> for String {
    fn from(commit: Commit) -> Self {
        commit.0
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The one commit of a repository that a run works on, or that was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub url: String,
    /// The branch or tag that was resolved, where one was named.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    pub commit: Commit,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_git_may_be_given_are_taken() {
        for (good, scheme) in [
            ("https://git.example/a/b.git", Scheme::Https),
            ("HTTPS://git.example:8443/a", Scheme::Https),
            ("http://127.0.0.1:3000/a.git", Scheme::Http),
            ("http://localhost/a", Scheme::Http),
            ("http://[::1]:80/a", Scheme::Http),
            ("file:///srv/a.git", Scheme::File),
            ("ssh://git@git.example/a/b.git", Scheme::Ssh),
            ("ssh://git.example:22/a", Scheme::Ssh),
        ] {
            assert_eq!(
                RepositoryUrl::parse(good).map(|url| url.scheme()),
                Ok(scheme),
                "{good}"
            );
        }
    }

    #[test]
    fn credentials_options_and_foreign_protocols_are_refused() {
        for (bad, why) in [
            ("https://user:hush@git.example/a", "credentials"),
            ("https://token@git.example/a", "credentials"),
            ("ssh://git:hush@git.example/a", "credentials"),
            ("ssh://-oProxyCommand=x/a", "no plain name"),
            ("http://git.example/a", "loopback"),
            ("ext::sh -c id", "spaces"),
            ("ext::id", "expected"),
            ("git://git.example/a", "not taken"),
            ("file://host/a", "no host"),
            (
                "git@git.example:a/b.git",
                "write ssh://git@git.example/a/b.git",
            ),
            ("https://git.example", "no path"),
            ("https://git.example/a?b", "query"),
            ("https://git.example:99999/a", "port"),
            ("", "1 to"),
        ] {
            let refusal = RepositoryUrl::parse(bad).unwrap_err();
            assert!(refusal.contains(why), "{bad}: {refusal}");
            assert!(!refusal.contains("hush"), "{refusal}");
        }
    }

    #[test]
    fn references_are_names_and_never_options_or_expressions() {
        for good in ["main", "feature/x-1", "v1.2.3", &"a".repeat(40)] {
            assert!(Reference::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-x",
            "--upload-pack=id",
            "a..b",
            "a b",
            "a~1",
            "a^",
            "a:b",
            "@{u}",
            "a.lock",
            "/a",
            "a/",
            "a\\b",
        ] {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
        let commit = "A".repeat(40);
        assert_eq!(
            Reference::parse(&commit)
                .unwrap()
                .as_commit()
                .unwrap()
                .as_str(),
            "a".repeat(40)
        );
        assert_eq!(Reference::parse("abc123").unwrap().as_commit(), None);
    }
}
