//! What is sent where the server does not reach it: an archive as it is, a folder, or the tracked files of
//! a commit. Bounds are told before anything is sent.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orch_api::types::import::SourceArchive;
use orch_archive::{PackError, Packed, Packer, Packing, pack};
use orch_core::plural::counted;
use orch_core::source::Reference;
use orch_git::{Git, GitError, Snapshot, TreeEntry, TreeKind};

use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Progress};

/// What builds and downloads leave behind.
const LEFT_OUT: [&str; 8] = [
    ".git",
    "node_modules",
    "target",
    ".venv",
    "venv",
    "__pycache__",
    ".tox",
    ".gradle",
];
const MIB: u64 = 1024 * 1024;
/// What the server accepts.
const MOST_PACKED_BYTES: u64 = 24 * MIB;
const MOST_FILES: u32 = 100_000;
const MOST_BYTES: u64 = 256 * MIB;
/// What a commit may take up on disk while it is packed.
const MOST_FETCHED_BYTES: u64 = 1024 * MIB;
/// How long one call of git may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Files that are read from git at once, by their bytes.
const AT_ONCE_BYTES: u64 = 16 * MIB;
/// Paths that are named in a remark.
const NAMED: usize = 5;
/// Paths that are counted.
const MOST_NAMED: usize = 1_000;
const BY_PART: &str = "import a part of it, or its repository by address";

/// An archive as it lies there.
pub fn archive(path: &Path) -> Result<SourceArchive, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    let unnamed = || Failure::usage(format!("`{}` has no name in UTF-8", path.display()));
    Ok(SourceArchive {
        name: name.ok_or_else(unnamed)?.to_owned(),
        content_base64: STANDARD.encode(input::archive(path)?),
    })
}

/// A folder with all its files.
pub fn folder(path: &Path, named: &str, output: &mut Output) -> Result<SourceArchive, Failure> {
    let packing = Packing {
        leave_out: &LEFT_OUT,
        most_files: MOST_FILES.into(),
        most_bytes: MOST_BYTES,
    };
    let mut progress = Progress::begin(format!("packing `{named}`, files"), 0);
    let packed = pack(path, packing, &mut |files| progress.at(files));
    drop(progress);
    let packed = packed.map_err(|error| refused(named, &error))?;
    named_archive(path, named, None, packed, output)
}

/// A commit of a folder that is a repository, read without a work tree: no filter, hook or attribute of
/// the repository is obeyed.
pub struct Checkout<'n> {
    path: &'n Path,
    named: &'n str,
    reference: Option<Reference>,
    git: Git,
    snapshot: Snapshot,
    /// Holds the snapshot.
    _folder: tempfile::TempDir,
}

impl<'n> Checkout<'n> {
    /// Reads what `reference` means, or the last commit.
    pub fn read(path: &'n Path, named: &'n str, reference: Option<&str>) -> Result<Self, Failure> {
        let wrong = |problem: String| Failure::usage(format!("--ref {problem}"));
        let reference = reference.map(Reference::parse).transpose().map_err(wrong)?;
        let failed = |error: GitError| {
            Failure::usage(format!("failed to read the repository `{named}`")).caused_by(&error)
        };
        let url = orch_git::address(path).map_err(|why| {
            Failure::usage(format!("`{named}` cannot be read by git: its path {why}"))
        })?;
        let search = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        let git = Git::find(&search, PATIENCE).map_err(failed)?;
        let commit = orch_git::resolve(&git, &url, reference.as_ref()).map_err(failed)?;
        let folder = tempfile::Builder::new().prefix("import-").tempdir();
        let folder = folder.map_err(|error| {
            Failure::usage("failed to make a temporary folder".to_owned())
                .caused_by(&error)
                .next_step("set TMPDIR to a folder that can be written")
        })?;
        let snapshot = Snapshot::fetch(&git, &url, &commit, folder.path(), MOST_FETCHED_BYTES);
        Ok(Self {
            path,
            named,
            reference,
            git,
            snapshot: snapshot.map_err(failed)?,
            _folder: folder,
        })
    }

    /// Says what of the folder is not imported.
    pub fn tell_uncommitted(&self, output: &mut Output) {
        let named = self.named;
        if let Some(reference) = &self.reference {
            output.note(&format!(
                "`{named}` is imported as it is at {reference}; its work tree is not looked at"
            ));
            return;
        }
        match self.snapshot.differing(&self.git, self.path, MOST_NAMED) {
            Ok(differing) if differing.is_empty() => {}
            Ok(differing) => output.warn(&uncommitted(named, &differing)),
            Err(error) => output.warn(&format!(
                "`{named}` is imported as it is at its last commit; what is not committed is not known: {error}"
            )),
        }
    }

    /// The commit's tracked files as an archive.
    pub fn pack(&self, output: &mut Output) -> Result<SourceArchive, Failure> {
        let entries = self.snapshot.entries(&self.git, MOST_FILES as usize);
        let entries = entries.map_err(|error| {
            Failure::usage(format!("failed to list the files of `{}`", self.named))
                .caused_by(&error)
        })?;
        let packed = self.pack_entries(&entries)?;
        let short = self.snapshot.commit().as_str().get(..12);
        named_archive(self.path, self.named, short, packed, output)
            .map_err(|failure| with_largest(failure, &entries))
    }

