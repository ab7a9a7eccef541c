//! The proxy itself: one for a run, serving the listening sockets of its commands.

use std::{
    collections::BTreeSet,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, lookup_host},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    Admission, AllowList, Guarded,
    request::{self, MOST_HEAD_BYTES, Request},
};

/// Where a sandbox with a network of its own finds the proxy.
pub const PROXY_PORT: u16 = 3128;

/// Connections of a command at a time; more wait.
const MOST_CONNECTIONS: usize = 128;

/// How long a client may take for its request, a name to be resolved, a host to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Different refusals of a run that are told.
const MOST_TOLD: usize = 100;

/// A connection that was refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The host, as it was asked for.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, reason } = self;
        write!(f, "the way to {host}:{port} is closed: {reason}")
    }
}

/// A run's way out.
#[derive(Clone)]
pub struct Proxy(Arc<Shared>);

struct Shared {
    allowed: AllowList,
    guarded: Guarded,
    told: Mutex<BTreeSet<Refusal>>,
    tell: Box<dyn Fn(Refusal) + Send + Sync>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.0.allowed).finish()
    }
}

impl Proxy {
    /// A proxy that lets through what is allowed, and what is guarded only while it is open; `tell` hears of each different refusal once, and
    /// of a hundred at most. It must not block.
    pub fn new(
        allowed: AllowList,
        guarded: Guarded,
        tell: impl Fn(Refusal) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            allowed,
            guarded,
            told: Mutex::default(),
            tell: Box::new(tell),
        }))
    }

    /// Opens or closes what is guarded, for connections that are still to come.
    pub fn admit(&self, admission: Admission) {
        self.0.guarded.admit(admission);
    }

    /// Serves a listening socket until `over`; open connections end with it.
    pub async fn serve(&self, listener: TcpListener, over: CancellationToken) {
        let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut connections = JoinSet::new();
        let serve = async {
            loop {
                let slot = Arc::clone(&slots).acquire_owned().await;
                let Ok(slot) = slot else { return };
                match listener.accept().await {
                    Ok((client, _)) => {
                        let proxy = self.clone();
                        connections.spawn(async move {
                            if let Err(error) = proxy.attend(client).await {
                                tracing::debug!(%error, "a connection through the egress proxy broke off");
                            }
                            drop(slot);
                        });
                    }
                    Err(error) => {
                        tracing::debug!(%error, "failed to accept a connection to the egress proxy");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
                while connections.try_join_next().is_some() {}
            }
        };
        tokio::select! {
            biased;
            () = over.cancelled() => {}
            () = serve => {}
        }
    }

    async fn attend(&self, mut client: TcpStream) -> io::Result<()> {
        let read = timeout(PATIENCE, read_request(&mut client)).await;
        let (request, rest) = match read {
            Ok(Ok(Ok(read))) => read,
            Ok(Ok(Err(wrong))) => return answer(&mut client, "400 Bad Request", &wrong).await,
            Ok(Err(error)) => return Err(error),
            Err(_) => return answer(&mut client, "408 Request Timeout", "no request came").await,
        };
        let mut host = match self.connect(&request).await {
            Ok(host) => host,
            Err(Closed::Refused(reason)) => {
                let refusal = Refusal {
                    host: request.host,
                    port: request.port,
                    reason,
                };
                let text = refusal.to_string();
                self.tell(refusal);
                return answer(&mut client, "403 Forbidden", &text).await;
            }
            Err(Closed::Failed(reason)) => {
                return answer(&mut client, "502 Bad Gateway", &reason).await;
            }
        };
        if request.is_tunnel() {
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
        } else {
            host.write_all(&request.head).await?;
        }
        host.write_all(&rest).await?;
        copy_bidirectional(&mut client, &mut host).await?;
        Ok(())
    }

    async fn connect(&self, request: &Request) -> Result<TcpStream, Closed> {
        let Request { host, port, .. } = request;
        let allowed = &self.0.allowed;
        let (name, found) = match host.parse::<IpAddr>() {
            Ok(address) => (None, vec![SocketAddr::new(address, *port)]),
            Err(_) => {
                allowed.judge_name(host, *port).map_err(Closed::Refused)?;
                (Some(host.as_str()), resolve(host, *port).await?)
            }
        };
        let mut last = Closed::Failed(format!("{host} has no address"));
        for at in found {
            // Exactly what was judged is connected to.
            if let Err(reason) = allowed.judge_address(name, at) {
                last = Closed::Refused(reason);
                continue;
            }
            if let Err(reason) = self.0.guarded.judge(name, at).await {
                last = Closed::Refused(reason);
                continue;
            }
            match timeout(PATIENCE, TcpStream::connect(at)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = Closed::Failed(format!("{host}:{port}: {error}")),
                Err(_) => last = Closed::Failed(format!("{host}:{port} does not answer")),
            }
        }
        Err(last)
    }

    /// Tells of a refusal, as of those that this way out makes itself.
    pub(crate) fn tell(&self, refusal: Refusal) {
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MOST_TOLD && told.insert(refusal.clone()) {
            drop(told);
            (self.0.tell)(refusal);
        }
    }
}

/// Why there is no connection.
enum Closed {
    Refused(String),
    Failed(String),
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Closed> {
    let failed = |why: String| Closed::Failed(format!("{host} cannot be resolved: {why}"));
    match timeout(PATIENCE, lookup_host((host, port))).await {
        Ok(Ok(found)) => Ok(found.collect()),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("it takes too long".to_owned())),
    }
}

type Read = Result<(Request, Vec<u8>), String>;

/// A request and what came with it already.
async fn read_request(client: &mut TcpStream) -> io::Result<Read> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let room = MOST_HEAD_BYTES.saturating_sub(bytes.len()) as u64;
        if (&mut *client).take(room).read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match request::read(&bytes) {
            Ok(None) => {}
            Ok(Some(request)) => {
                let rest = bytes.split_off(request.length);
                return Ok(Ok((request, rest)));
            }
            Err(wrong) => return Ok(Err(wrong)),
        }
    }
}

