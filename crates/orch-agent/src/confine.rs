//! How an agent keeps its runs' steps where they belong: its settings, its policy, and what a
//! recipe gets of what it asks for.
//!
//! Policy is the operator's and stands in the agent's settings; a recipe can only ask. What it asks
//! for and is not given fails the run, with the policy's name, before anything has run.

use std::{collections::BTreeMap, path::PathBuf};

use orch_core::recipe::{
    Network, Recipe, check_host,
    rights::{self, Denied, Policy},
};
use orch_sandbox::{
    Limits,
    egress::{AllowList, Guarded, Proxy, Refusal},
    exec::RunFolder,
    sandbox::{Backend, Confinement, EngineSettings, Pull, Settings, Wanted, Without, kubernetes},
};

use crate::AgentError;

/// What steps may reach and use, and by what they are kept.
#[derive(Clone, Debug)]
pub struct SandboxSetup {
    /// Which sandbox (`AGENT_SANDBOX`).
    pub wanted: Wanted,
    /// The program that becomes a sandbox's first one; without one it is the running program.
    pub init: Option<PathBuf>,
    /// What a run may use up (`AGENT_LIMIT_*`).
    pub limits: Limits,
    /// What containers are made from (`AGENT_SANDBOX_IMAGE`, `_PULL`, `_SOCKET`).
    pub engine: EngineSettings,
    /// Files and folders that every step may read (`AGENT_SANDBOX_READ`).
    pub read: Vec<PathBuf>,
    /// The only hosts that recipes may be given (`AGENT_ALLOWED_HOSTS`); any without a list.
    pub allowed_hosts: Option<Vec<String>>,
    /// A setting that says something which no plain process can be held to.
    needs_sandbox: Option<&'static str>,
}

impl Default for SandboxSetup {
    fn default() -> Self {
        Self {
            wanted: Wanted::Only(Backend::Process),
            init: None,
            limits: Limits::default(),
            engine: EngineSettings::default(),
            read: Vec::new(),
            allowed_hosts: None,
            needs_sandbox: None,
        }
    }
}

/// A run's way out, beside what its recipe lists.
pub(crate) struct Way<T> {
    /// The server that the run works for.
    pub(crate) server: Guarded,
    /// Who hears of what is refused.
    pub(crate) tell: T,
}

impl SandboxSetup {
    /// Whether the sandbox holds what the settings promise.
    ///
    /// # Errors
    /// When plain processes would have to be bounded.
    pub(crate) fn check(&self, backend: Backend) -> Result<(), AgentError> {
        match (backend, self.needs_sandbox) {
            (Backend::Process, Some(name)) => Err(AgentError::NeedsSandbox { name }),
            _ => Ok(()),
        }
    }

    /// What all sandboxes have in common.
    ///
    /// # Errors
    /// When the running program cannot be told.
    pub fn settings(&self, state_dir: &std::path::Path) -> Result<Settings, AgentError> {
        let init = match &self.init {
            Some(init) => init.clone(),
            None => std::env::current_exe().map_err(AgentError::OwnProgram)?,
        };
        Ok(Settings {
            init,
            folder: state_dir.join("sandbox"),
            engine: self.engine.clone(),
        })
    }

    /// What a run's steps may reach, by its recipe and the agent's policy.
    ///
    /// # Errors
    /// The first right that is denied.
    pub(crate) fn confinement(
        &self,
        backend: Backend,
        recipe: &Recipe,
        folder: &RunFolder,
        path: &str,
        way: Way<impl Fn(Refusal) + Send + Sync + 'static>,
    ) -> Result<Confinement, Denied> {
        self.confinement_with(backend, recipe, &Network::Denied, folder, path, way)
    }

    /// Whether policy gives a recipe what it asks for.
    ///
    /// # Errors
    /// The first right that is denied.
    pub(crate) fn check_rights(&self, backend: Backend, recipe: &Recipe) -> Result<(), Denied> {
        let sandbox = backend.to_string();
        let policy = Policy {
            sandbox: (backend != Backend::Process).then_some(sandbox.as_str()),
            allowed_hosts: self.allowed_hosts.as_deref(),
        };
        let mut denied = rights::denied(recipe, policy).into_iter();
        denied.next().map_or(Ok(()), Err)
    }

