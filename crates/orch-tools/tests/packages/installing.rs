//! What an installation leaves: locks, lists of parts, refusals.

use futures::future::BoxFuture;
use orch_tools::{Digest, Lock, Severity, ToolError, Workshop, Workshops};

use crate::site::{PLATFORM, Site, install, resolve, say, tarball};

const GREET: &str = "#!/bin/sh\necho hello\n";

fn greet(site: &Site, more: &str) {
    let body = tarball(&[("greet-1/bin/greet", GREET)]);
    let digest = Digest::of(&body).hex();
    site.page("/greet-1.2.tgz", "application/gzip", body);
    let text = format!(
        "name: greet\nversion: 1.2.0\nsource: {{url: '{}/greet-1.2.tgz', checksum: 'sha256:{digest}'}}\nstrip: 1\n{more}",
        site.base
    );
    site.entry("greet", &text);
}

#[tokio::test]
async fn the_same_wants_give_the_same_lock_and_a_changed_entry_needs_a_new_one() {
    let site = Site::new();
    greet(&site, "");
    let toolbox = site.toolbox();
    let lock = resolve(&toolbox, "greet@^1").await.unwrap();
    let again = resolve(&toolbox, "greet@^1").await.unwrap();
    assert_eq!(lock.to_json(), again.to_json());
    assert_eq!(Lock::parse(&lock.to_json()).unwrap(), lock);
    greet(&site, "bin: {hello: bin/greet}\n");
    let changed = toolbox
        .install(&lock.tools[0], PLATFORM, &orch_tools::NoWorkshop)
        .await;
    assert!(
        changed
            .unwrap_err()
            .to_string()
            .contains("is not the one that was locked")
    );
}

#[tokio::test]
async fn unknown_tools_and_versions_are_answered_with_the_nearest() {
    let site = Site::new();
    greet(&site, "");
    let toolbox = site.toolbox();
    let refusal = resolve(&toolbox, "great").await.unwrap_err().to_string();
    assert!(
        refusal.contains("no tool `great`; did you mean `greet`?"),
        "{refusal}"
    );
    let refusal = resolve(&toolbox, "greet@9.x")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("no version `9.x`; the nearest is 1.2.0"),
        "{refusal}"
    );
}

#[tokio::test]
async fn an_installed_tool_has_a_list_of_its_parts() {
    let site = Site::new();
    greet(&site, "");
    let installed = install(&site.toolbox(), "greet").await.unwrap();
    let text = std::fs::read_to_string(installed.stored.folder.join("sbom.cdx.json")).unwrap();
    let sbom: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(sbom["bomFormat"], "CycloneDX");
    assert_eq!(
        sbom["metadata"]["component"]["purl"],
        "pkg:generic/greet@1.2.0"
    );
    assert!(text.contains(&Digest::of(GREET.as_bytes()).hex()), "{text}");
}

struct Shell;

impl Workshops for Shell {
    fn run<'w>(&'w self, work: Workshop<'w>) -> BoxFuture<'w, Result<(), String>> {
        Box::pin(async move {
            for step in work.steps {
                let ran = std::process::Command::new("sh")
                    .args(["-c", &step.run])
                    .current_dir(work.folder)
                    .status();
                if !ran.is_ok_and(|status| status.success()) {
                    return Err(format!("`{}` failed", step.run));
                }
            }
            Ok(())
        })
    }
}

#[tokio::test]
async fn install_steps_work_in_the_tools_folder_and_find_the_archive_that_they_name() {
    let site = Site::new();
    greet(
        &site,
        "steps:\n  - tar xzf greet-1.2.tgz && rm greet-1.2.tgz\nbin: {greet: greet-1/bin/greet}\n",
    );
    let toolbox = site.toolbox();
    let lock = resolve(&toolbox, "greet").await.unwrap();
    let installed = toolbox
        .install(&lock.tools[0], PLATFORM, &Shell)
        .await
        .unwrap();
    assert_eq!(say(&installed, "greet"), "hello");
    greet(&site, "steps:\n  - exit 1\n");
    let lock = resolve(&toolbox, "greet").await.unwrap();
    let failed = toolbox
        .install(&lock.tools[0], PLATFORM, &Shell)
        .await
        .unwrap_err();
    assert!(
        failed.to_string().contains("install steps failed"),
        "{failed}"
    );
    greet(&site, "steps:\n  - ln -s /etc/passwd out\n");
    let lock = resolve(&toolbox, "greet").await.unwrap();
    let failed = toolbox
        .install(&lock.tools[0], PLATFORM, &Shell)
        .await
        .unwrap_err();
    assert!(failed.to_string().contains("absolute path"), "{failed}");
}

#[tokio::test]
async fn a_version_with_a_known_vulnerability_is_refused_with_its_id() {
    let site = Site::new();
    crate::registries::left(&site);
    let osv = site.folder.path().join("osv");
    std::fs::create_dir(&osv).unwrap();
    let record = r#"{"id":"GHSA-1","affected":[{"package":{"ecosystem":"npm","name":"right"},
        "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"9.0.0"}]}]}],
        "database_specific":{"severity":"HIGH"}}"#;
    std::fs::write(osv.join("a.json"), record).unwrap();
    let mut settings = site.settings();
    settings.osv = Some(osv);
    let refused = install(&site.toolbox_with(settings.clone()), "left")
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, ToolError::Install(_)) && refused.to_string().contains("GHSA-1"),
        "{refused}"
    );
    settings.severity = Some(Severity::Critical);
    assert!(install(&site.toolbox_with(settings), "left").await.is_ok());
}