    fn pack_entries(&self, entries: &[TreeEntry]) -> Result<Packed, Failure> {
        let named = self.named;
        let files: Vec<&TreeEntry> = entries
            .iter()
            .filter(|entry| {
                entry.kind == TreeKind::File && std::str::from_utf8(&entry.path).is_ok()
            })
            .collect();
        let whole = files.iter().map(|file| file.size_bytes).sum();
        // Before anything is read: a commit says how large its files are.
        if whole > MOST_BYTES {
            let message = format!(
                "the files of `{named}` have {}, and at most {} are packed",
                size(whole),
                size(MOST_BYTES)
            );
            return Err(with_largest(Failure::usage(message), entries));
        }
        let mut packer = Packer::new(MOST_FILES.into(), MOST_BYTES);
        let mut progress = Progress::begin(format!("packing `{named}`"), whole);
        let (mut done, mut rest) = (0, files.as_slice());
        while !rest.is_empty() {
            let (some, after) = rest.split_at(batch(rest));
            let contents = self.snapshot.contents(&self.git, some, MOST_BYTES);
            let contents = contents.map_err(|error| {
                Failure::usage(format!("failed to read the files of `{named}`")).caused_by(&error)
            })?;
            for (file, content) in some.iter().zip(contents) {
                let name = String::from_utf8_lossy(&file.path);
                packer
                    .put(self.path, &name, file.size_bytes, content.as_slice())
                    .map_err(|error| refused(named, &error))?;
                done += file.size_bytes;
                progress.at(done);
            }
            rest = after;
        }
        let skipped = (entries.len() - files.len()) as u64;
        packer
            .finish(skipped)
            .map_err(|error| refused(named, &error))
    }
}

/// How many of the files are read next: one at least.
fn batch(files: &[&TreeEntry]) -> usize {
    let mut bytes = 0;
    let fit = files.iter().take_while(|file| {
        bytes += file.size_bytes;
        bytes <= AT_ONCE_BYTES
    });
    fit.count().max(1)
}

fn uncommitted(named: &str, differing: &[String]) -> String {
    let count = differing.len();
    let mut shown = differing[..count.min(NAMED)].join(", ");
    if count > NAMED {
        shown.push_str(", …");
    }
    let count = match count > MOST_NAMED {
        true => format!("more than {MOST_NAMED}"),
        false => count.to_string(),
    };
    format!(
        "`{named}` is imported as it is at its last commit; what is not committed is left out ({count}): {shown}"
    )
}

fn refused(named: &str, error: &PackError) -> Failure {
    Failure::usage(format!("failed to pack `{named}`"))
        .caused_by(error)
        .next_step(BY_PART)
}

fn with_largest(failure: Failure, entries: &[TreeEntry]) -> Failure {
    let mut largest: Vec<&TreeEntry> = entries.iter().collect();
    largest.sort_by_key(|entry| std::cmp::Reverse(entry.size_bytes));
    let shown = largest.iter().take(3).map(|entry| {
        let name = String::from_utf8_lossy(&entry.path);
        format!("{name} ({})", size(entry.size_bytes))
    });
    let shown: Vec<String> = shown.collect();
    let step = format!(
        "{BY_PART}; its largest files are {}; a server on this machine reads it itself with --link",
        shown.join(", ")
    );
    failure.next_step(step)
}

fn named_archive(
    path: &Path,
    named: &str,
    commit: Option<&str>,
    packed: Packed,
    output: &mut Output,
) -> Result<SourceArchive, Failure> {
    let bytes = packed.bytes.len() as u64;
    let packs = if packed.files == 1 { "packs" } else { "pack" };
    let what = format!(
        "{} of `{named}` ({}) {packs} to {}",
        counted(packed.files, "file"),
        size(packed.unpacked_bytes),
        size(bytes)
    );
    if bytes > MOST_PACKED_BYTES {
        let most = size(MOST_PACKED_BYTES);
        let message = format!("{what}, and the server accepts {most}; nothing was sent");
        return Err(Failure::usage(message).next_step(BY_PART));
    }
    if packed.skipped > 0 {
        output.note(&format!(
            "links, submodules and names that are no UTF-8 were left out: {}",
            packed.skipped
        ));
    }
    output.note(&format!(
        "{what}, of {} at most; sending them",
        size(MOST_PACKED_BYTES)
    ));
    let name = path.file_name().and_then(|name| name.to_str());
    let plain: String = name
        .unwrap_or("source")
        .chars()
        .filter(|c| !c.is_control() && *c != '\\')
        .take(150)
        .collect();
    let commit = commit.map(|id| format!("-{id}")).unwrap_or_default();
    Ok(SourceArchive {
        name: format!("{plain}{commit}.tar.gz"),
        content_base64: STANDARD.encode(packed.bytes),
    })
}

fn size(bytes: u64) -> String {
    match bytes {
        0..MIB => format!("{} KiB", bytes.div_ceil(1024)),
        MIB.. => format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB),
    }
}
