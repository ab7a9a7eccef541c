//! The audit chain: checked offline, and the first bad entry is named.

use serde_json::json;

use crate::support::{Installation, sqlite as sql};

async fn with_history() -> Installation {
    let mut server = Installation::serve();
    let item = server.item(server.project().await, "a").await;
    server
        .post(&format!("/work-items/{item}/start"), json!(null))
        .await;
    server.stop();
    server
}

fn verify(server: &Installation) -> (bool, String) {
    let folder = server.data_dir();
    let output = server
        .command(&[
            "audit",
            "verify",
            "--data-dir",
            folder.to_str().expect("a plain path"),
        ])
        .output()
        .expect("it runs");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.success(), text)
}

#[tokio::test]
async fn an_untouched_chain_verifies_offline() {
    let server = with_history().await;
    let (ok, text) = verify(&server);
    assert!(ok, "{text}");
}

#[tokio::test]
async fn an_edit_a_deletion_a_swap_and_a_truncation_are_each_found() {
    for (change, named) in [
        (
            "UPDATE audit SET body = replace(body, '\"a\"', '\"b\"') WHERE seq = 2",
            "entry 2",
        ),
        ("DELETE FROM audit WHERE seq = 2", "entry 2"),
        (
            "UPDATE audit SET seq = 100 - seq; UPDATE audit SET seq = seq - 96",
            "entry 1",
        ),
        (
            "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
            "entry 4",
        ),
    ] {
        let server = with_history().await;
        sql(&server, change);
        let (ok, text) = verify(&server);
        assert!(!ok && text.contains(named), "{change}: {text}");
    }
}
