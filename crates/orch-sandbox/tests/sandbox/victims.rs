//! What an escape would reach: other processes, files, sockets and descriptors of this machine.

use std::{
    fs,
    io::{IoSlice, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    os::{
        fd::{AsRawFd, IntoRawFd},
        linux::net::SocketAddrExt,
        unix::{
            fs::PermissionsExt,
            net::{SocketAddr, UnixDatagram, UnixListener},
        },
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use nix::{
    libc,
    sys::socket::{ControlMessage, MsgFlags, sendmsg},
};

/// What every victim holds and nobody in a sandbox may see.
pub const TREASURE: &str = "hidden-treasure";

/// Addresses of others, which the loopback stands in for: where clouds keep credentials, a host of
/// the internet, one of the company, a name server.
pub const OTHER_ADDRESSES: [&str; 4] =
    ["169.254.169.254", "203.0.113.7", "10.1.2.3", "203.0.113.53"];

/// The victims; what they are called in scripts stands in [`Victims::fill`].
pub struct Victims {
    process: Child,
    tcp: u16,
    udp: u16,
    abstract_name: String,
    descriptor: i32,
    shared: Shared,
    over: Arc<AtomicBool>,
    _log: UnixDatagram,
}

impl Drop for Victims {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Victims {
    /// Puts victims into a folder, beside the run's.
    pub fn beside(outside: &Path) -> Self {
        for folder in ["home/.ssh", "home/.aws", "runs/run-2/epoch-1/work"] {
            fs::create_dir_all(outside.join(folder)).unwrap();
        }
        let files = [
            "secret",
            "orchestrator.db",
            "home/.ssh/id_ed25519",
            "home/.aws/credentials",
            "runs/run-2/epoch-1/work/code",
        ];
        for file in files {
            fs::write(outside.join(file), TREASURE).unwrap();
        }
        let process = Command::new("sleep")
            .arg("1000")
            .env("VICTIM", TREASURE)
            .arg0_with_treasure()
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let path = outside.join("docker.sock");
        let unix = UnixListener::bind(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        let log = UnixDatagram::bind(outside.join("log.sock")).unwrap();
        fs::set_permissions(outside.join("log.sock"), fs::Permissions::from_mode(0o777)).unwrap();
        let hand = UnixListener::bind(outside.join("hand.sock")).unwrap();
        fs::set_permissions(outside.join("hand.sock"), fs::Permissions::from_mode(0o777)).unwrap();
        let secret = fs::File::open(outside.join("secret")).unwrap();
        let [metadata, foreign, company, names] = OTHER_ADDRESSES;
        // Without a network of its own there are none of these addresses.
        for at in [(metadata, 80), (foreign, 443), (company, 443)] {
            if let Ok(listener) = TcpListener::bind(at) {
                thread::spawn(move || answer(listener.incoming()));
            }
        }
        if let Ok(socket) = UdpSocket::bind((names, 53)) {
            thread::spawn(move || answer_datagrams(&socket));
        }
        let abstract_name = format!("orch-victim-{}", outside.display());
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let named = UnixListener::bind_addr(&address).unwrap();
        // As an agent with a careless library would hold it: without close-on-exec.
        let held = fs::File::open(outside.join("secret"))
            .unwrap()
            .into_raw_fd();
        let descriptor = inheritable(held);
        let victims = Self {
            process,
            tcp: tcp.local_addr().unwrap().port(),
            udp: udp.local_addr().unwrap().port(),
            abstract_name,
            descriptor,
            shared: Shared::with_treasure(),
            over: Arc::default(),
            _log: log,
        };
        thread::spawn(move || answer(tcp.incoming()));
        thread::spawn(move || answer(unix.incoming()));
        thread::spawn(move || answer(named.incoming()));
        thread::spawn(move || answer_datagrams(&udp));
        thread::spawn(move || hand_over(&hand, &secret));
        let over = Arc::clone(&victims.over);
        thread::spawn(move || visit(&over));
        victims
    }

    /// A script with the victims' names in place of their placeholders.
    pub fn fill(&self, script: &str, outside: &Path) -> String {
        script
            .replace("{outside}", &outside.display().to_string())
            .replace("{pid}", &self.process.id().to_string())
            .replace("{agent}", &std::process::id().to_string())
            .replace("{tcp}", &self.tcp.to_string())
            .replace("{udp}", &self.udp.to_string())
            .replace("{abstract}", &self.abstract_name)
            .replace("{descriptor}", &self.descriptor.to_string())
            .replace("{shared}", &self.shared.key.to_string())
            .replace("{treasure}", TREASURE)
    }
}

fn answer<S: Read + Write>(clients: impl Iterator<Item = std::io::Result<S>>) {
    for mut client in clients.flatten() {
        let _ = client.write_all(TREASURE.as_bytes());
    }
}

fn answer_datagrams(socket: &UdpSocket) {
    let mut bytes = [0; 64];
    while let Ok((_, from)) = socket.recv_from(&mut bytes) {
        let _ = socket.send_to(TREASURE.as_bytes(), from);
    }
}

/// Comes to whoever listens at all of the machine's addresses, as another machine could.
fn visit(over: &AtomicBool) {
    const EVERYWHERE: &str = " 00000000:";
    while !over.load(Ordering::Relaxed) {
        let sockets = fs::read_to_string("/proc/thread-self/net/tcp").unwrap_or_default();
        for line in sockets.lines().filter(|line| line.contains(" 0A ")) {
            let place = line
                .split_once(EVERYWHERE)
                .and_then(|(_, rest)| rest.get(..4));
            let port = place.and_then(|digits| u16::from_str_radix(digits, 16).ok());
            if let Some(port @ 1..) = port
                && let Ok(mut host) = TcpStream::connect(("127.0.0.1", port))
            {
                let _ = host.write_all(TREASURE.as_bytes());
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Hands an open file to whoever connects.
fn hand_over(clients: &UnixListener, file: &fs::File) {
    for client in clients.incoming().flatten() {
        let files = [file.as_raw_fd()];
        let _ = sendmsg::<()>(
            client.as_raw_fd(),
            &[IoSlice::new(b"x")],
            &[ControlMessage::ScmRights(&files)],
            MsgFlags::empty(),
            None,
        );
    }
}

/// Memory that every user of the machine may read.
struct Shared {
    key: i32,
    id: i32,
}

#[expect(unsafe_code, reason = "no safe library shares memory by a key")]
impl Shared {
    fn with_treasure() -> Self {
        let key = i32::try_from(std::process::id()).unwrap();
        // SAFETY: takes numbers; the address is that of a whole page, and written within it.
        let id = unsafe {
            let id = libc::shmget(key, 4096, libc::IPC_CREAT | 0o644);
            let at = libc::shmat(id, std::ptr::null(), 0).cast::<u8>();
            assert_ne!(at.addr(), usize::MAX);
            std::ptr::copy_nonoverlapping(TREASURE.as_ptr(), at, TREASURE.len());
            libc::shmdt(at.cast());
            id
        };
        Self { key, id }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "no safe library shares memory by a key")]
        // SAFETY: takes numbers alone.
        unsafe {
            libc::shmctl(self.id, libc::IPC_RMID, std::ptr::null_mut())
        };
    }
}

trait WithTreasure {
    fn arg0_with_treasure(&mut self) -> &mut Self;
}

impl WithTreasure for Command {
    fn arg0_with_treasure(&mut self) -> &mut Self {
        use std::os::unix::process::CommandExt;
        self.arg0(format!("sleep-{TREASURE}"))
    }
}

/// The same file under a descriptor that programs inherit.
fn inheritable(descriptor: i32) -> i32 {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    #[expect(unsafe_code, reason = "the test leaks a descriptor on purpose")]
    // SAFETY: it was just given up by its owner.
    let owned = unsafe { OwnedFd::from_raw_fd(descriptor) };
    let copy = nix::unistd::dup(&owned).unwrap();
    let number = copy.as_raw_fd();
    let _ = copy.into_raw_fd();
    number
}