    /// The same, with what of the agent itself is to be reached as well.
    ///
    /// # Errors
    /// As for [`SandboxSetup::confinement`].
    pub(crate) fn confinement_with(
        &self,
        backend: Backend,
        recipe: &Recipe,
        own: &Network,
        folder: &RunFolder,
        path: &str,
        way: Way<impl Fn(Refusal) + Send + Sync + 'static>,
    ) -> Result<Confinement, Denied> {
        self.check_rights(backend, recipe)?;
        let asked = recipe
            .permissions
            .iter()
            .flat_map(|permissions| &permissions.filesystem);
        let opened = asked.filter_map(|asked| rights::opened(asked).ok().flatten());
        let unprotected = match backend {
            Backend::Process => Vec::new(),
            _ => opened.collect(),
        };
        let networks: Vec<_> = rights::networks(recipe).chain([own]).collect();
        let network = AllowList::of(networks);
        let network = network.map(|allowed| Proxy::new(allowed, way.server, way.tell));
        Ok(Confinement {
            work: folder.work(),
            home: folder.home(),
            tmp: folder.tmp(),
            secrets: folder.secrets(),
            readable: self.read.clone(),
            path: path.to_owned(),
            unprotected,
            network,
            limits: self.limits.clone(),
            without: Without::default(),
        })
    }
}

/// Settings that a plain process cannot be held to.
const BOUNDS: [&str; 8] = [
    "AGENT_ALLOWED_HOSTS",
    "AGENT_LIMIT_MEMORY",
    "AGENT_LIMIT_DISK",
    "AGENT_LIMIT_FILE",
    "AGENT_LIMIT_TMPFS",
    "AGENT_LIMIT_PROCESSES",
    "AGENT_LIMIT_OPEN_FILES",
    "AGENT_LIMIT_CPU",
];

/// Reads the sandbox's variables of the agent's environment.
pub(crate) struct Variables<'v>(pub(crate) &'v BTreeMap<String, String>);