async fn answer(client: &mut TcpStream, status: &str, text: &str) -> io::Result<()> {
    let length = text.len() + 1;
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\nX-Egress: refused\r\n\r\n{text}\n"
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}

/// The variables by which programs find the proxy.
#[must_use]
pub fn environment(allowed: &Proxy, port: u16) -> Vec<(String, String)> {
    let url = format!("http://127.0.0.1:{port}");
    let names = ["http_proxy", "https_proxy", "all_proxy"];
    let mut variables: Vec<(String, String)> = names
        .iter()
        .flat_map(|name| [(*name).to_owned(), name.to_ascii_uppercase()])
        .map(|name| (name, url.clone()))
        .collect();
    // What a command starts for itself is reached directly.
    if !allowed.0.allowed.lists_loopback() {
        let own = "localhost,127.0.0.1,::1";
        variables.extend(["no_proxy", "NO_PROXY"].map(|name| (name.to_owned(), own.to_owned())));
    }
    variables
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use orch_core::recipe::Network;

    use super::*;

    async fn echo_server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut bytes = [0; 1024];
                    let count = client.read(&mut bytes).await.unwrap();
                    client.write_all(&bytes[..count]).await.unwrap();
                });
            }
        });
        at
    }

    struct Way {
        at: SocketAddr,
        refused: mpsc::Receiver<Refusal>,
        over: CancellationToken,
    }

    async fn way(hosts: Vec<String>) -> Way {
        let (told, refused) = mpsc::channel();
        let allowed = AllowList::of([&Network::Hosts(hosts)]).unwrap();
        let proxy = Proxy::new(allowed, Guarded::default(), move |refusal| {
            told.send(refusal).unwrap()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let over = CancellationToken::new();
        let until = over.clone();
        tokio::spawn(async move { proxy.serve(listener, until).await });
        Way { at, refused, over }
    }

    async fn talk(way: &Way, request: &str) -> String {
        let mut client = TcpStream::connect(way.at).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        let read = timeout(PATIENCE, client.read_to_string(&mut text)).await;
        read.expect("an end in time").unwrap();
        text
    }

    #[tokio::test]
    async fn a_listed_host_is_reached_by_tunnel_and_by_plain_request() {
        let server = echo_server().await;
        let way = way(vec![server.to_string()]).await;
        let tunnel = talk(&way, &format!("CONNECT {server} HTTP/1.1\r\n\r\nhello")).await;
        assert_eq!(tunnel, "HTTP/1.1 200 Connection established\r\n\r\nhello");
        let plain = talk(&way, &format!("GET http://{server}/x HTTP/1.1\r\n\r\n")).await;
        assert!(plain.starts_with("GET /x HTTP/1.1\r\nHost: "), "{plain}");
        assert_eq!(way.refused.try_iter().count(), 0);
    }

    #[tokio::test]
    async fn what_is_not_listed_is_refused_and_told_once() {
        let server = echo_server().await;
        let way = way(vec!["example.com".to_owned()]).await;
        for _ in 0..2 {
            let text = talk(&way, &format!("CONNECT {server} HTTP/1.1\r\n\r\n")).await;
            assert!(text.starts_with("HTTP/1.1 403 "), "{text}");
            assert!(
                text.contains("is closed: it is this machine; list"),
                "{text}"
            );
        }
        let text = talk(&way, "CONNECT other.test:443 HTTP/1.1\r\n\r\n").await;
        assert!(text.contains("it is not on the recipe's list"), "{text}");
        let refused: Vec<String> = way.refused.try_iter().map(|refusal| refusal.host).collect();
        assert_eq!(refused, ["127.0.0.1", "other.test"]);
    }

    #[tokio::test]
    async fn what_is_guarded_is_refused_though_it_is_listed_until_it_is_opened() {
        let server = echo_server().await;
        let (told, refused) = mpsc::channel();
        let listed = Network::Hosts(vec![server.to_string(), "localhost".to_owned()]);
        let allowed = AllowList::of([&listed]).unwrap();
        let own = vec![(server.ip().to_string(), server.port())];
        let guarded = Guarded::new(own, "it is the server".to_owned());
        let proxy = Proxy::new(allowed, guarded, move |refusal| told.send(refusal).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (at, over) = (listener.local_addr().unwrap(), CancellationToken::new());
        let (serving, until) = (proxy.clone(), over.clone());
        tokio::spawn(async move { serving.serve(listener, until).await });
        let way = Way { at, refused, over };
        let by_name = format!("localhost:{}", server.port());
        for host in [server.to_string(), by_name] {
            let text = talk(&way, &format!("CONNECT {host} HTTP/1.1\r\n\r\n")).await;
            assert!(text.ends_with("is closed: it is the server\n"), "{text}");
        }
        assert_eq!(way.refused.try_iter().count(), 2);
        proxy.admit(Admission::Open);
        let tunnel = talk(&way, &format!("CONNECT {server} HTTP/1.1\r\n\r\nhello")).await;
        assert!(tunnel.ends_with("hello"), "{tunnel}");
    }

    #[tokio::test]
    async fn open_connections_end_with_the_command() {
        let server = echo_server().await;
        let way = way(vec![server.to_string()]).await;
        let mut client = TcpStream::connect(way.at).await.unwrap();
        let request = format!("CONNECT {server} HTTP/1.1\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 39];
        client.read_exact(&mut answer).await.unwrap();
        way.over.cancel();
        let end = timeout(PATIENCE, client.read(&mut [0; 1])).await;
        assert!(matches!(end.expect("an end in time"), Ok(0) | Err(_)));
    }
}
