//! npm, PyPI and crates.io in miniature.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use orch_tools::Digest;
use sha2::{Digest as _, Sha512};

use crate::site::{Site, install, resolve, run, say, tarball};

fn integrity(body: &[u8]) -> String {
    format!("sha512-{}", STANDARD.encode(Sha512::digest(body)))
}

/// A package `left` whose program uses `right`, of which there are two versions.
pub fn left(site: &Site) {
    let manifest = r#"{"name":"left","version":"1.4.0","bin":"./cli.sh"}"#;
    let program =
        "#!/bin/sh\nhere=$(dirname \"$(readlink -f \"$0\")\")\ncat \"$here/../right/word\"\n";
    let left = tarball(&[
        ("package/package.json", manifest),
        ("package/cli.sh", program),
    ]);
    let document = serde_json::json!({
        "dist-tags": {"latest": "1.4.0"},
        "versions": {
            "1.4.0": {
                "dist": {"tarball": format!("{}/npm/left.tgz", site.base), "integrity": integrity(&left)},
                "dependencies": {"right": "^1.0.0"},
                "optionalDependencies": {"gone": "1.0.0"},
            },
            "2.0.0-beta.1": {"dist": {"tarball": "https://nowhere.example/x"}},
        },
    });
    site.page("/npm/left", "application/json", document.to_string());
    site.page("/npm/left.tgz", "application/gzip", left);
    let mut versions = serde_json::Map::new();
    for (version, word) in [("1.0.0", "old"), ("1.3.0", "word"), ("2.0.0", "new")] {
        let body = tarball(&[("package/package.json", "{}"), ("package/word", word)]);
        let path = format!("/npm/right-{version}.tgz");
        let dist = serde_json::json!({"tarball": format!("{}{path}", site.base), "integrity": integrity(&body)});
        versions.insert(version.to_owned(), serde_json::json!({ "dist": dist }));
        site.page(&path, "application/gzip", body);
    }
    let document = serde_json::json!({ "versions": versions });
    site.page("/npm/right", "application/json", document.to_string());
    site.entry("left", "name: left\npackage: {npm: left}\n");
}

#[tokio::test]
async fn a_package_of_npm_comes_with_all_that_it_needs() {
    let site = Site::new();
    left(&site);
    let toolbox = site.toolbox();
    let lock = resolve(&toolbox, "left").await.unwrap();
    let files: Vec<(&str, &str)> = lock.tools[0]
        .files
        .iter()
        .map(|file| (file.name.as_str(), file.version.as_str()))
        .collect();
    assert_eq!(files, [("left", "1.4.0"), ("right", "1.3.0")]);
    let installed = install(&toolbox, "left@1.4").await.unwrap();
    assert_eq!(say(&installed, "left"), "word");
    // What was fetched for the lock is not fetched again.
    assert_eq!(site.count("/npm/left.tgz"), 2);
    let refusal = resolve(&toolbox, "left@3").await.unwrap_err().to_string();
    assert!(
        refusal.contains("left has no version `3`; the nearest is"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_tarball_that_is_not_what_npm_says_is_refused() {
    let site = Site::new();
    left(&site);
    site.page(
        "/npm/right-1.3.0.tgz",
        "application/gzip",
        tarball(&[("package/word", "evil")]),
    );
    let refusal = install(&site.toolbox(), "left")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("wrong checksum") && refusal.contains("the registry's sha512-"),
        "{refusal}"
    );
}

/// A wheel with a program that prints a word of its own or of another package.
fn wheel(site: &Site, name: &str, version: &str, needs: &[&str], code: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("{name}-{version}-py3-none-any.whl");
    let needs: String = needs
        .iter()
        .map(|need| format!("Requires-Dist: {need}\n"))
        .collect();
    let script = format!(
        "import zipfile\nz=zipfile.ZipFile({file:?},'w')\nz.writestr('{name}/__init__.py',{code:?})\n\
         z.writestr('{name}-{version}.data/scripts/{name}-too','#!python\\nimport {name}\\n{name}.main()\\n')\n\
         z.writestr('{name}-{version}.dist-info/METADATA',{:?})\n\
         z.writestr('{name}-{version}.dist-info/entry_points.txt','[console_scripts]\\n{name} = {name}:main\\n')\n",
        format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}\n")
    );
    run("python3", &["-c", &script], folder.path());
    let body = std::fs::read(folder.path().join(&file)).unwrap();
    let digest = Digest::of(&body).hex();
    site.page(&format!("/files/{file}"), "application/octet-stream", body);
    (file, digest)
}

#[tokio::test]
async fn a_package_of_pypi_comes_with_all_that_it_needs() {
    let site = Site::new();
    let (spoken, digest) = wheel(
        &site,
        "spoken",
        "2.1.0",
        &[
            "wordy (<2,>=1)",
            "never ; python_version < '3'",
            "tls ; extra == 'tls'",
        ],
        "import wordy\ndef main():\n    print(wordy.word)\n",
    );
    let json = serde_json::json!({"files": [
        {"filename": spoken, "url": format!("/files/{spoken}"), "hashes": {"sha256": digest}},
        {"filename": "spoken-3.0.0.tar.gz", "url": "/files/x", "hashes": {}},
    ]});
    site.page(
        "/simple/spoken/",
        "application/vnd.pypi.simple.v1+json",
        json.to_string(),
    );
    let mut html = String::new();
    for (version, word) in [("1.0", "old"), ("1.5", "word"), ("2.0", "new")] {
        let (file, digest) = wheel(&site, "wordy", version, &[], &format!("word = '{word}'\n"));
        html.push_str(&format!(
            "<a href=\"../../files/{file}#sha256={digest}\">{file}</a>\n"
        ));
    }
    site.page("/simple/wordy/", "text/html", html);
    site.entry(
        "spoken",
        "name: spoken\nversion: 2.x\npackage: {pypi: Spoken}\n",
    );
    let installed = install(&site.toolbox(), "spoken").await.unwrap();
    let names: Vec<&str> = installed
        .tool
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(names, ["spoken", "wordy"]);
    assert_eq!(installed.tool.files[1].version, "1.5");
    assert_eq!(say(&installed, "spoken"), "word");
    assert_eq!(say(&installed, "spoken-too"), "word");
}

#[tokio::test]
async fn the_source_of_a_crate_is_checked_by_its_index() {
    let site = Site::new();
    let body = tarball(&[
        ("tiny-0.3.1/src/main.rs", "fn main() {}"),
        ("tiny-0.3.1/Cargo.toml", ""),
    ]);
    let line = |version: &str, yanked: bool| {
        let cksum = Digest::of(&body).hex();
        serde_json::json!({"name": "tiny", "vers": version, "cksum": cksum, "yanked": yanked})
            .to_string()
    };
    let lines = format!("{}\n{}\n", line("0.3.1", false), line("0.3.2", true));
    site.page("/index/ti/ny/tiny", "text/plain", lines);
    let config = serde_json::json!({"dl": format!("{}/dl", site.base)});
    site.page("/index/config.json", "application/json", config.to_string());
    site.page("/dl/tiny/0.3.1/download", "application/gzip", body.clone());
    site.entry("tiny", "name: tiny\npackage: {crate: tiny}\n");
    let installed = install(&site.toolbox(), "tiny").await.unwrap();
    assert_eq!(installed.tool.version, "0.3.1");
    assert!(installed.stored.folder.join("root/src/main.rs").is_file());
    site.page(
        "/dl/tiny/0.3.1/download",
        "application/gzip",
        b"other".to_vec(),
    );
    let mut settings = site.settings();
    settings.cache = site.folder.path().join("fresh");
    let refusal = install(&site.toolbox_with(settings), "tiny")
        .await
        .unwrap_err()
        .to_string();
    assert!(refusal.contains("wrong checksum"), "{refusal}");
}

#[tokio::test]
async fn a_package_that_is_not_there_is_named_with_the_registry() {
    let site = Site::new();
    for (registry, name) in [("npm", "npm"), ("pypi", "PyPI"), ("crate", "crates.io")] {
        site.entry(
            registry,
            &format!("name: {registry}\npackage: {{{registry}: missing}}\n"),
        );
        let refusal = resolve(&site.toolbox(), registry)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            refusal.contains(&format!("{name} has no package `missing`")),
            "{refusal}"
        );
    }
}

