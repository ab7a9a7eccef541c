//! From a run's confinement to the container that the engine is asked for: a pure function.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType, ResourcesUlimits};

use super::libraries::{FOLDER, Libraries};
use crate::{
    Limits,
    init::ARGUMENT_WITH_SOCKET,
    sandbox::{Confinement, view},
};

/// The label by which containers are found again; its value tells whose they are.
pub(super) const LABEL: &str = "codex-orchestrator.sandbox";

/// Processors are counted in parts of this many.
const NANO: i64 = 1_000_000_000;

/// What a container is made of beside the confinement.
pub(super) struct Parts<'p> {
    pub(super) image: &'p str,
    /// Whose containers these are.
    pub(super) owner: &'p str,
    /// User and group.
    pub(super) user: (u32, u32),
    /// Whether the engine maps our own user to that user in the container.
    pub(super) keeps_user: bool,
    pub(super) init: &'p Path,
    pub(super) libraries: &'p Libraries,
    /// The folder with the socket at which the agent waits for the first program.
    pub(super) hand: &'p Path,
    pub(super) orders: String,
    /// The profile of the container's system calls, as the engine takes it: the profile itself, or
    /// the path of a file with it.
    pub(super) filter: &'p str,
    /// How many processes the user may have, where the engine would choose a number by itself that
    /// it may not be allowed to give. What a run may have is bounded elsewhere.
    pub(super) user_processes: Option<i64>,
    /// What is shown read-only of what is written otherwise.
    pub(super) protected: &'p [PathBuf],
}

/// The container.
pub(super) fn container(confinement: &Confinement, parts: &Parts<'_>) -> ContainerCreateBody {
    let (uid, gid) = parts.user;
    let init = format!("{FOLDER}/init");
    let mut line = parts.libraries.before();
    line.extend([
        init,
        ARGUMENT_WITH_SOCKET.to_owned(),
        format!("{FOLDER}/hand/socket"),
        parts.orders.clone(),
    ]);
    let program = line.remove(0);
    ContainerCreateBody {
        hostname: Some("sandbox".to_owned()),
        user: Some(format!("{uid}:{gid}")),
        image: Some(parts.image.to_owned()),
        entrypoint: Some(vec![program]),
        cmd: Some(line),
        working_dir: Some("/".to_owned()),
        labels: Some(HashMap::from([(LABEL.to_owned(), parts.owner.to_owned())])),
        network_disabled: Some(true),
        host_config: Some(host_config(confinement, parts)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(confinement: &Confinement, parts: &Parts<'_>) -> HostConfig {
    let limits = &confinement.limits;
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let memory = Some(number(limits.memory_bytes));
    let tmpfs = format!("rw,nosuid,nodev,mode=1777,size={}", limits.tmpfs_bytes);
    let filter = format!("seccomp={}", parts.filter);
    HostConfig {
        memory,
        memory_swap: memory,
        pids_limit: Some(number(limits.processes)),
        nano_cpus: limits
            .cpu_percent
            .map(|percent| i64::from(percent) * NANO / 100),
        ulimits: Some(ulimits(limits, parts.user_processes)),
        network_mode: Some("none".to_owned()),
        auto_remove: Some(true),
        mounts: Some(mounts(confinement, parts)),
        cap_drop: Some(vec!["ALL".to_owned()]),
        ipc_mode: Some("private".to_owned()),
        readonly_rootfs: Some(true),
        security_opt: Some(vec!["no-new-privileges".to_owned(), filter]),
        tmpfs: Some(HashMap::from([("/tmp".to_owned(), tmpfs)])),
        userns_mode: parts.keeps_user.then(|| "keep-id".to_owned()),
        shm_size: Some(number(limits.tmpfs_bytes)),
        ..HostConfig::default()
    }
}

fn ulimits(limits: &Limits, user_processes: Option<i64>) -> Vec<ResourcesUlimits> {
    let bound = |name: &str, value: Option<i64>| ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: value,
        hard: value,
    };
    let mut all = vec![
        bound("core", Some(0)),
        bound("nofile", i64::try_from(limits.open_files).ok()),
        bound("fsize", i64::try_from(limits.file_bytes).ok()),
    ];
    all.extend(user_processes.map(|most| bound("nproc", Some(most))));
    all
}

fn mounts(confinement: &Confinement, parts: &Parts<'_>) -> Vec<Mount> {
    let Confinement {
        work,
        home,
        tmp,
        secrets,
        readable,
        path,
        ..
    } = confinement;
    let mount = |from: &Path, to: &Path, read_only: bool| Mount {
        typ: Some(MountType::BIND),
        source: Some(from.display().to_string()),
        target: Some(to.display().to_string()),
        read_only: Some(read_only),
        ..Mount::default()
    };
    let workspace = Path::new("/workspace");
    let mut all = vec![
        mount(parts.init, &Path::new(FOLDER).join("init"), true),
        mount(parts.hand, &Path::new(FOLDER).join("hand"), true),
        mount(work, work, false),
        mount(work, workspace, false),
        mount(home, home, false),
        mount(tmp, tmp, false),
    ];
    let libraries = parts.libraries.shown();
    all.extend(libraries.map(|(from, to)| mount(from, &to, true)));
    let tools = view::tools(path);
    let read = tools.iter().chain([secrets]).chain(readable);
    let read = read.filter(|path| path.exists());
    all.extend(read.map(|path| mount(path, path, true)));
    for path in parts.protected {
        all.push(mount(path, path, true));
        if let Ok(inner) = path.strip_prefix(work) {
            all.push(mount(path, &workspace.join(inner), true));
        }
    }
    all
}
