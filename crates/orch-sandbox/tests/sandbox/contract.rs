//! The promises, one test each, on every backend that isolates.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use orch_core::recipe::Network;
use orch_sandbox::{
    Limits,
    egress::{AllowList, Guarded, Proxy},
    exec::{Exit, Stdin},
    sandbox::{Backend, SandboxError},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use crate::place::{DEADLINE, Place, engine_backend, run};

/// Those of this machine, and the engine that the environment names.
fn isolating() -> Vec<Backend> {
    [Backend::Bubblewrap, Backend::Landlock]
        .into_iter()
        .chain(engine_backend())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_works_in_its_workspace_and_its_exit_code_comes_back() {
    for backend in isolating() {
        let place = Place::on(backend);
        fs::write(place.folder.work().join("in"), "given").unwrap();
        let cell = place.sandbox.open(place.confinement()).unwrap();
        let script = "cat in; echo made > out; mkdir d; echo x > d/y; echo $HOME > $HOME/h; \
                      echo t > $TMPDIR/t; pwd; echo oops >&2; exit 7";
        let outcome = run(&*cell, place.shell(script)).await;
        let exited = matches!(outcome.exit, Ok(Exit::Code(7)));
        assert!(exited, "{backend}: {outcome:?}");
        let work = place.folder.work().display().to_string();
        assert_eq!(outcome.stdout, format!("given{work}\n"), "{backend}");
        assert_eq!(outcome.stderr, "oops\n", "{backend}");
        let again = run(&*cell, place.shell("cat out d/y $TMPDIR/t")).await;
        assert_eq!(again.stdout, "made\nx\nt\n", "{backend}: {again:?}");
        drop(cell);
        place.folder.remove().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_looks_as_the_command_left_it() {
    for backend in isolating() {
        let place = Place::on(backend);
        let outcome = place.run("echo x > made").await;
        assert!(outcome.succeeded(), "{backend}: {outcome:?}");
        let entries = fs::read_dir(place.folder.work()).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["made"], "{backend}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gets_its_variables_and_its_input_and_no_others() {
    for backend in isolating() {
        let place = Place::on(backend);
        let cell = place.sandbox.open(place.confinement()).unwrap();
        let mut command = place.shell("cat; env | cut -d= -f1 | sort | tr '\\n' ' '");
        command.env.insert("GIVEN".into(), "a b\tc".into());
        command.stdin = Some(b"input\n".to_vec().into());
        let outcome = run(&*cell, command).await;
        // By the marker processes are found outside of a container.
        let marker = match backend {
            Backend::Docker | Backend::Podman => "",
            Backend::Bubblewrap | Backend::Landlock | Backend::Process => "ORCH_RUN_MARKER ",
        };
        let expected = format!("input\nGIVEN HOME LANG {marker}PATH PWD TERM TMPDIR ");
        assert_eq!(
            outcome.stdout.trim_end(),
            expected.trim_end(),
            "{backend}: {outcome:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_talked_to_while_it_runs() {
    for backend in isolating() {
        let place = Place::on(backend);
        let cell = place.sandbox.open(place.confinement()).unwrap();
        let mut command =
            place.shell("read -r one; echo \"got $one\"; read -r two; echo \"got $two\"");
        let (give, pieces) = tokio::sync::mpsc::channel(1);
        command.stdin = Some(Stdin::Pieces(pieces));
        let talk = async {
            give.send(b"a\n".to_vec()).await.unwrap();
            give.send(b"b\n".to_vec()).await.unwrap();
        };
        let (outcome, ()) = tokio::join!(run(&*cell, command), talk);
        assert_eq!(outcome.stdout, "got a\ngot b\n", "{backend}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_given_a_library_or_a_path_of_its_own_does_not_get_at_what_confines_it() {
    for backend in isolating() {
        let place = Place::on(backend);
        let work = place.folder.work();
        fs::write(
            work.join("bwrap"),
            "#!/bin/sh\ntouch /var/tmp/orch-shadowed\n",
        )
        .unwrap();
        fs::set_permissions(work.join("bwrap"), fs::Permissions::from_mode(0o755)).unwrap();
        let cell = place.sandbox.open(place.confinement()).unwrap();
        // The loader of each program that obeys the variable says that the library is missing.
        let mut command = place.shell("exec /bin/true");
        command
            .env
            .insert("LD_PRELOAD".into(), "/no/such/library.so".into());
        command
            .env
            .insert("PATH".into(), format!("{}:/usr/bin:/bin", work.display()));
        let outcome = run(&*cell, command).await;
        assert!(outcome.succeeded(), "{backend}: {outcome:?}");
        let obeyed = outcome.stderr.matches("cannot be preloaded").count();
        assert_eq!(obeyed, 2, "sh and true alone: {backend}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_outside_is_neither_read_nor_written() {
    for backend in isolating() {
        let place = Place::on(backend);
        let secret = place.outside().join("secret");
        fs::write(&secret, "hidden").unwrap();
        let script = format!("cat {0}; echo x > {0}", secret.display());
        let outcome = place.run(&script).await;
        assert!(!outcome.succeeded(), "{backend}: {outcome:?}");
        assert!(!outcome.stdout.contains("hidden"), "{backend}: {outcome:?}");
        assert_eq!(fs::read_to_string(&secret).unwrap(), "hidden", "{backend}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_command_may_clean_up_and_leaves_nobody_behind() {
    for backend in isolating() {
        let place = Place::on(backend);
        let cell = place.sandbox.open(place.confinement()).unwrap();
        let (sink, mut lines) = mpsc::channel(16);
        let cancel = CancellationToken::new();
        let script = "(setsid sleep 1000 &) ; trap 'echo clean > cleaned; exit 3' TERM; \
                      echo ready; while :; do sleep 0.05; done";
        let clock = Arc::new(|| Timestamp::UNIX_EPOCH);
        let running = cell.run(place.shell(script), clock, sink, cancel.clone());
        let stop = async {
            let ready = lines.recv().await.unwrap();
            assert_eq!(ready.message, "ready");
            cancel.cancel();
        };
        let both = async { tokio::join!(running, stop) };
        let (exit, ()) = tokio::time::timeout(DEADLINE, both).await.unwrap();
        assert!(matches!(exit, Ok(Exit::Cancelled)), "{backend}: {exit:?}");
        let cleaned = fs::read_to_string(place.folder.work().join("cleaned"));
        assert_eq!(cleaned.unwrap_or_default(), "clean\n", "{backend}");
        let others = run(&*cell, place.shell("set -- /proc/[0-9]*; echo $#")).await;
        if backend == Backend::Bubblewrap {
            assert_eq!(
                others.stdout.trim(),
                "2",
                "first program and shell: {others:?}"
            );
        }
        drop(cell);
        assert_eq!(
            fs::read_dir(place.folder.pids()).unwrap().count(),
            0,
            "{backend}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_command_finds_the_files_of_the_last_one_and_none_of_its_processes() {
    for backend in isolating() {
        let place = Place::on(backend);
        let cell = place.sandbox.open(place.confinement()).unwrap();
        let first =
            "setsid sleep 1000 >/dev/null 2>&1 & echo kept > kept; echo kept > $TMPDIR/kept";
        assert!(run(&*cell, place.shell(first)).await.succeeded());
        let second = "cat kept $TMPDIR/kept; pgrep -x sleep; echo $?";
        let outcome = run(&*cell, place.shell(second)).await;
        assert_eq!(outcome.stdout, "kept\nkept\n1\n", "{backend}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_comes_later_is_read_by_the_command_and_gone_with_its_file() {
    for backend in isolating() {
        let place = Place::on(backend);
        let cell = place.sandbox.open(place.confinement()).unwrap();
        assert!(run(&*cell, place.shell("true")).await.succeeded());
        let secret = place.folder.secret_file("key", b"sesame\n").unwrap();
        cell.give(&place.folder.secrets()).unwrap();
        let read = format!("cat {}", secret.path().display());
        let outcome = run(&*cell, place.shell(&read)).await;
        assert_eq!(outcome.stdout, "sesame\n", "{backend}: {outcome:?}");
        drop(secret);
        let outcome = run(&*cell, place.shell(&read)).await;
        assert!(!outcome.succeeded(), "{backend}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_the_commands_is_out_of_their_reach_and_tells_them_nothing() {
    let place = Place::on(Backend::Bubblewrap);
    let cell = place.sandbox.open(place.confinement()).unwrap();
    let mut command = place.shell("true");
    command.env.insert("WORD".into(), "sesame".into());
    assert!(run(&*cell, command).await.succeeded());
    let reach = "kill -9 1 2>/dev/null && echo killed; \
                 cat /proc/1/environ /proc/1/maps 2>/dev/null && echo seen; \
                 ls /proc/1/fd/ 2>/dev/null | grep -q . && echo open; \
                 grep -a sesame /proc/1/mem 2>/dev/null && echo read; echo over";
    let outcome = run(&*cell, place.shell(reach)).await;
    assert_eq!(outcome.stdout, "over\n", "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_no_program_can_be_given_is_named_and_the_next_one_runs() {
    for backend in isolating() {
        let place = Place::on(backend);
        let cell = place.sandbox.open(place.confinement()).unwrap();
        let long = format!(": {}", "x".repeat(200 << 10));
        let outcome = run(&*cell, place.shell(&long)).await;
        let error = outcome.exit.unwrap_err().to_string();
        assert!(
            error.contains("too long for the system"),
            "{backend}: {error}"
        );
        let outcome = run(&*cell, place.shell("yes | head -n 1; kill -9 $$")).await;
        assert_eq!(outcome.stdout, "y\n", "{backend}: {outcome:?}");
        assert_eq!(
            outcome.stderr, "",
            "the pipe's end is quiet: {backend}: {outcome:?}"
        );
        assert!(
            matches!(outcome.exit, Ok(Exit::Signal(9))),
            "{backend}: {outcome:?}"
        );
        assert!(
            run(&*cell, place.shell("true")).await.succeeded(),
            "{backend}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_ignores_its_end_is_ended_within_its_grace() {
    for backend in isolating() {
        let place = Place::on(backend);
        let cell = place.sandbox.open(place.confinement()).unwrap();
        let mut command = place.shell("trap '' TERM; sleep 1000 & wait; sleep 1000");
        command.timeout = Some(Duration::from_millis(300));
        command.kill_grace = Duration::from_millis(300);
        let begun = Instant::now();
        let outcome = run(&*cell, command).await;
        let timed_out = matches!(outcome.exit, Ok(Exit::TimedOut { .. }));
        assert!(timed_out, "{backend}: {outcome:?}");
        assert!(begun.elapsed() < DEADLINE / 2, "{backend}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_memory_and_too_much_disk_are_named_with_their_limits() {
    for backend in isolating() {
        let place = Place::on(backend);
        let mut confinement = place.confinement();
        confinement.limits = Limits {
            memory_bytes: 128 << 20,
            disk_bytes: 20 << 20,
            ..Limits::default()
        };
        let cell = place.sandbox.open(confinement).unwrap();
        let eat = "exec /usr/bin/python3 -c 'b=bytearray(400<<20);b[::4096]=b\"x\"*len(b[::4096])'";
        let outcome = run(&*cell, place.shell(eat)).await;
        // Without a control group the allocation fails by itself.
        let named = match &outcome.exit {
            Err(SandboxError::Memory { limit_bytes }) => *limit_bytes == 128 << 20,
            Ok(Exit::Code(_)) => outcome.stderr.contains("MemoryError"),
            _ => false,
        };
        assert!(named, "{backend}: {outcome:?}");
        let fill = "dd if=/dev/zero of=f bs=1M count=30 2>/dev/null; sleep 1000";
        let outcome = run(&*cell, place.shell(fill)).await;
        let named = matches!(outcome.exit, Err(SandboxError::Disk { limit_bytes, .. }) if limit_bytes == 20 << 20);
        assert!(named, "{backend}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_nearly_full_ends_a_command_whoever_fills_it() {
    for backend in isolating() {
        let place = Place::on(backend);
        let mut confinement = place.confinement();
        confinement.limits.disk_free_bytes = u64::MAX - 1;
        let cell = place.sandbox.open(confinement).unwrap();
        let outcome = run(&*cell, place.shell("sleep 1000")).await;
        let error = outcome.exit.unwrap_err();
        let named = matches!(error, SandboxError::DiskFull { free_bytes, .. } if free_bytes > 0);
        assert!(named, "{backend}: {error}");
        assert!(
            error.to_string().contains("AGENT_MIN_FREE_BYTES"),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_more_than_allowed_is_named_with_its_limit() {
    // Under Landlock the limit of the run's own user is reached first, of which nobody tells.
    let place = Place::on(Backend::Bubblewrap);
    let mut confinement = place.confinement();
    confinement.limits.processes = 32;
    let cell = place.sandbox.open(confinement).unwrap();
    let many = "for n in $(seq 100); do sleep 5 & done 2>/dev/null; exit 3";
    let outcome = run(&*cell, place.shell(many)).await;
    // Where no control group can be made the shell's own words have to do.
    let is_named = outcome.stderr.contains("AGENT_LIMIT_PROCESSES");
    let has_groups = fs::metadata("/sys/fs/cgroup/pids").is_ok();
    assert!(is_named || !has_groups, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_of_the_path_are_found_wherever_they_lie() {
    for backend in isolating() {
        for above in ["/tmp", "/var/tmp"] {
            let top = tempfile::tempdir_in(above).unwrap();
            fs::set_permissions(top.path(), fs::Permissions::from_mode(0o755)).unwrap();
            let bin = top.path().join("deep/bin");
            fs::create_dir_all(&bin).unwrap();
            fs::write(bin.join("found-here"), "#!/bin/sh\necho found\n").unwrap();
            fs::set_permissions(bin.join("found-here"), fs::Permissions::from_mode(0o755)).unwrap();
            let place = Place::on(backend);
            let mut confinement = place.confinement();
            confinement.path = format!("/usr/bin:/bin:{}", bin.display());
            let mut command = place.shell("found-here; echo own > $(mktemp); no-such-program");
            command
                .env
                .insert("PATH".to_owned(), confinement.path.clone());
            let cell = place.sandbox.open(confinement).unwrap();
            let outcome = run(&*cell, command).await;
            assert!(
                outcome.stdout.starts_with("found\n"),
                "{backend}: {outcome:?}"
            );
            assert!(
                matches!(outcome.exit, Ok(Exit::Code(127))),
                "{backend}: {outcome:?}"
            );
            assert!(
                !outcome.stderr.contains("Permission denied"),
                "{backend}: {outcome:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_host_is_reached_and_what_is_refused_is_told() {
    for backend in isolating() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = server.accept().await {
                let _ = client.read(&mut [0; 1024]).await;
                let answer = "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/keys\r\n\
                              Content-Length: 5\r\nConnection: close\r\n\r\nhello";
                let _ = client.write_all(answer.as_bytes()).await;
            }
        });
        let place = Place::on(backend);
        let mut confinement = place.confinement();
        let hosts = Network::Hosts(vec![format!("127.0.0.1:{port}")]);
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        let proxy = Proxy::new(
            AllowList::of([&hosts]).unwrap(),
            Guarded::default(),
            move |refusal| {
                tell.lock().unwrap().push(refusal.host);
            },
        );
        confinement.network = Some(proxy);
        let cell = place.sandbox.open(confinement).unwrap();
        let script = format!(
            "/usr/bin/python3 -c 'import http.client,os,urllib.parse,urllib.request,urllib.error
p=urllib.parse.urlparse(os.environ[\"http_proxy\"])
c=http.client.HTTPConnection(p.hostname,p.port)
c.request(\"GET\",\"http://127.0.0.1:{port}/\")
print(c.getresponse().read().decode())
try: urllib.request.urlopen(\"http://127.0.0.1:{port}/\")
except urllib.error.HTTPError as e: print(e.code)'"
        );
        let outcome = run(&*cell, place.shell(&script)).await;
        assert_eq!(outcome.stdout, "hello\n403\n", "{backend}: {outcome:?}");
        assert_eq!(*told.lock().unwrap(), ["169.254.169.254"], "{backend}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_may_be_changed_and_what_is_not_is_named() {
    for backend in isolating() {
        let place = Place::on(backend);
        let work = place.folder.work();
        fs::create_dir(work.join(".git")).unwrap();
        fs::write(work.join("AGENTS.md"), "be good\n").unwrap();
        let mut confinement = place.confinement();
        confinement.unprotected = vec![".git".to_owned()];
        let cell = place.sandbox.open(confinement).unwrap();
        let outcome = run(&*cell, place.shell("echo x > .git/config")).await;
        assert!(outcome.succeeded(), "{backend}: {outcome:?}");
        assert_eq!(fs::read_to_string(work.join(".git/config")).unwrap(), "x\n");
        let outcome = run(&*cell, place.shell("echo evil > AGENTS.md")).await;
        let refused = match &outcome.exit {
            Ok(exit) => *exit != Exit::Code(0),
            Err(error) => error.to_string().contains("AGENTS.md"),
        };
        assert!(refused, "{backend}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_protected_link_leads_to_is_not_changed_either() {
    for backend in [Backend::Bubblewrap, Backend::Landlock] {
        for script in [
            "echo evil >> docs/AGENTS.md",
            "echo evil >> conf/codex.toml",
            "mv docs away; mkdir docs; echo evil > docs/AGENTS.md",
        ] {
            let place = Place::on(backend);
            let work = place.folder.work();
            for folder in ["docs", "conf", ".codex"] {
                fs::create_dir(work.join(folder)).unwrap();
            }
            for (file, link, target) in [
                ("docs/AGENTS.md", "AGENTS.md", "docs/AGENTS.md"),
                (
                    "conf/codex.toml",
                    ".codex/config.toml",
                    "../conf/codex.toml",
                ),
            ] {
                fs::write(work.join(file), "good\n").unwrap();
                symlink(target, work.join(link)).unwrap();
            }
            symlink("/usr", work.join(".claude")).unwrap();
            let cell = place.sandbox.open(place.confinement()).unwrap();
            let outcome = run(&*cell, place.shell("echo new > docs/other")).await;
            assert!(outcome.succeeded(), "{backend}: {outcome:?}");
            let outcome = run(&*cell, place.shell(script)).await;
            assert!(!outcome.succeeded(), "{backend}, {script}: {outcome:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_run_at_once_without_a_failure() {
    // An engine takes a second for each container.
    for backend in [Backend::Bubblewrap, Backend::Landlock] {
        let places: Vec<Place> = (0..100).map(|_| Place::on(backend)).collect();
        let runs = places
            .iter()
            .map(|place| place.run("echo hello; sleep 0.2"));
        for outcome in futures::future::join_all(runs).await {
            assert!(outcome.succeeded(), "{backend}: {outcome:?}");
            assert_eq!(outcome.stdout, "hello\n", "{backend}");
        }
    }
}
