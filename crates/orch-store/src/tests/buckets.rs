//! The bytes of artifacts in an S3-compatible store, held to the contract of every place.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::s3::S3;
use crate::blob::{BlobError, Blobs, BucketAddress, contract};

fn address(server: &S3, prefix: &str) -> BucketAddress {
    BucketAddress {
        bucket: "kept".to_owned(),
        prefix: prefix.to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(server.endpoint()),
        key: Some(("test".to_owned(), "hush-hush".to_owned())),
        session_token: None,
    }
}

fn started() -> S3 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = S3::start();
    server.bucket("kept");
    server
}

fn file(folder: &Path, content: &[u8]) -> (String, std::path::PathBuf) {
    let path = folder.join("incoming");
    std::fs::write(&path, content).unwrap();
    (hex::encode(Sha256::digest(content)), path)
}

#[tokio::test]
async fn a_bucket_keeps_the_contract_of_bytes() {
    let server = started();
    let folder = tempfile::tempdir().unwrap();
    for prefix in ["", "orch/artifacts"] {
        let blobs = Blobs::in_bucket(address(&server, prefix), "ours", folder.path()).unwrap();
        contract::keeps(&blobs, async |sha256: &str| {
            let before = match prefix {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            };
            let key = format!("{before}{}/{sha256}", &sha256[..2]);
            server.put("kept", &key, b"rotten");
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_larger_than_a_part_goes_up_in_parts_and_comes_back_whole() {
    let server = started();
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::in_bucket(address(&server, "a"), "ours", folder.path()).unwrap();
    let content: Vec<u8> = (0..40_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (sha256, path) = file(folder.path(), &content);
    blobs.keep(&sha256, path).await.unwrap();
    let found = blobs.open(&sha256).await.unwrap();
    assert_eq!(found.size_bytes, 40_000_000);
    let uploads = server.get("/kept?uploads");
    assert!(!uploads.contains("<Upload>"), "{uploads}");
}

#[tokio::test]
async fn one_place_belongs_to_one_installation() {
    let server = started();
    let folder = tempfile::tempdir().unwrap();
    let looked = async |prefix, installation| {
        let blobs = Blobs::in_bucket(address(&server, prefix), installation, folder.path());
        blobs.unwrap().look().await
    };
    for _ in 0..2 {
        looked("a", "first").await.unwrap();
    }
    let refused = looked("a", "second").await.unwrap_err();
    assert!(matches!(refused, BlobError::Taken { .. }), "{refused}");
    looked("b", "second").await.unwrap();
}

#[tokio::test]
async fn an_outage_is_told_without_a_key_and_loses_nothing() {
    let mut server = started();
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::in_bucket(address(&server, "a"), "ours", folder.path()).unwrap();
    server.down();
    let (sha256, path) = file(folder.path(), b"content");
    let away = blobs.keep(&sha256, path.clone()).await.unwrap_err();
    assert!(matches!(away, BlobError::Away { .. }), "{away}");
    let said = away.to_string();
    assert!(
        said.contains("s3://kept/a") && !said.contains("hush"),
        "{said}"
    );
    assert!(path.exists(), "the file waits for the next attempt");
    server.up();
    let no_bucket = blobs.keep(&sha256, path.clone()).await.unwrap_err();
    assert!(matches!(no_bucket, BlobError::Away { .. }), "{no_bucket}");
    server.bucket("kept");
    blobs.keep(&sha256, path).await.unwrap();
    assert!(blobs.has(&sha256).await.unwrap());
}
