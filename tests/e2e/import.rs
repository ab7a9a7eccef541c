//! Existing code imported over HTTP and by the command line: a repository's commit, and archives.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Installation, told};
use crate::workspaces::Origin;

#[tokio::test]
async fn a_commit_and_a_folder_are_surveyed_and_cited_in_the_requirements() {
    let server = Installation::serve();
    let origin = Origin::beside(&server);
    origin.commit("Makefile", "test:\n\ttrue\n");
    let commit = origin.commit("main.py", "print(1)\n");
    let new = json!({"name": "p", "repository": {"url": origin.url()}});
    let project = server.post("/projects", new).await["id"].as_i64().unwrap();
    let made = server
        .post(&format!("/projects/{project}/import"), json!({}))
        .await;
    assert_eq!(made["commit"], json!(commit));
    assert_eq!(made["survey"]["commands"][0]["run"], "make test");
    let vision = json!({"content": "Please modernize the shop."});
    server
        .post(&format!("/projects/{project}/vision"), vision)
        .await;
    let path = format!("/projects/{project}/requirements/propose");
    let proposed = server.post(&path, json!(null)).await.to_string();
    assert!(proposed.contains("tested with `make test`"), "{proposed}");
    assert!(
        proposed.contains("Build and test every change in a pipeline"),
        "{proposed}"
    );

    let folder = server.folder.path().join("plain");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("go.mod"), "module example.org/a\n").unwrap();
    let id = project.to_string();
    server.cli(&["project", "import", &id, folder.to_str().unwrap()]);
    let shown = server.cli(&["project", "survey", "show", &id, "--markdown"]);
    assert!(
        shown.contains("`go test ./...` (convention, `go.mod:1`)"),
        "{shown}"
    );
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_with_its_reason() {
    let server = Installation::serve();
    let project = server.project().await;
    let path = format!("/projects/{project}/import");
    let (status, problem) = server.try_post(&path, json!({})).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("no_repository"))
    );
    let archive = json!({"archive": {"name": "a.zip", "content_base64": "YQ=="}});
    let (status, problem) = server.try_post(&path, archive).await;
    assert!(status.is_client_error(), "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("is refused"),
        "{problem}"
    );
}

fn imported(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|_| panic!("no JSON: {out}"))
}

