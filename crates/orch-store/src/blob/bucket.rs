//! Bytes as objects of an S3-compatible store, named as files are.
//!
//! Large ones go up in parts: none of them stands under the name before all are there, and parts of an
//! upload that failed are given up. What comes down goes into a file without a name, and is checked before
//! anybody gets any of it. No call waits longer than its limits.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload,
    RetryConfig,
};

use tokio::sync::OnceCell;

use super::folder::blocking;
use super::spool::Spool;
use super::{BlobError, is_digest};

/// Bytes that are sent at once; S3 wants at least 5 MiB, and at most 10,000 parts.
const PART: u64 = 16 << 20;
/// A call that takes longer has failed.
const CALL: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(5);
/// Overloaded servers are asked again for so long.
const RETRIES: Duration = Duration::from_secs(20);
/// The object that says whose bucket it is.
const OWNER: &str = "installation";

/// Where a bucket is, and who asks. Its text shows no key.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketAddress {
    pub bucket: String,
    /// What stands before every name; empty for nothing.
    pub prefix: String,
    pub region: String,
    /// A server that is not Amazon's.
    pub endpoint: Option<String>,
    /// Key and secret; the machine's own role where there are none.
    pub key: Option<(String, String)>,
    pub session_token: Option<String>,
}

impl std::fmt::Debug for BucketAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BucketAddress")
            .field("bucket", &self.to_string())
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Display for BucketAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.prefix.is_empty() {
            true => write!(f, "s3://{}", self.bucket),
            false => write!(f, "s3://{}/{}", self.bucket, self.prefix),
        }
    }
}

/// A bucket, or a part of one, that belongs to one installation: content that it does not refer to is
/// removed, so another's must not lie there.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    address: Arc<BucketAddress>,
    installation: Arc<str>,
    is_ours: Arc<OnceCell<()>>,
    spool: Spool,
}