#[tokio::test]
async fn a_registry_names_no_file_no_open_and_no_private_address() {
    let site = Site::new();
    let other = Site::new();
    let body = tarball(&[("package/package.json", "{}"), ("package/word", "evil")]);
    let file = site.folder.path().join("evil.tgz");
    std::fs::write(&file, &body).unwrap();
    other.page("/evil.tgz", "application/gzip", body.clone());
    site.redirect("/npm/moved.tgz", &format!("{}/evil.tgz", other.base));
    site.entry("evil", "name: evil\npackage: {npm: evil}\n");
    for (tarball, why) in [
        (format!("file://{}", file.display()), "may name no file"),
        (format!("{}/evil.tgz", other.base), "without encryption"),
        (
            "http://tools.example.com/x".to_owned(),
            "without encryption",
        ),
        ("https://169.254.169.254/x".to_owned(), "no private address"),
        ("https://localhost:1/x".to_owned(), "no private address"),
        (format!("{}/npm/moved.tgz", site.base), "without encryption"),
    ] {
        let dist = serde_json::json!({"tarball": tarball, "integrity": integrity(&body)});
        let document = serde_json::json!({"versions": {"1.0.0": {"dist": dist}}});
        site.page("/npm/evil", "application/json", document.to_string());
        let refusal = resolve(&site.toolbox(), "evil")
            .await
            .unwrap_err()
            .to_string();
        assert!(refusal.contains(why), "{tarball}: {refusal}");
    }
    assert_eq!(other.count("/evil.tgz"), 0);
}

#[tokio::test]
async fn a_registry_may_redirect_to_itself() {
    let site = Site::new();
    left(&site);
    site.redirect("/npm/left.tgz", "/npm/there.tgz");
    let manifest = r#"{"name":"left","version":"1.4.0","bin":"./cli.sh"}"#;
    let body = tarball(&[
        ("package/package.json", manifest),
        ("package/cli.sh", "#!/bin/sh\n"),
    ]);
    let dist = serde_json::json!({"tarball": format!("{}/npm/left.tgz", site.base), "integrity": integrity(&body)});
    let document = serde_json::json!({"versions": {"1.4.0": {"dist": dist}}});
    site.page("/npm/left", "application/json", document.to_string());
    site.page("/npm/there.tgz", "application/gzip", body);
    assert!(install(&site.toolbox(), "left").await.is_ok());
}
