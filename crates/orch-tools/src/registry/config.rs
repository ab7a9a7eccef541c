//! Where the user's package managers fetch from.
//!
//! Environment over the user's file over the machine's; credentials stay in memory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Kind, fetch::is_of};

/// Longest file of configuration.
const MAX_BYTES: u64 = 1 << 20;

/// Where packages come from.
#[derive(Clone)]
pub struct Registries {
    /// npm's registry, without a slash at its end.
    pub npm: String,
    /// The index of PyPI, without a slash at its end.
    pub pypi: String,
    /// The sparse index of crates.io, without a slash at its end.
    pub crates: String,
    /// Credentials of npm, by the address without its scheme.
    npm_tokens: Tokens,
}

/// Never shown.
#[derive(Clone, Default)]
struct Tokens(BTreeMap<String, String>);

impl std::fmt::Debug for Registries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = crate::fetch::without_credentials;
        f.debug_struct("Registries")
            .field("npm", &shown(&self.npm))
            .field("pypi", &shown(&self.pypi))
            .field("crates", &shown(&self.crates))
            .finish_non_exhaustive()
    }
}

impl Default for Registries {
    fn default() -> Self {
        Self {
            npm: "https://registry.npmjs.org".to_owned(),
            pypi: "https://pypi.org/simple".to_owned(),
            crates: "https://index.crates.io".to_owned(),
            npm_tokens: Tokens::default(),
        }
    }
}

impl Registries {
    /// As the environment and the files of this machine say.
    #[must_use]
    pub fn read(env: &BTreeMap<String, String>) -> Self {
        let mut found = Self::default();
        let home = env.get("HOME").map(PathBuf::from);
        let get = |names: &[&str]| {
            let values = names.iter().filter_map(|name| env.get(*name));
            values
                .map(|value| value.trim())
                .find(|value| !value.is_empty())
                .map(str::to_owned)
        };
        found.read_npm(
            home.as_deref(),
            get(&["NPM_CONFIG_USERCONFIG", "npm_config_userconfig"]),
            env,
        );
        if let Some(url) = get(&["NPM_CONFIG_REGISTRY", "npm_config_registry"]) {
            found.npm = bare(&url);
        }
        let in_home = |path: &str| home.as_ref().map(|home| home.join(path));
        let files = [
            Some(PathBuf::from("/etc/pip.conf")),
            in_home(".pip/pip.conf"),
            in_home(".config/pip/pip.conf"),
            get(&["PIP_CONFIG_FILE"]).map(PathBuf::from),
        ];
        for file in files.into_iter().flatten() {
            found.pypi = pip_index(&file).unwrap_or(found.pypi);
        }
        if let Some(url) = get(&["PIP_INDEX_URL"]) {
            found.pypi = bare(&url);
        }
        let cargo = get(&["CARGO_HOME"])
            .map(PathBuf::from)
            .or_else(|| in_home(".cargo"));
        for name in ["config", "config.toml"] {
            let file = cargo.as_ref().map(|folder| folder.join(name));
            found.crates = file
                .and_then(|file| cargo_index(&file))
                .unwrap_or(found.crates);
        }
        found
    }

    fn read_npm(
        &mut self,
        home: Option<&Path>,
        given: Option<String>,
        env: &BTreeMap<String, String>,
    ) {
        let files = [
            Some(PathBuf::from("/etc/npmrc")),
            Some(PathBuf::from("/usr/etc/npmrc")),
            Some(PathBuf::from("/usr/local/etc/npmrc")),
            given
                .map(PathBuf::from)
                .or_else(|| home.map(|home| home.join(".npmrc"))),
        ];
        for text in files.into_iter().flatten().filter_map(|file| read(&file)) {
            for (key, value) in settings(&text) {
                let value = expand(&value, env);
                if key == "registry" {
                    self.npm = bare(&value);
                } else if let Some(at) = key.strip_prefix("//") {
                    if let Some(at) = at.strip_suffix(":_authToken") {
                        self.npm_tokens
                            .0
                            .insert(bare(at), format!("Bearer {value}"));
                    } else if let Some(at) = at.strip_suffix(":_auth") {
                        self.npm_tokens.0.insert(bare(at), format!("Basic {value}"));
                    }
                }
            }
        }
    }

    /// What a registry is told of who asks for a file.
    pub(crate) fn authorization(&self, kind: Kind, url: &str) -> Option<String> {
        match kind {
            Kind::Npm => self.npm_authorization(url),
            Kind::Pypi => basic_below(&self.pypi, url),
            Kind::Source | Kind::Crate | Kind::Apt => None,
        }
    }

