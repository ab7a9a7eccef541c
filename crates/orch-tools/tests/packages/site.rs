//! A tiny web server and a toolbox that fetches from it.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use orch_tools::{
    FetchBounds, Installed, Lock, NoWorkshop, Platform, ToolError, ToolSettings, Toolbox, Unsigned,
    Want,
};
use tempfile::TempDir;

/// What is answered under a path.
#[derive(Clone)]
pub struct Page {
    pub kind: &'static str,
    pub body: Vec<u8>,
    /// So often the connection breaks off half-way before it is served whole.
    pub breaks: u32,
    /// So often 503 is answered before.
    pub busy: u32,
}

#[derive(Clone, Default)]
struct Pages(Arc<Mutex<HashMap<String, Page>>>);

/// A web server, a catalog and a cache.
pub struct Site {
    pub folder: TempDir,
    pub base: String,
    pages: Pages,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub fn new() -> Self {
        // The provider is process-wide: whoever comes second finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let pages = Pages::default();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (served, noted) = (pages.clone(), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &served, &noted);
            }
        });
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("catalog")).unwrap();
        Self {
            folder,
            base,
            pages,
            asked,
        }
    }

    pub fn page(&self, path: &str, kind: &'static str, body: impl Into<Vec<u8>>) {
        self.put(
            path,
            Page {
                kind,
                body: body.into(),
                breaks: 0,
                busy: 0,
            },
        );
    }

    /// Has a path lead to another place.
    pub fn redirect(&self, path: &str, to: &str) {
        self.page(path, REDIRECT, to);
    }

    pub fn put(&self, path: &str, page: Page) {
        self.pages.0.lock().unwrap().insert(path.to_owned(), page);
    }

    pub fn remove(&self, path: &str) {
        self.pages.0.lock().unwrap().remove(path);
    }

    /// How often a path was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|asked| *asked == path)
            .count()
    }

    pub fn entry(&self, name: &str, text: &str) {
        let path = self
            .folder
            .path()
            .join("catalog")
            .join(format!("{name}.yaml"));
        fs::write(path, text).unwrap();
    }

    pub fn settings(&self) -> ToolSettings {
        let mut settings = ToolSettings::new(self.folder.path());
        settings.catalog = Some(self.folder.path().join("catalog"));
        settings.unsigned = Unsigned::Allow;
        settings.registries.npm = format!("{}/npm", self.base);
        settings.registries.pypi = format!("{}/simple", self.base);
        settings.registries.crates = format!("{}/index", self.base);
        settings
    }

    pub fn toolbox(&self) -> Toolbox {
        self.toolbox_with(self.settings())
    }

    pub fn toolbox_with(&self, settings: ToolSettings) -> Toolbox {
        let bounds = FetchBounds {
            bytes: 10 << 20,
            pause: Duration::from_millis(1),
            ..FetchBounds::default()
        };
        Toolbox::with_bounds(settings, bounds).unwrap()
    }
}

/// The kind of a page whose text is where it has moved to.
const REDIRECT: &str = "redirect";

pub const PLATFORM: Platform = Platform::LinuxAmd64;

pub async fn resolve(toolbox: &Toolbox, want: &str) -> Result<Lock, ToolError> {
    toolbox
        .resolve(&[Want::parse(want).unwrap()], PLATFORM)
        .await
}

/// Resolves and installs one tool.
pub async fn install(toolbox: &Toolbox, want: &str) -> Result<Installed, ToolError> {
    let lock = resolve(toolbox, want).await?;
    toolbox.install(&lock.tools[0], PLATFORM, &NoWorkshop).await
}

/// What a program of a tool says.
pub fn say(installed: &Installed, program: &str) -> String {
    let output = Command::new(&installed.programs()[program])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A gzipped tar of these files.
pub fn tarball(files: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        if text.starts_with("#!") {
            run("chmod", &["755", path.to_str().unwrap()], folder.path());
        }
    }
    let tops = fs::read_dir(folder.path()).unwrap();
    let tops: Vec<String> = tops
        .map(|top| top.unwrap().file_name().into_string().unwrap())
        .collect();
    let out = tempfile::NamedTempFile::new().unwrap();
    let mut args = vec![
        "--sort=name",
        "--mtime=@0",
        "-czf",
        out.path().to_str().unwrap(),
    ];
    args.extend(tops.iter().map(String::as_str));
    run("tar", &args, folder.path());
    fs::read(out.path()).unwrap()
}

pub fn run(program: &str, args: &[&str], folder: &Path) {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
}

fn serve(mut stream: TcpStream, pages: &Pages, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).is_err() {
        return;
    }
    let mut from = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(range) = lower.strip_prefix("range: bytes=") {
            from = range.trim().trim_end_matches('-').parse().unwrap();
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(path.clone());
    // Not held while the answer is written: the test may want it before it reads on.
    let page = take(pages, &path);
    let Some(page) = page else {
        let _ = stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return;
    };
    if page.busy > 0 {
        let _ = stream.write_all(
            b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        );
        return;
    }
    if page.kind == REDIRECT {
        let to = String::from_utf8_lossy(&page.body);
        let head = format!(
            "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let _ = stream.write_all(head.as_bytes());
        return;
    }
    let rest = &page.body[from.min(page.body.len())..];
    let status = match from {
        0 => "200 OK".to_owned(),
        from => format!(
            "206 Partial Content\r\ncontent-range: bytes {from}-{}/{}",
            page.body.len() - 1,
            page.body.len()
        ),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        page.kind,
        rest.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let sent = match page.breaks {
        0 => rest.len(),
        _ => rest.len() / 2,
    };
    let _ = stream.write_all(&rest[..sent]);
}

/// A page as it is now; the next who asks finds it less broken.
fn take(pages: &Pages, path: &str) -> Option<Page> {
    let mut pages = pages.0.lock().unwrap();
    let page = pages.get_mut(path)?;
    let now = page.clone();
    match page.busy {
        0 => page.breaks = page.breaks.saturating_sub(1),
        _ => page.busy -= 1,
    }
    Some(now)
}
