//! The first request on a connection to the proxy: which host it is for, and what is passed on.

/// How long a head may be.
pub(super) const MOST_HEAD_BYTES: usize = 32 * 1024;

const MOST_HEADERS: usize = 128;

/// What a client asks of the proxy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// In lower case, without brackets or the dot at the end.
    pub(super) host: String,
    pub(super) port: u16,
    /// What the host is sent in place of the head; empty for a tunnel.
    pub(super) head: Vec<u8>,
    /// How many bytes the head had.
    pub(super) length: usize,
}

impl Request {
    pub(super) fn is_tunnel(&self) -> bool {
        self.head.is_empty()
    }
}

/// Reads a head; `None` while it is not complete.
///
/// # Errors
/// What is wrong with it, for the client.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Request>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < MOST_HEAD_BYTES => return Ok(None),
        Ok(httparse::Status::Partial) => return Err("the request's head is too long".to_owned()),
        Err(error) => return Err(format!("this is no HTTP request: {error}")),
    };
    let (Some(method), Some(target)) = (parsed.method, parsed.path) else {
        return Err("this is no HTTP request".to_owned());
    };
    if method == "CONNECT" {
        let (host, port) = authority(target, None)?;
        let head = Vec::new();
        return Ok(Some(Request {
            host,
            port,
            head,
            length,
        }));
    }
    let rest = target.strip_prefix("http://").ok_or_else(|| {
        "this is the sandbox's proxy: it takes CONNECT and requests for http://…".to_owned()
    })?;
    let (named, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (host, port) = authority(named, Some(80))?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    // One request for each connection: what follows could be for another host.
    let mut head =
        format!("{method} {slash}{path} HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n");
    let mut head = std::mem::take(&mut head).into_bytes();
    for header in parsed.headers.iter() {
        let name = header.name.to_ascii_lowercase();
        let is_ours = matches!(name.as_str(), "host" | "connection" | "keep-alive")
            || name.starts_with("proxy-");
        if !is_ours {
            head.extend(header.name.bytes().chain(*b": "));
            head.extend(header.value.iter().chain(b"\r\n"));
        }
    }
    head.extend(b"\r\n");
    Ok(Some(Request {
        host,
        port,
        head,
        length,
    }))
}

fn authority(text: &str, usual_port: Option<u16>) -> Result<(String, u16), String> {
    let wrong = || format!("{text:?} is no host and port");
    if text.contains('@') {
        return Err("a host with a user name is not taken".to_owned());
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => {
            (host, Some(port.parse().map_err(|_| wrong())?))
        }
        _ => (text, usual_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    match port {
        Some(port) if port > 0 && !host.is_empty() && host.bytes().all(is_host) => Ok((host, port)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tunnel_names_host_and_port() {
        let text = b"CONNECT Example.COM.:443 HTTP/1.1\r\nHost: other\r\n\r\nrest";
        let request = read(text).unwrap().unwrap();
        assert_eq!((request.host.as_str(), request.port), ("example.com", 443));
        assert!(request.is_tunnel());
        assert_eq!(&text[request.length..], b"rest");
        let request = read(b"CONNECT [::1]:8 HTTP/1.1\r\n\r\n").unwrap().unwrap();
        assert_eq!((request.host.as_str(), request.port), ("::1", 8));
    }

    #[test]
    fn a_plain_request_is_passed_on_for_its_own_host_alone() {
        let text = b"GET http://a.test:81/x?y HTTP/1.1\r\nHost: evil.test\r\n\
                     Proxy-Authorization: secret\r\nConnection: keep-alive\r\nX: 1\r\n\r\n";
        let request = read(text).unwrap().unwrap();
        assert_eq!((request.host.as_str(), request.port), ("a.test", 81));
        let head = String::from_utf8(request.head).unwrap();
        let expected = "GET /x?y HTTP/1.1\r\nHost: a.test:81\r\nConnection: close\r\nX: 1\r\n\r\n";
        assert_eq!(head, expected);
        let request = read(b"GET http://a.test?q HTTP/1.1\r\n\r\n")
            .unwrap()
            .unwrap();
        assert!(
            request
                .head
                .starts_with(b"GET /?q HTTP/1.1\r\nHost: a.test\r\n")
        );
    }

    #[test]
    fn what_is_no_request_to_a_proxy_is_refused() {
        for text in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET https://a.test/ HTTP/1.1\r\n\r\n",
            "CONNECT a.test HTTP/1.1\r\n\r\n",
            "CONNECT a.test:0 HTTP/1.1\r\n\r\n",
            "CONNECT a.test:99999 HTTP/1.1\r\n\r\n",
            "CONNECT :443 HTTP/1.1\r\n\r\n",
            "GET http://user@a.test/ HTTP/1.1\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(read(&vec![b'A'; MOST_HEAD_BYTES]).is_err());
        assert_eq!(read(b"CONNECT a.test:443 HTTP/1.1\r\n"), Ok(None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}