impl Variables<'_> {
    /// Applies them over these settings.
    pub(crate) fn apply(&self, setup: &mut SandboxSetup) -> Result<(), AgentError> {
        if let Some(name) = self.get("AGENT_SANDBOX") {
            setup.wanted = wanted(name)?;
        }
        if let Some(image) = self.get("AGENT_SANDBOX_IMAGE") {
            let parsed = image.trim().parse();
            let parsed = parsed.map_err(|expected| setting("AGENT_SANDBOX_IMAGE", image, expected));
            setup.engine.image = Some(parsed?);
        }
        if let Some(pull) = self.get("AGENT_SANDBOX_PULL") {
            setup.engine.pull = match pull.trim() {
                "never" => Pull::Never,
                "missing" => Pull::Missing,
                _ => return Err(setting("AGENT_SANDBOX_PULL", pull, "never or missing")),
            };
        }
        if let Some(socket) = self.get("AGENT_SANDBOX_SOCKET") {
            let path = PathBuf::from(socket.trim().trim_start_matches("unix://"));
            let expected = "the absolute path of a unix socket of this machine";
            let path = path.is_absolute().then_some(path);
            setup.engine.socket =
                Some(path.ok_or_else(|| setting("AGENT_SANDBOX_SOCKET", socket, expected))?);
        }
        if let Some(paths) = self.get("AGENT_SANDBOX_READ") {
            setup.read = self.paths("AGENT_SANDBOX_READ", paths)?;
        }
        if let Some(hosts) = self.get("AGENT_ALLOWED_HOSTS") {
            setup.allowed_hosts = Some(self.hosts("AGENT_ALLOWED_HOSTS", hosts)?);
        }
        let limits = &mut setup.limits;
        self.bytes("AGENT_LIMIT_MEMORY", &mut limits.memory_bytes)?;
        self.bytes("AGENT_LIMIT_DISK", &mut limits.disk_bytes)?;
        self.bytes("AGENT_LIMIT_FILE", &mut limits.file_bytes)?;
        self.bytes("AGENT_LIMIT_TMPFS", &mut limits.tmpfs_bytes)?;
        if let Some(text) = self.get("AGENT_MIN_FREE_BYTES") {
            let expected = "bytes, such as 64M, or 0 to fill the disk up";
            let parsed = parse_bytes(text.trim());
            limits.disk_free_bytes =
                parsed.ok_or_else(|| setting("AGENT_MIN_FREE_BYTES", text, expected))?;
        }
        self.count("AGENT_LIMIT_PROCESSES", &mut limits.processes)?;
        self.count("AGENT_LIMIT_OPEN_FILES", &mut limits.open_files)?;
        if let Some(text) = self.get("AGENT_LIMIT_CPU") {
            let cores = text.trim().parse::<f64>().ok();
            let cores = cores.filter(|cores| (0.01..=4096.0).contains(cores));
            let expected = "processor cores from 0.01, such as 2 or 0.5";
            let cores = cores.ok_or_else(|| setting("AGENT_LIMIT_CPU", text, expected))?;
            limits.cpu_percent = Some((cores * 100.0).round() as u32);
        }
        setup.needs_sandbox = BOUNDS.into_iter().find(|name| self.get(name).is_some());
        Ok(())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?;
        Some(value.as_str()).filter(|value| !value.trim().is_empty())
    }

    fn paths(&self, name: &'static str, text: &str) -> Result<Vec<PathBuf>, AgentError> {
        let paths = text.split(':').filter(|path| !path.is_empty());
        let paths: Vec<PathBuf> = paths.map(PathBuf::from).collect();
        match paths.iter().all(|path| path.is_absolute()) {
            true => Ok(paths),
            false => Err(setting(name, text, "absolute paths with `:` between them")),
        }
    }

    fn hosts(&self, name: &'static str, text: &str) -> Result<Vec<String>, AgentError> {
        let hosts = text
            .split(',')
            .map(str::trim)
            .filter(|host| !host.is_empty());
        let hosts: Result<Vec<String>, String> = hosts.map(check_host).collect();
        let expected = "hosts with `,` between them, such as registry.npmjs.org, *.example.com or \
                        10.0.0.1:8443";
        hosts.map_err(|_| setting(name, text, expected))
    }

    fn bytes(&self, name: &'static str, value: &mut u64) -> Result<(), AgentError> {
        let Some(text) = self.get(name) else {
            return Ok(());
        };
        let parsed = parse_bytes(text.trim()).filter(|bytes| *bytes >= 1 << 20);
        let expected = "bytes from 1M on, such as 512M or 4G";
        *value = parsed.ok_or_else(|| setting(name, text, expected))?;
        Ok(())
    }

    fn count(&self, name: &'static str, value: &mut u64) -> Result<(), AgentError> {
        let Some(text) = self.get(name) else {
            return Ok(());
        };
        let parsed = text.trim().parse().ok().filter(|count| *count >= 16);
        *value = parsed.ok_or_else(|| setting(name, text, "a whole number from 16"))?;
        Ok(())
    }
}

fn wanted(name: &str) -> Result<Wanted, AgentError> {
    Ok(match name.trim().to_ascii_lowercase().as_str() {
        "auto" => Wanted::Auto,
        "bubblewrap" | "bwrap" => Wanted::Only(Backend::Bubblewrap),
        "landlock" => Wanted::Only(Backend::Landlock),
        "docker" => Wanted::Only(Backend::Docker),
        "podman" => Wanted::Only(Backend::Podman),
        "process" => Wanted::Only(Backend::Process),
        "kubernetes" => return Err(setting("AGENT_SANDBOX", name, kubernetes::MISSING)),
        _ => {
            let expected =
                "auto, bubblewrap, landlock, docker, podman, or process (which is no sandbox)";
            return Err(setting("AGENT_SANDBOX", name, expected));
        }
    })
}