impl Bucket {
    /// `installation` is a name that no other has; `spool` a folder for files under way. Nobody is asked yet.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(
        address: BucketAddress,
        installation: &str,
        spool: PathBuf,
    ) -> Result<Self, BlobError> {
        let options = ClientOptions::new()
            .with_timeout(CALL)
            .with_connect_timeout(CONNECT)
            .with_allow_http(true);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&address.bucket)
            .with_region(&address.region)
            .with_client_options(options)
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: 4,
                retry_timeout: RETRIES,
            });
        if let Some(endpoint) = &address.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some((key, secret)) = &address.key {
            builder = builder
                .with_access_key_id(key)
                .with_secret_access_key(secret);
        }
        if let Some(token) = &address.session_token {
            builder = builder.with_token(token);
        }
        let address = Arc::new(address);
        let store = builder
            .build()
            .map_err(|error| BlobError::bucket(&address, "use", &error))?;
        Ok(Self {
            store: Arc::new(store),
            address,
            installation: installation.into(),
            is_ours: Arc::default(),
            spool: Spool::new(spool),
        })
    }

    /// Takes the place for this installation, once.
    ///
    /// # Errors
    /// When it belongs to another, or cannot be reached.
    pub(super) async fn own(&self) -> Result<(), BlobError> {
        self.is_ours.get_or_try_init(|| self.claim()).await.copied()
    }

    async fn claim(&self) -> Result<(), BlobError> {
        let key = self.under(OWNER);
        let ours = PutPayload::from(format!("{}\n", self.installation));
        let made = self
            .store
            .put_opts(&key, ours, PutMode::Create.into())
            .await;
        match made {
            Ok(_) => return Ok(()),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {}
            Err(error) => return Err(self.failed("write to", &error)),
        }
        let read = async {
            let found = self.store.get(&key).await?;
            found.bytes().await
        };
        let found = read.await.map_err(|error| self.failed("read", &error))?;
        match found.as_ref().trim_ascii() == self.installation.as_bytes() {
            true => Ok(()),
            false => Err(BlobError::Taken {
                place: self.address.to_string(),
            }),
        }
    }

    /// Whether it lets itself be read; nothing is written.
    ///
    /// # Errors
    /// When it cannot be reached, is not there, or refuses.
    pub async fn answers(&self) -> Result<(), BlobError> {
        let prefix = self.under(OWNER);
        let mut objects = self.store.list(Some(&prefix));
        let first = objects.try_next().await;
        first
            .map(drop)
            .map_err(|error| self.failed("look into", &error))
    }

    /// Whether it can be reached, and is this installation's.
    pub(super) async fn look(&self) -> Result<(), BlobError> {
        self.own().await?;
        let found = self.store.head(&self.under(OWNER)).await;
        found
            .map(drop)
            .map_err(|error| self.failed("look into", &error))
    }

    fn failed(&self, attempt: &'static str, error: &Error) -> BlobError {
        BlobError::bucket(&self.address, attempt, error)
    }

    fn under(&self, name: &str) -> Key {
        match self.address.prefix.is_empty() {
            true => Key::from(name),
            false => Key::from(format!("{}/{name}", self.address.prefix)),
        }
    }

    fn key(&self, sha256: &str) -> Result<Key, BlobError> {
        match is_digest(sha256) {
            true => Ok(self.under(&format!("{}/{sha256}", &sha256[..2]))),
            false => Err(BlobError::Name(sha256.to_owned())),
        }
    }

    /// Also where it stands already: a damaged copy is put right by the whole one.
    pub(super) async fn keep(&self, sha256: &str, file: PathBuf) -> Result<(), BlobError> {
        let key = self.key(sha256)?;
        self.own().await?;
        let path = file.clone();
        let size = blocking(move || {
            let size = std::fs::metadata(&path).map(|found| found.len());
            size.map_err(BlobError::io("read", &path))
        })
        .await?;
        if size <= PART {
            let bytes = piece(&file, 0).await?;
            let put = self.store.put(&key, PutPayload::from(bytes)).await;
            put.map_err(|error| self.failed("write to", &error))?;
        } else {
            self.in_parts(&key, &file, size).await?;
        }
        let _ = std::fs::remove_file(file);
        Ok(())
    }

    async fn in_parts(
        &self,
        key: &Key,
        file: &std::path::Path,
        size: u64,
    ) -> Result<(), BlobError> {
        let begun = self.store.put_multipart(key).await;
        let mut upload = begun.map_err(|error| self.failed("write to", &error))?;
        let sending = async {
            for number in 0..size.div_ceil(PART) {
                let bytes = piece(file, number * PART).await?;
                let part = upload.put_part(PutPayload::from(bytes)).await;
                part.map_err(|error| self.failed("write to", &error))?;
            }
            let whole = upload.complete().await;
            whole.map_err(|error| self.failed("write to", &error))
        };
        if let Err(error) = sending.await {
            // Parts that nobody gives up are paid for and never seen.
            if let Err(kept) = upload.abort().await {
                tracing::warn!(error = %kept, "failed to give up an upload in parts");
            }
            return Err(error);
        }
        Ok(())
    }

    pub(super) async fn open(&self, sha256: &str) -> Result<super::Content, BlobError> {
        let key = self.key(sha256)?;
        let found = match self.store.get(&key).await {
            Err(Error::NotFound { .. }) => return Err(BlobError::missing(sha256)),
            found => found.map_err(|error| self.failed("read", &error))?,
        };
        let mut file = self.spool.unnamed()?;
        let mut pieces = found.into_stream();
        loop {
            let next = pieces.try_next().await;
            let Some(bytes) = next.map_err(|error| self.failed("read", &error))? else {
                break;
            };
            file = self.append(file, bytes).await?;
        }
        self.spool.checked(file, sha256).await
    }

    async fn append(&self, mut file: File, bytes: Bytes) -> Result<File, BlobError> {
        let folder = self.spool.folder().to_owned();
        blocking(move || {
            file.write_all(&bytes)
                .map_err(BlobError::io("write in", &folder))?;
            Ok(file)
        })
        .await
    }

    pub(super) async fn has(&self, sha256: &str) -> Result<bool, BlobError> {
        let key = self.key(sha256)?;
        match self.store.head(&key).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed("look into", &error)),
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<String>, BlobError> {
        self.own().await?;
        let prefix = (!self.address.prefix.is_empty()).then(|| Key::from(&*self.address.prefix));
        let mut objects = self.store.list(prefix.as_ref());
        let mut found = Vec::new();
        loop {
            let next = objects.try_next().await;
            let Some(object) = next.map_err(|error| self.failed("list", &error))? else {
                return Ok(found);
            };
            if let Some(name) = object.location.filename()
                && is_digest(name)
                && self.key(name).is_ok_and(|key| key == object.location)
            {
                found.push(name.to_owned());
            }
        }
    }

    pub(super) async fn remove(&self, sha256: &str) -> Result<(), BlobError> {
        let key = self.key(sha256)?;
        self.own().await?;
        match self.store.delete(&key).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("remove from", &error)),
        }
    }
}

async fn piece(file: &std::path::Path, from: u64) -> Result<Vec<u8>, BlobError> {
    let path = file.to_owned();
    blocking(move || super::content::piece(&path, from, PART).map_err(BlobError::io("read", &path)))
        .await
}

/// What a failed call says: the text of the library repeats the whole request, key ids and all.
pub(super) fn cause(error: &Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    match error {
        Error::Unauthenticated { .. } | Error::PermissionDenied { .. } => {
            format!("access is denied ({deepest})")
        }
        Error::NotFound { .. } => format!("there is no such bucket or object ({deepest})"),
        _ => deepest.to_string(),
    }
}