#[tokio::test]
async fn a_git_folder_is_linked_where_the_project_has_no_repository_and_else_sent_as_its_commit() {
    let server = Installation::serve();
    let origin = Origin::beside(&server);
    origin.commit("Makefile", "test:\n\ttrue\n");
    origin.git(&["tag", "v1"]);
    let commit = origin.commit("main.py", "print(1)\n");
    fs::write(origin.path().join("loose.go"), "package loose\n").unwrap();
    let dir = origin.path().to_str().unwrap();
    let project = server.project().await;
    let id = project.to_string();
    let import = |args: &[&str]| {
        let whole: Vec<&str> = ["project", "import", &id]
            .into_iter()
            .chain(args.iter().copied())
            .chain(["--json"])
            .collect();
        told(server.command(&whole))
    };
    let repository =
        async || server.get(&format!("/projects/{project}")).await["repository"].clone();

    let (code, out, err) = import(&[dir, "--ref", "nowhere"]);
    assert_ne!(code, 0, "{out}");
    assert!(err.contains("no branch or tag"), "{err}");
    assert_eq!(repository().await, json!(null));
    let (code, out, err) = import(&[dir]);
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("loose.go"),
        "what is not committed is named: {err}"
    );
    assert_eq!(
        (&imported(&out)["source"], &imported(&out)["commit"]),
        (&json!("repository"), &json!(commit))
    );
    assert_eq!(repository().await["url"], origin.url());

    // A project that works on something else keeps it, with its ref.
    let other = json!({"url": "https://git.example/team/app.git", "ref": "stable"});
    let change = json!({"repository": other});
    let changed = server
        .request(reqwest::Method::PATCH, &format!("/projects/{project}"))
        .json(&change);
    assert!(crate::support::answer(changed).await.0.is_success());
    let (code, out, err) = import(&[dir]);
    assert_eq!(code, 0, "{err}");
    let made = imported(&out);
    assert_eq!(made["source"], "archive", "{made}");
    let name = format!("origin-{}.tar.gz", &commit[..12]);
    assert_eq!(made["name"], json!(name));
    let languages = made["survey"]["languages"].to_string();
    assert!(
        languages.contains("Python") && !languages.contains("Go"),
        "{languages}"
    );
    let (_, out, err) = import(&[dir, "--ref", "v1"]);
    let tagged = imported(&out);
    assert_eq!(tagged["survey"]["files"], 1, "{tagged} {err}");
    let (code, _, _) = import(&["file:///nowhere/at/all"]);
    assert_ne!(code, 0);
    assert_eq!(repository().await, other);

    // A work tree of it, whose `.git` is a file.
    let tree = server.folder.path().join("side tree");
    origin.git(&[
        "worktree",
        "add",
        "--quiet",
        "-b",
        "side",
        tree.to_str().unwrap(),
    ]);
    fs::write(tree.join("loose.go"), "package loose\n").unwrap();
    let (code, out, err) = import(&[tree.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(imported(&out)["survey"]["files"], 2, "{out}");
    let (code, out, err) = import(&[dir, "--link", "--ref", "v1"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(imported(&out)["source"], "repository");
    assert_eq!(
        repository().await,
        json!({"url": origin.url(), "ref": "v1"})
    );
    let (code, out, err) = import(&[dir]);
    assert_eq!((code, &imported(&out)["ref"]), (0, &json!("v1")), "{err}");
    assert_eq!(repository().await["ref"], "v1");
}

#[tokio::test]
async fn archives_are_imported_by_the_command_line_and_imports_are_listed() {
    let server = Installation::serve();
    let project = server.project().await.to_string();
    let folder = server.folder.path().join("shop");
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join("pom.xml"),
        "<project><modelVersion>4.0.0</modelVersion></project>",
    )
    .unwrap();
    let archive = server.folder.path().join("shop.tar.gz");
    let packed = std::process::Command::new("tar")
        .args(["-czf", archive.to_str().unwrap(), "shop"])
        .current_dir(server.folder.path())
        .status()
        .unwrap();
    assert!(packed.success());
    let archive = archive.to_str().unwrap();
    let out = server.cli(&["project", "import", &project, archive, "--json"]);
    let made = imported(&out);
    assert_eq!(
        (&made["source"], &made["name"]),
        (&json!("archive"), &json!("shop.tar.gz"))
    );
    let shown = server.cli(&["project", "survey", "show", &project, "--markdown"]);
    assert!(shown.contains("mvn"), "{shown}");
    server.cli(&["project", "import", &project, folder.to_str().unwrap()]);
    let listed = server.cli(&["project", "survey", "list", &project]);
    assert_eq!(listed.matches("shop.tar.gz").count(), 2, "{listed}");
    let listed = imported(&server.cli(&["project", "survey", "list", &project, "--json"]));
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
    for (args, said) in [
        (
            vec![archive, "--ref", "main"],
            "--ref names a part of a repository",
        ),
        (vec![archive, "--link"], "--link is for a folder"),
        (vec!["lacks"], "failed to read `lacks`"),
    ] {
        let whole = [vec!["project", "import", project.as_str()], args].concat();
        let (code, _, err) = told(server.command(&whole));
        assert!(code == 2 && err.contains(said), "{code:?} {err}");
    }
    // As a file of a vision it is looked through as well.
    let vision = server.folder.path().join("vision.md");
    fs::write(&vision, "Modernize the shop.\n").unwrap();
    let vision = vision.to_str().unwrap();
    server.cli(&["vision", "submit", &project, vision, "--attach", archive]);
    let read = server
        .get(&format!("/projects/{project}/vision/attachments"))
        .await;
    assert!(read.to_string().contains("shop.tar.gz"), "{read}");
}

/// Makes one archive of each kind of malice; what a refusal must say stands beside it.
const HOSTILE: &str = r##"
import gzip, io, os, struct, sys, tarfile, zipfile
out = sys.argv[1]
def put(name, data):
    with open(os.path.join(out, name), "wb") as f: f.write(data)
def tar(*entries):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape") as t:
        for name, kind, link, data in entries:
            i = tarfile.TarInfo(name); i.type = kind; i.linkname = link; i.size = len(data)
            t.addfile(i, io.BytesIO(data))
    return b.getvalue()
F, S, H = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
def zipped(*entries):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in entries: z.writestr(name, data)
    return b.getvalue()
zeros = b"\0" * (70 << 20)
put("bomb.zip", zipped(("zeros.py", zeros)))
put("bomb.tar.gz", gzip.compress(tar(("zeros.py", F, "", zeros)), 6))
put("climbs.tar", tar(("../../evil.py", F, "", b"x")))
put("climbs.zip", zipped(("../../evil.py", b"x")))
put("absolute.tar", tar(("/etc/evil.py", F, "", b"x")))
put("link-out.tar", tar(("out", S, "../../../etc/passwd", b"")))
put("link-absolute.tar", tar(("out", S, "/etc/passwd", b"")))
put("link-through.tar", tar(("a", F, "", b"x"), ("d", S, ".", b""), ("d/evil.py", F, "", b"x")))
put("hard-out.tar", tar(("out", H, "../../etc/passwd", b"")))
put("device.tar", tar(("null", tarfile.CHRTYPE, "", b"")))
put("pipe.tar", tar(("pipe", tarfile.FIFOTYPE, "", b"")))
put("twice.tar", tar(("a.py", F, "", b"1"), ("a.py", F, "", b"2")))
put("control.tar", tar(("a\x1b[31m.py", F, "", b"x")))
put("newline.tar", tar(("a\nb.py", F, "", b"x")))
put("bytes.tar", tar(("a\udcff\udcfe.py", F, "", b"x")))
put("long.tar", tar(("d/" * 600 + "a.py", F, "", b"x")))
whole = gzip.compress(tar(("a.py", F, "", os.urandom(100000))))
put("cut.tar.gz", whole[:len(whole) // 2])
whole = zipped(("a.py", os.urandom(100000)))
put("cut.zip", whole[:len(whole) // 2])
put("text.zip", b"this is no archive at all, only a text that says so\n" * 20)
put("program.exe", b"MZ" + b"\0" * 600)
put("notes.tar.bz2", b"BZh91AY&SY")
head = bytearray(tarfile.TarInfo("x").tobuf())
many = io.BytesIO()
with gzip.GzipFile(fileobj=many, mode="wb", compresslevel=1) as g:
    for n in range(160000):
        head[0:8] = b"%08d" % n
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        g.write(head)
    g.write(b"\0" * 1024)
put("many.tar.gz", many.getvalue())
put("nested.zip", zipped(("README.md", b"# n\n"), ("inner.zip", zipped(("../evil.py", b"x"), ("zeros", zeros)))))
"##;

/// The archive's name, and what a refusal of it says.
const REFUSED: [(&str, &str); 22] = [
    ("bomb.zip", "unpacks to more"),
    ("bomb.tar.gz", "unpacks to more"),
    ("climbs.tar", "climbs out"),
    ("climbs.zip", "climbs out"),
    ("absolute.tar", "absolute path"),
    ("link-out.tar", "link"),
    ("link-absolute.tar", "link"),
    ("link-through.tar", "through a link"),
    ("hard-out.tar", "climbs out"),
    ("device.tar", "null"),
    ("pipe.tar", "pipe"),
    ("twice.tar", "twice"),
    ("control.tar", "control characters"),
    ("newline.tar", "control characters"),
    ("bytes.tar", "no UTF-8"),
    ("long.tar", "bytes"),
    ("cut.tar.gz", "damaged"),
    ("cut.zip", "damaged"),
    ("text.zip", "none of tar"),
    ("program.exe", "no ending that is read"),
    ("notes.tar.bz2", "no ending that is read"),
    ("many.tar.gz", "150000 entries"),
];

#[tokio::test]
async fn hostile_archives_are_refused_with_their_reason_and_nothing_is_left_of_them() {
    let scratch = tempfile::tempdir().unwrap();
    let temporary = scratch.path().join("tmp");
    let made = scratch.path().join("made");
    fs::create_dir(&temporary).unwrap();
    fs::create_dir(&made).unwrap();
    let built = std::process::Command::new("python3")
        .args(["-c", HOSTILE, made.to_str().unwrap()])
        .status()
        .unwrap();
    assert!(built.success());
    let server = Installation::with("serve", &[("TMPDIR", temporary.to_str().unwrap())]);
    let project = server.project().await;
    let path = format!("/projects/{project}/import");
    let send = async |name: &str, as_name: &str| {
        let bytes = fs::read(made.join(name)).unwrap();
        let content = STANDARD.encode(bytes);
        let body = json!({"archive": {"name": as_name, "content_base64": content}});
        server.try_post(&path, body).await
    };
    for (name, said) in REFUSED {
        let (status, problem) = send(name, name).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name}: {problem}"
        );
        assert!(detail.contains(said), "{name}: {detail}");
        assert!(
            !detail.contains('\u{1b}') && !detail.contains('\n'),
            "{detail:?}"
        );
        let field = problem["errors"][0]["field"].as_str().unwrap_or_default();
        assert!(field.starts_with("archive."), "{name}: {problem}");
    }
    for name in ["../a.zip", "a\n.zip", ""] {
        let (status, problem) = send("nested.zip", name).await;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name:?}: {problem}"
        );
    }
    assert_eq!(server.get(&format!("{path}s")).await, json!([]));
    // An archive in an archive is a file like any other.
    let (status, found) = send("nested.zip", "nested.zip").await;
    assert_eq!(status, StatusCode::CREATED, "{found}");
    assert_eq!(found["survey"]["files"], 2, "{found}");
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(server.get("/observability/health").await["status"], "ok");
}

#[tokio::test]
async fn an_import_is_made_once_for_its_key_and_a_third_at_once_is_told_to_wait() {
    let server = Installation::serve();
    let project = server.project().await;
    let path = format!("/projects/{project}/import");
    let origin = Origin::beside(&server);
    origin.commit("a.py", "print(1)\n");
    let body = json!({"repository": {"url": origin.url()}});
    let keyed = || {
        let request = server.request(reqwest::Method::POST, &path);
        crate::support::answer(request.header("idempotency-key", "import-1").json(&body))
    };
    let (first, again) = (keyed().await, keyed().await);
    assert_eq!(first.0, StatusCode::CREATED, "{}", first.1);
    assert_eq!(first, again);
    assert_eq!(
        server
            .get(&format!("{path}s"))
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );

    // A repository that takes the connection and never says anything.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.git", silent.local_addr().unwrap());
    let body = json!({"repository": {"url": url}});
    let mut held = Vec::new();
    let mut asking = Vec::new();
    for _ in 0..2 {
        let request = server.request(reqwest::Method::POST, &path).json(&body);
        asking.push(tokio::spawn(crate::support::answer(request)));
        held.push(silent.accept().await.unwrap());
    }
    let third = server.request(reqwest::Method::POST, &path).json(&body);
    let third = third.send().await.unwrap();
    assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        third.headers().contains_key("retry-after"),
        "{:?}",
        third.headers()
    );
    drop((held, silent));
    for asked in asking {
        let (status, problem) = asked.await.unwrap();
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::CONFLICT, &json!("import_failed"))
        );
    }
    let kept = server.get(&format!("/projects/{project}")).await;
    assert_eq!(kept["repository"]["url"], origin.url());
    for wrong in [
        json!({"repository": {"url": url}, "ref": "main"}),
        json!({"repository": {"url": url}, "archive": {"name": "a.zip", "content_base64": ""}}),
        json!({"repository": {"url": "git@host:a.git"}}),
        json!({"ref": "a b"}),
    ] {
        let (status, problem) = server.try_post(&path, wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    }
}

