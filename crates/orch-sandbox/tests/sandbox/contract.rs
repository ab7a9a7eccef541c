//! The promises, one test each, on every backend that isolates.

use std::fs;

use orch_sandbox::{exec::Exit, sandbox::Backend};

use crate::place::{Place, run};

const ISOLATING: [Backend; 2] = [Backend::Bubblewrap, Backend::Landlock];

#[tokio::test(flavor = "multi_thread")]
async fn a_command_works_in_its_workspace_and_its_exit_code_comes_back() {
    for backend in ISOLATING {
        let place = Place::on(backend);
        fs::write(place.folder.work().join("in"), "given").unwrap();
        let cell = place.sandbox.open(place.confinement()).unwrap();
        let script = "cat in; echo made > out; mkdir d; echo x > d/y; echo $HOME > $HOME/h; \
                      echo t > $TMPDIR/t; pwd; echo oops >&2; exit 7";
        let outcome = run(&*cell, place.shell(script)).await;
        assert!(
            matches!(outcome.exit, Ok(Exit::Code(7))),
            "{backend}: {outcome:?}"
        );
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
async fn what_lies_outside_is_neither_read_nor_written() {
    for backend in ISOLATING {
        let place = Place::on(backend);
        let secret = place.outside().join("secret");
        fs::write(&secret, "hidden").unwrap();
        let script = format!(
            "cat {0}; echo x > {0}; ls {1}",
            secret.display(),
            place.outside().display()
        );
        let outcome = place.run(&script).await;
        assert!(!outcome.succeeded(), "{backend}: {outcome:?}");
        assert!(!outcome.stdout.contains("hidden"), "{backend}: {outcome:?}");
        assert_eq!(fs::read_to_string(&secret).unwrap(), "hidden", "{backend}");
    }
}