    /// The address of the registry that speaks of packages of this kind; none where it is the machine's
    /// own program.
    pub(crate) fn of(&self, kind: Kind) -> Option<&str> {
        match kind {
            Kind::Npm => Some(&self.npm),
            Kind::Pypi => Some(&self.pypi),
            Kind::Crate => Some(&self.crates),
            Kind::Source | Kind::Apt => None,
        }
    }

    /// What npm's registry is told of who asks, for an address below it.
    pub(super) fn npm_authorization(&self, url: &str) -> Option<String> {
        let (scheme, rest) = url.split_once("://")?;
        // Without encryption a token goes to the registry alone.
        let is_safe =
            scheme == "https" || reqwest::Url::parse(url).is_ok_and(|url| is_of(&self.npm, &url));
        let of_file = self.npm_tokens.0.iter().filter(|_| is_safe);
        let is_below = |at: &str| {
            let below = rest.strip_prefix(at);
            below.is_some_and(|below| below.is_empty() || below.starts_with(['/', '?', '#']))
        };
        let mut fitting: Vec<_> = of_file.filter(|(at, _)| is_below(at)).collect();
        fitting.sort_by_key(|(at, _)| at.len());
        let token = fitting.last().map(|(_, token)| (*token).clone());
        token.or_else(|| basic_below(&self.npm, url))
    }
}

/// What an address with a name and password in it says in a header, for addresses of its scheme, host
/// and port.
pub(super) fn basic_below(registry: &str, url: &str) -> Option<String> {
    let parsed = reqwest::Url::parse(registry).ok()?;
    let asked = reqwest::Url::parse(url).ok()?;
    if asked.origin() != parsed.origin() {
        return None;
    }
    let password = parsed.password()?;
    let given = format!("{}:{password}", parsed.username());
    Some(format!("Basic {}", STANDARD.encode(given)))
}

fn bare(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}

fn read(path: &Path) -> Option<String> {
    let found = fs::metadata(path).ok()?;
    let fits = found.is_file() && found.len() <= MAX_BYTES;
    fits.then(|| fs::read_to_string(path).ok()).flatten()
}

/// `key = value` of every line that is one.
fn settings(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with(['#', ';', '[']));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| {
            (
                key.trim().to_owned(),
                value.trim().trim_matches('"').to_owned(),
            )
        })
        .collect()
}

/// `${NAME}` as npm reads it.
fn expand(value: &str, env: &BTreeMap<String, String>) -> String {
    let Some((before, rest)) = value.split_once("${") else {
        return value.to_owned();
    };
    let Some((name, after)) = rest.split_once('}') else {
        return value.to_owned();
    };
    let given = env.get(name).map_or("", String::as_str);
    format!("{before}{given}{}", expand(after, env))
}

fn pip_index(path: &Path) -> Option<String> {
    let text = read(path)?;
    let global = settings(&text)
        .into_iter()
        .find(|(key, _)| key == "index-url");
    global.map(|(_, url)| bare(&url))
}

/// The index that crates.io is replaced by.
fn cargo_index(path: &Path) -> Option<String> {
    let config: toml::Value = toml::from_str(&read(path)?).ok()?;
    let sources = config.get("source")?;
    let mut name = "crates-io".to_owned();
    for _ in 0..8 {
        let source = sources.get(&name)?;
        match source.get("replace-with").and_then(toml::Value::as_str) {
            Some(next) => name = next.to_owned(),
            None => {
                let url = source.get("registry")?.as_str()?;
                return url.strip_prefix("sparse+").map(bare);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_registries_are_asked() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            ".npmrc",
            "registry=http://mirror.test/npm/\n//mirror.test/npm/:_authToken=${TOKEN}\n",
        );
        write(
            ".config/pip/pip.conf",
            "[global]\nindex-url = http://mirror.test/simple/\n",
        );
        write(
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = 'm'\n[source.m]\nregistry = 'sparse+http://mirror.test/index/'\n",
        );
        let env = [("HOME", home.path().to_str().unwrap()), ("TOKEN", "hush")];
        let env = env
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let found = Registries::read(&env);
        assert_eq!(
            (
                found.npm.as_str(),
                found.pypi.as_str(),
                found.crates.as_str()
            ),
            (
                "http://mirror.test/npm",
                "http://mirror.test/simple",
                "http://mirror.test/index"
            )
        );
        let said = found.npm_authorization("http://mirror.test/npm/prettier");
        assert_eq!(said.as_deref(), Some("Bearer hush"));
        for elsewhere in [
            "http://else.test/npm/prettier",
            "http://mirror.test/npm-of-others/prettier",
            "http://mirror.test:81/npm/prettier",
            "http://mirror.test.else.test/npm/prettier",
        ] {
            assert_eq!(found.npm_authorization(elsewhere), None, "{elsewhere}");
        }
        assert!(!format!("{found:?}").contains("hush"));
    }
}
