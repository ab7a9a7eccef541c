//! What every place of bytes promises.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{BlobError, Blobs, Folder, Place, Received, Uploads};

fn named(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

fn file(folder: &Path, content: &[u8]) -> PathBuf {
    let path = folder.join("incoming");
    std::fs::write(&path, content).unwrap();
    path
}

async fn read(blobs: &Blobs, sha256: &str) -> Vec<u8> {
    use std::io::Read as _;
    let mut content = blobs.open(sha256).await.unwrap();
    let mut bytes = Vec::new();
    content.file.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, content.size_bytes);
    bytes
}

/// The contract; `damage` changes a byte behind the place's back.
pub(crate) async fn keeps(blobs: &Blobs, damage: impl AsyncFn(&str)) {
    let folder = tempfile::tempdir().unwrap();
    for content in [
        Vec::new(),
        b"small".to_vec(),
        (0..9_000_000_u32).map(|n| (n % 251) as u8).collect(),
    ] {
        let sha256 = named(&content);
        assert!(matches!(
            blobs.open(&sha256).await,
            Err(BlobError::Missing { .. })
        ));
        for _ in 0..2 {
            blobs
                .keep(&sha256, file(folder.path(), &content))
                .await
                .unwrap();
            assert!(read(blobs, &sha256).await == content);
        }
        assert!(blobs.has(&sha256).await.unwrap());
        let listed = blobs.list().await.unwrap();
        assert_eq!(listed.iter().filter(|one| **one == sha256).count(), 1);
        if content.is_empty() {
            continue;
        }
        damage(&sha256).await;
        let refused = blobs.open(&sha256).await.unwrap_err();
        assert!(matches!(refused, BlobError::Damaged { .. }), "{refused}");
        // A whole copy puts it right.
        blobs
            .keep(&sha256, file(folder.path(), &content))
            .await
            .unwrap();
        assert!(read(blobs, &sha256).await == content);
        for _ in 0..2 {
            blobs.remove(&sha256).await.unwrap();
        }
        assert!(matches!(
            blobs.open(&sha256).await,
            Err(BlobError::Missing { .. })
        ));
    }
    for name in ["", "../../etc/passwd", &"A".repeat(64)] {
        assert!(matches!(
            blobs.open(name).await,
            Err(BlobError::Name(_) | BlobError::Missing { .. })
        ));
    }
}

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs {
        place: Place::Files(Folder::new(folder.path())),
        uploads: Uploads::new(folder.path()),
    };
    keeps(&blobs, async |sha256: &str| {
        let path = folder.path().join(&sha256[..2]).join(sha256);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[0] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_in_pieces_is_whole_whatever_comes_twice_and_a_gap_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let uploads = Uploads::new(folder.path());
    let take = async |at: u64, text: &str| {
        let taken = uploads.take("1-1-1", at, text.as_bytes().to_vec()).await;
        taken.unwrap()
    };
    assert_eq!(take(5, "x").await, Received::Gap { has: 0 });
    assert_eq!(take(0, "hello").await, Received::UpTo(5));
    assert_eq!(take(6, "x").await, Received::Gap { has: 5 });
    assert_eq!(take(5, " world").await, Received::UpTo(11));
    assert_eq!(take(5, " world").await, Received::UpTo(11));
    let (path, sha256, size) = uploads.whole("1-1-1").await.unwrap();
    assert_eq!((sha256, size), (named(b"hello world"), 11));
    assert!(path.exists());
    assert_eq!(take(0, "new").await, Received::UpTo(3));
    uploads.drop("1-1-1").await;
    assert!(uploads.whole("1-1-1").await.is_err());
}
