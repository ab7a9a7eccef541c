//! Sources that break off, vanish, lie or go on for ever.

use orch_tools::{Digest, FetchError, InstallError, ToolError};

use crate::site::{Page, Site, install, say, tarball};

const GREET: &str = "#!/bin/sh\necho hello\n";

fn entry(site: &Site, checksum: &str) {
    let text = format!(
        "name: greet\nversion: 1.2.0\nsources:\n  linux/amd64: {{url: '{}/greet.tgz', checksum: 'sha256:{checksum}'}}\nstrip: 1\n",
        site.base
    );
    site.entry("greet", &text);
}

fn page(body: &[u8], breaks: u32, busy: u32) -> Page {
    Page {
        kind: "application/gzip",
        body: body.to_vec(),
        breaks,
        busy,
    }
}

fn nothing_is_left(site: &Site) {
    for part in ["trees", "seals", "fetched"] {
        let found = std::fs::read_dir(site.folder.path().join("tools").join(part)).unwrap();
        assert_eq!(found.count(), 0, "{part}");
    }
}

#[tokio::test]
async fn a_source_that_breaks_off_is_gone_on_with() {
    let site = Site::new();
    let body = tarball(&[("greet-1/bin/greet", GREET)]);
    site.put("/greet.tgz", page(&body, 2, 1));
    entry(&site, &Digest::of(&body).hex());
    let installed = install(&site.toolbox(), "greet").await.unwrap();
    assert_eq!(say(&installed, "greet"), "hello");
    assert_eq!(site.count("/greet.tgz"), 4);
    // A second wish needs no source.
    site.remove("/greet.tgz");
    let installed = install(&site.toolbox(), "greet@1.x").await.unwrap();
    assert_eq!(installed.from, orch_tools::Came::Cache);
}

#[tokio::test]
async fn a_wrong_checksum_or_a_vanished_source_installs_nothing() {
    let site = Site::new();
    let body = tarball(&[("greet-1/bin/greet", GREET)]);
    entry(&site, &Digest::of(b"another").hex());
    let vanished = install(&site.toolbox(), "greet").await.unwrap_err();
    assert!(
        matches!(
            &vanished,
            ToolError::Install(InstallError::Fetch(FetchError::Vanished { .. }))
        ),
        "{vanished}"
    );
    nothing_is_left(&site);
    site.put("/greet.tgz", page(&body, 0, 0));
    let wrong = install(&site.toolbox(), "greet").await.unwrap_err();
    assert!(wrong.to_string().contains("wrong checksum"), "{wrong}");
    nothing_is_left(&site);
    site.put("/greet.tgz", page(&vec![0; 11 << 20], 0, 0));
    let large = install(&site.toolbox(), "greet").await.unwrap_err();
    assert!(large.to_string().contains("larger than"), "{large}");
    site.put("/greet.tgz", page(&body, 0, 9));
    let busy = install(&site.toolbox(), "greet").await.unwrap_err();
    assert!(
        busy.to_string()
            .contains("in 4 attempts: the server answered 503"),
        "{busy}"
    );
    nothing_is_left(&site);
}

#[tokio::test]
async fn http_beyond_this_machine_is_refused() {
    let site = Site::new();
    let digest = Digest::of(b"").hex();
    let text = format!(
        "name: greet\nversion: 1.2.0\nsource: {{url: 'http://tools.example.com/x', checksum: 'sha256:{digest}'}}\n"
    );
    site.entry("greet", &text);
    let refused = install(&site.toolbox(), "greet").await.unwrap_err();
    assert!(
        refused.to_string().contains("for this machine alone"),
        "{refused}"
    );
}