#[tokio::test]
async fn what_is_old_untested_and_unpinned_becomes_a_plan_by_the_command_line_and_nothing_is_invented()
 {
    let server = Installation::serve();
    let project = server.project().await.to_string();
    let folder = server.folder.path().join("legacy");
    fs::create_dir_all(folder.join("src")).unwrap();
    for (name, text) in [
        (
            "package.json",
            r#"{"name": "legacy", "engines": {"node": "14"}, "scripts": {"build": "tsc"}, "dependencies": {"express": "^4.0.0"}}"#,
        ),
        (
            "src/index.ts",
            "import express from 'express';\nexpress().listen(3000);\n",
        ),
        (
            "Dockerfile",
            "FROM node:14\nCOPY . .\nCMD [\"node\", \"src/index.js\"]\n",
        ),
        (
            "vision.md",
            "Modernize the legacy shop. Customers must be able to pay by card.\n",
        ),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    server.cli(&["project", "import", &project, folder.to_str().unwrap()]);
    let vision = folder.join("vision.md");
    server.cli(&["vision", "submit", &project, vision.to_str().unwrap()]);
    let proposed = server.cli(&["requirements", "propose", &project]);
    for expected in [
        "Node.js 14",
        "Add tests for what exists before changing it",
        "Build and test every change in a pipeline",
        "Pin the versions of",
        "pay by card",
    ] {
        assert!(
            proposed.contains(expected),
            "{expected} lacks in {proposed}"
        );
    }
    assert!(!proposed.contains("Python"), "{proposed}");
    server.cli(&["requirements", "approve", &project, "--version", "1"]);
    let planned = server.cli(&["plan", "propose", &project]);
    assert!(planned.contains("pay by card"), "{planned}");
    assert!(planned.contains("Node.js 14"), "{planned}");

    // Code that has all that: there is nothing to renew, and nothing is said to be.
    let other = server.post("/projects", json!({"name": "new"})).await["id"].to_string();
    let clean = server.folder.path().join("clean");
    fs::create_dir_all(clean.join(".github/workflows")).unwrap();
    fs::create_dir_all(clean.join("tests")).unwrap();
    for (name, text) in [
        (
            "Cargo.toml",
            "[package]\nname = \"clean\"\nversion = \"1.0.0\"\n",
        ),
        ("Cargo.lock", "version = 4\n"),
        ("tests/a.rs", "#[test]\nfn a() {}\n"),
        (".github/workflows/ci.yml", "on: push\njobs: {}\n"),
    ] {
        fs::write(clean.join(name), text).unwrap();
    }
    server.cli(&["project", "import", &other, clean.to_str().unwrap()]);
    server.cli(&["vision", "submit", &other, vision.to_str().unwrap()]);
    let proposed = server.cli(&["requirements", "propose", &other]);
    for invented in [
        "Add tests",
        "pipeline",
        "Pin the versions",
        "supported version",
    ] {
        assert!(!proposed.contains(invented), "{invented}: {proposed}");
    }
}

#[tokio::test]
async fn what_a_killed_import_left_on_disk_is_removed_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let left = folder.path().join("codex-orchestrator-import-left");
    std::fs::create_dir_all(left.join("objects")).expect("a folder");
    std::fs::write(left.join("objects/pack"), "bytes").expect("a file");
    let temporary = folder.path().to_str().expect("a path in UTF-8");
    let server = Installation::with("serve", &[("TMPDIR", temporary)]);
    server
        .wait_for("/projects", "the folder is removed", |_| !left.exists())
        .await;
}
