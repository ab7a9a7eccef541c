//! Who may reach the server, and how.

use std::process::Stdio;

use reqwest::Method;

use crate::support::{Installation, answer};

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused() {
    let server = Installation::serve();
    let get = || server.request(Method::GET, "/projects");
    assert_eq!(answer(get()).await.0, 200);
    assert_eq!(answer(get().header("host", "evil.example")).await.0, 403);
    assert_eq!(
        answer(get().header("origin", "http://evil.example"))
            .await
            .0,
        403
    );
    assert_eq!(
        answer(get().header("origin", server.base.clone())).await.0,
        200
    );
}

#[tokio::test]
async fn a_token_guards_everything_but_health() {
    let server = Installation::with("serve", &[("ORCH_API_TOKEN", "a-long-token")]);
    let get = |path: &str| server.request(Method::GET, path);
    assert_eq!(answer(get("/projects")).await.0, 401);
    assert_eq!(answer(get("/projects").bearer_auth("wrong")).await.0, 401);
    assert_eq!(
        answer(get("/projects").bearer_auth("a-long-token")).await.0,
        200
    );
    assert_eq!(answer(get("/observability/health")).await.0, 200);
}

#[test]
fn listening_beyond_loopback_without_a_token_is_refused() {
    let server = Installation::serve();
    let output = server
        .command(&["serve", "--host", "0.0.0.0", "--port", "0"])
        .env("ORCH_DATA_DIR", server.folder.path().join("other"))
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("ORCH_API_TOKEN") && errors.contains("--allow-unauthenticated"),
        "{errors}"
    );
}
