//! What a run would be in Kubernetes: a Job with one Pod, and the policy that closes its network.
//!
//! A pure function. Nothing here talks to a cluster yet: the workspace would have to reach the
//! node, and the first program the agent.

use serde_json::{Value, json};

use super::{Confinement, Image};

/// The user of the run's processes: no node has anything of theirs.
const USER: u32 = 65_534;

/// Why `AGENT_SANDBOX=kubernetes` is refused.
pub const MISSING: &str = "docker, podman or landlock, on an agent of the cluster's node: nothing carries \
                           a workspace to a cluster and a step's output back yet";

/// The Job of a run.
#[must_use]
pub fn job(
    name: &str,
    confinement: &Confinement,
    image: &Image,
    runtime_class: Option<&str>,
) -> Value {
    let limits = &confinement.limits;
    let tmpfs = limits.tmpfs_bytes.to_string();
    let in_memory = |name: &str| json!({ "name": name, "emptyDir": { "medium": "Memory", "sizeLimit": tmpfs } });
    let on_disk = |name: &str| json!({ "name": name, "emptyDir": { "sizeLimit": limits.disk_bytes.to_string() } });
    let mut resources = json!({
        "memory": limits.memory_bytes.to_string(),
        "ephemeral-storage": limits.disk_bytes.to_string(),
    });
    if let Some(percent) = limits.cpu_percent {
        resources["cpu"] = json!(format!("{}m", u64::from(percent) * 10));
    }
    let mut pod = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "hostNetwork": false,
        "hostPID": false,
        "hostIPC": false,
        "hostUsers": false,
        "dnsPolicy": "None",
        "dnsConfig": { "nameservers": ["127.0.0.1"] },
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "containers": [{
            "name": "run",
            "image": image.to_string(),
            "imagePullPolicy": "IfNotPresent",
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "privileged": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            },
            "resources": { "limits": resources, "requests": resources },
            "volumeMounts": [
                { "name": "work", "mountPath": "/workspace" },
                { "name": "home", "mountPath": "/home/run" },
                { "name": "tmp", "mountPath": "/tmp" },
                { "name": "shm", "mountPath": "/dev/shm" },
            ],
        }],
        "volumes": [on_disk("work"), on_disk("home"), in_memory("tmp"), in_memory("shm")],
    });
    if let Some(class) = runtime_class {
        pod["runtimeClassName"] = json!(class);
    }
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name, "labels": labels(name) },
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": 60,
            "template": { "metadata": { "labels": labels(name) }, "spec": pod },
        },
    })
}

/// The policy without which a Pod would reach everybody: nothing goes in or out.
#[must_use]
pub fn network_policy(name: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": { "name": name, "labels": labels(name) },
        "spec": {
            "podSelector": { "matchLabels": labels(name) },
            "policyTypes": ["Ingress", "Egress"],
        },
    })
}

fn labels(name: &str) -> Value {
    json!({ "codex-orchestrator/run": name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, sandbox::Without};

    fn confinement(limits: Limits) -> Confinement {
        Confinement {
            work: "/w".into(),
            home: "/h".into(),
            tmp: "/t".into(),
            secrets: "/s".into(),
            readable: Vec::new(),
            path: String::new(),
            unprotected: Vec::new(),
            network: None,
            limits,
            without: Without::default(),
        }
    }

    #[test]
    fn a_run_is_a_job_without_rights_and_within_its_limits() {
        let image = format!("tools@sha256:{}", "0".repeat(64)).parse().unwrap();
        let limits = Limits {
            memory_bytes: 1 << 30,
            disk_bytes: 2 << 30,
            tmpfs_bytes: 1 << 20,
            cpu_percent: Some(150),
            ..Limits::default()
        };
        let job = job("run-7", &confinement(limits), &image, Some("gvisor"));
        let pod = &job["spec"]["template"]["spec"];
        let run = &pod["containers"][0];
        let limits =
            json!({ "memory": "1073741824", "ephemeral-storage": "2147483648", "cpu": "1500m" });
        assert_eq!(
            run["resources"],
            json!({ "limits": limits, "requests": limits })
        );
        assert_eq!(
            run["securityContext"],
            json!({
                "allowPrivilegeEscalation": false,
                "privileged": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            })
        );
        assert_eq!(
            pod["volumes"][2],
            json!({ "name": "tmp", "emptyDir": { "medium": "Memory", "sizeLimit": "1048576" } })
        );
        assert_eq!(pod["runtimeClassName"], "gvisor");
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    }

    #[test]
    fn nothing_goes_in_or_out_of_it() {
        let policy = network_policy("run-7");
        assert_eq!(
            policy["spec"],
            json!({
                "podSelector": { "matchLabels": { "codex-orchestrator/run": "run-7" } },
                "policyTypes": ["Ingress", "Egress"],
            })
        );
    }
}
