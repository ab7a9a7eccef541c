//! Tools for runs: a signed catalog, locks, checked downloads, safe unpacking, a shared cache.
//!
//! Knows nothing of runs, servers or sandboxes: whoever installs brings the place where install
//! steps run.

mod agree;
mod cache;
mod catalog;
mod digest;
mod fetch;
mod install;
mod lock;
mod osv;
mod platform;
mod registry;
mod resolve;
mod settings;
mod signature;
mod toolbox;

pub use cache::{Cache, CacheError, Collected, Lease, Stored, Usage};
pub use catalog::{Catalog, Entry, Fault, NotFound, Trust};
pub use digest::Digest;
pub use fetch::{Bounds as FetchBounds, FetchError, Fetcher};
pub use install::{InstallError, NoWorkshop, Workshop, Workshops};
pub use lock::{Kind, Lock, Locked, Pinned};
pub use orch_archive::{
    Absolute, ArchiveError, ArchiveKind, Bounds as ArchiveBounds, Unpacked, unpack, unpack_deb,
};

pub use orch_core::version::{Range, Version};
pub use osv::{Finding, Severity, Verdict};
pub use platform::Platform;
pub use registry::{Registries, RegistryError};
pub use resolve::{ResolveError, Want};
pub use settings::{SettingError, ToolSettings, Unsigned};
pub use signature::{PublicKey, SecretKey, SignatureError, Verified, verify};
pub use toolbox::{Came, Installed, ToolError, Toolbox};