pub(crate) fn parse_bytes(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 1 << 10),
        (at, 'm' | 'M') => (&text[..at], 1 << 20),
        (at, 'g' | 'G') => (&text[..at], 1 << 30),
        (at, 't' | 'T') => (&text[..at], 1_u64 << 40),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn setting(name: &'static str, value: &str, expected: &'static str) -> AgentError {
    AgentError::Setting {
        name,
        value: value.to_owned(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use orch_core::recipe::parse;

    use super::*;

    fn judge(setup: &SandboxSetup, yaml: &str) -> Result<Confinement, String> {
        let top = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(top.path(), 1, 1).unwrap();
        let recipe = parse(yaml).unwrap();
        setup
            .confinement(
                Backend::Bubblewrap,
                &recipe,
                &folder,
                "/usr/bin",
                Way {
                    server: Guarded::default(),
                    tell: |_| {},
                },
            )
            .map_err(|denied| denied.to_string())
    }

    fn with(permissions: &str) -> String {
        format!("permissions:\n  {permissions}\nsteps:\n  - run: make\n")
    }

    #[test]
    fn a_recipe_that_asks_for_nothing_gets_its_workspace_alone() {
        let got = judge(&SandboxSetup::default(), "steps:\n  - run: make\n").unwrap();
        assert!(got.network.is_none());
        assert_eq!(got.unprotected, [""; 0]);
    }

    #[test]
    fn a_recipe_gets_its_workspace_and_the_protected_names_that_it_lists() {
        let yaml = with("filesystem: [/workspace, ./build, .git]");
        let got = judge(&SandboxSetup::default(), &yaml).unwrap();
        assert_eq!(got.unprotected, ["build", ".git"]);
    }

    #[test]
    fn what_policy_denies_is_named_with_the_policy() {
        let mut setup = SandboxSetup::default();
        for (permissions, expected) in [
            (
                "filesystem: [/etc]",
                "to write `/etc`, which is denied by the workspace rule",
            ),
            (
                "filesystem: [../x]",
                "to write `../x`, which is denied by the workspace rule",
            ),
            (
                "capabilities: [docker]",
                "the capability `docker`, which is denied by the sandbox",
            ),
        ] {
            let refusal = judge(&setup, &with(permissions)).unwrap_err();
            assert!(refusal.contains(expected), "{refusal}");
        }
        let yaml = with("network: [pypi.org, a.example.com:8443]");
        assert!(judge(&setup, &yaml).unwrap().network.is_some());
        setup.allowed_hosts = Some(vec!["*.example.com".to_owned()]);
        let refusal = judge(&setup, &yaml).unwrap_err();
        let expected = "the host `pypi.org`, which is denied by the agent's AGENT_ALLOWED_HOSTS";
        assert!(refusal.contains(expected), "{refusal}");
        let refusal = judge(&setup, &with("network: true")).unwrap_err();
        assert!(refusal.contains("the whole network"), "{refusal}");
        let yaml = with("network: [a.example.com:8443, '*.b.example.com']");
        assert!(judge(&setup, &yaml).is_ok());
    }

    #[test]
    fn the_sandboxs_variables_are_read() {
        let read = |pairs: &[(&str, &str)]| {
            let variables: BTreeMap<String, String> = pairs
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect();
            let mut setup = SandboxSetup::default();
            let applied = Variables(&variables).apply(&mut setup);
            applied.map(|()| setup).map_err(|error| error.to_string())
        };
        let setup = read(&[
            ("AGENT_SANDBOX", "Landlock"),
            ("AGENT_SANDBOX_READ", "/opt/a:/opt/b"),
            ("AGENT_LIMIT_MEMORY", "512M"),
            ("AGENT_LIMIT_CPU", "1.5"),
            ("AGENT_LIMIT_PROCESSES", "64"),
        ])
        .unwrap();
        assert_eq!(setup.wanted, Wanted::Only(Backend::Landlock));
        assert_eq!(setup.read, ["/opt/a", "/opt/b"].map(PathBuf::from));
        assert_eq!(setup.limits.memory_bytes, 512 << 20);
        assert_eq!(setup.limits.cpu_percent, Some(150));
        assert_eq!(setup.limits.processes, 64);
        for (name, value, expected) in [
            (
                "AGENT_SANDBOX",
                "chroot",
                "expected auto, bubblewrap, landlock, docker, podman, or process",
            ),
            ("AGENT_SANDBOX_READ", "opt", "expected absolute paths"),
            ("AGENT_LIMIT_MEMORY", "12", "expected bytes from 1M on"),
            (
                "AGENT_LIMIT_MEMORY",
                "99999999T",
                "expected bytes from 1M on",
            ),
            ("AGENT_LIMIT_CPU", "none", "expected processor cores"),
            ("AGENT_ALLOWED_HOSTS", "https://x", "expected hosts"),
        ] {
            let refusal = read(&[(name, value)]).unwrap_err();
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
