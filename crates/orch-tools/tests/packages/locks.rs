//! Locks that somebody wrote who was not asked.

use orch_tools::{Digest, InstallError, Kind, Lock, Locked, NoWorkshop, ToolError, Toolbox};

use crate::registries::left;
use crate::site::{PLATFORM, Site, resolve, tarball};

const EVIL: &str = "#!/bin/sh\necho evil\n";

fn source(site: &Site) {
    let body = tarball(&[("greet-1/bin/greet", "#!/bin/sh\necho hello\n")]);
    let digest = Digest::of(&body).hex();
    site.page("/greet.tgz", "application/gzip", body);
    let text = format!(
        "name: greet\nversion: 1.2.0\nsource: {{url: '{}/greet.tgz', checksum: 'sha256:{digest}'}}\nstrip: 1\n",
        site.base
    );
    site.entry("greet", &text);
}

/// Every change of a good lock is refused before anything is fetched.
async fn check(toolbox: &Toolbox, want: &str, change: impl Fn(&mut Locked)) {
    let lock = resolve(toolbox, want).await.unwrap();
    let mut tool = lock.tools[0].clone();
    change(&mut tool);
    // It comes as a file.
    let lock = Lock::parse(&Lock::new(PLATFORM, vec![tool]).to_json()).unwrap();
    let tool = &lock.tools[0];
    let refused = toolbox.install(tool, PLATFORM, &NoWorkshop).await;
    let refused = refused.map(|installed| installed.tool);
    assert!(
        matches!(
            refused,
            Err(ToolError::Install(InstallError::LockDisagrees { .. }))
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn of_a_source_everything_follows_from_the_entry() {
    let site = Site::new();
    source(&site);
    let body = tarball(&[("greet-1/bin/greet", EVIL)]);
    let evil = Digest::of(&body);
    site.page("/evil.tgz", "application/gzip", body);
    let toolbox = site.toolbox();
    check(&toolbox, "greet", |tool| {
        tool.files[0].url = format!("{}/evil.tgz", site.base);
        tool.files[0].sha256 = evil;
    })
    .await;
    check(&toolbox, "greet", |tool| tool.files[0].sha256 = evil).await;
    check(&toolbox, "greet", |tool| tool.files[0].url.push('?')).await;
    check(&toolbox, "greet", |tool| tool.version = "1.2.1".to_owned()).await;
    check(&toolbox, "greet", |tool| tool.kind = Kind::Npm).await;
    check(&toolbox, "greet", |tool| tool.strip = None).await;
    check(&toolbox, "greet", |tool| {
        tool.bin.insert("sudo".to_owned(), "bin/greet".to_owned());
    })
    .await;
    check(&toolbox, "greet", |tool| {
        let more = tool.files[0].clone();
        tool.files.push(more);
    })
    .await;
    assert_eq!(site.count("/evil.tgz"), 0);
    let mut tool = resolve(&toolbox, "greet").await.unwrap().tools[0].clone();
    tool.signed_by = Some("0123456789ABCDEF".to_owned());
    let installed = toolbox.install(&tool, PLATFORM, &NoWorkshop).await.unwrap();
    assert_eq!(installed.stored.manifest.tool.signed_by, None);
}

#[tokio::test]
async fn of_a_package_its_name_versions_and_programs_follow_from_the_entry() {
    let site = Site::new();
    left(&site);
    site.entry("left", "name: left\nversion: 1.x\npackage: {npm: left}\n");
    let toolbox = site.toolbox();
    check(&toolbox, "left", |tool| {
        tool.version = "2.0.0".to_owned();
        tool.files[0].version = "2.0.0".to_owned();
    })
    .await;
    check(&toolbox, "left", |tool| {
        tool.files[0].version = "1.0.0".to_owned()
    })
    .await;
    check(&toolbox, "left", |tool| {
        tool.files[0].name = "other".to_owned()
    })
    .await;
    check(&toolbox, "left", |tool| tool.kind = Kind::Source).await;
    check(&toolbox, "left", |tool| {
        tool.bin.insert("sudo".to_owned(), "cli.sh".to_owned());
    })
    .await;
}

#[tokio::test]
async fn a_lock_of_a_package_names_no_file_of_this_machine() {
    let site = Site::new();
    left(&site);
    let toolbox = site.toolbox();
    let mut tool = resolve(&toolbox, "left").await.unwrap().tools[0].clone();
    let body = tarball(&[("package/cli.sh", EVIL)]);
    let path = site.folder.path().join("evil.tgz");
    std::fs::write(&path, &body).unwrap();
    tool.files[0].sha256 = Digest::of(&body);
    tool.files[0].size = None;
    tool.files[0].integrity = None;
    tool.files[0].url = format!("file://{}", path.display());
    let refused = toolbox.install(&tool, PLATFORM, &NoWorkshop).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("may name no file"), "{refused}");
}
