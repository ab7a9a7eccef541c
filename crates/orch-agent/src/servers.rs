//! The servers that the agent may connect to: one address, or several that are tried in turn.

use std::time::Duration;

use orch_sandbox::egress::Guarded;
use tonic::transport::{Endpoint, Uri};

use crate::{AgentError, config::AgentConfig};

/// How long a server may take to answer an attempt to connect.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The same where another one may do better, before the holds end.
const ONE_OF_SEVERAL_WITHIN: Duration = Duration::from_secs(2);

/// The servers, at least one.
#[derive(Debug)]
pub(crate) struct Servers(Vec<ServerAddress>);

/// Where a server listens.
#[derive(Debug)]
pub(crate) struct ServerAddress {
    pub(crate) url: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) answers_within: Duration,
}

impl Servers {
    /// Reads `ORCH_URL`: addresses with commas between them.
    ///
    /// # Errors
    /// Names the first that is none.
    pub(crate) fn read(config: &AgentConfig) -> Result<Self, AgentError> {
        let urls = config.url.split(',').map(str::trim);
        let mut urls: Vec<&str> = urls.filter(|url| !url.is_empty()).collect();
        if urls.is_empty() {
            // It is named as it was given.
            urls.push(&config.url);
        }
        let answers_within = match urls.len() {
            1 => ANSWERS_WITHIN,
            _ => ONE_OF_SEVERAL_WITHIN,
        };
        let address = |url: &&str| {
            Ok(ServerAddress {
                url: (*url).to_owned(),
                endpoint: endpoint(config, url, answers_within)?,
                answers_within,
            })
        };
        urls.iter().map(address).collect::<Result<_, _>>().map(Self)
    }

    /// Each in turn, for ever.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = &ServerAddress> {
        self.0.iter().cycle()
    }
}

impl AgentConfig {
    /// The server as steps reach it: not at all, but for those that have a token of their run to show.
    pub(crate) fn server_kept_from_steps(&self) -> Guarded {
        let urls = self.url.split(',').map(str::trim);
        let uris = urls.filter_map(|url| url.parse::<Uri>().ok());
        let hosts = uris.filter_map(|uri| {
            let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            Some((host, uri.port_u16().unwrap_or(80)))
        });
        let reason = match self.wants_token() {
            true => {
                "it is the server that the run works for, which a step reaches that has the secret ORCH_RUN_TOKEN"
            }
            false => {
                "it is the server that the run works for, which takes whoever reaches it for its user: no step reaches it unless ORCH_API_TOKEN is set"
            }
        };
        Guarded::new(hosts.collect(), reason.to_owned())
    }

    /// Whether the server tells users by a token, as far as its agent knows.
    pub(crate) fn wants_token(&self) -> bool {
        self.api_token.is_some()
    }
}

fn endpoint(
    config: &AgentConfig,
    url: &str,
    answers_within: Duration,
) -> Result<Endpoint, AgentError> {
    let refusal = |problem: String| AgentError::Url {
        url: url.to_owned(),
        problem,
    };
    let url = url.trim_end_matches('/');
    if url.starts_with("https:") {
        let problem = "asks for TLS, which this agent does not speak";
        return Err(refusal(problem.to_owned()));
    }
    let endpoint = Endpoint::from_shared(url.to_owned());
    let endpoint = endpoint.map_err(|error| refusal(format!("is no address ({error})")))?;
    if endpoint.uri().scheme_str() != Some("http") || endpoint.uri().host().is_none() {
        return Err(refusal("is no http address".to_owned()));
    }
    // A dead connection must show before the server gives the runs to somebody else. The server's
    // own pings come every two seconds: only when they do not, there is something to check.
    let hold = config.claim_ttl.unwrap_or(Duration::from_secs(5));
    let silence = config.heartbeat_interval.min(hold / 2);
    let answer = (hold / 4).max(Duration::from_secs(1));
    Ok(endpoint
        .connect_timeout(answers_within)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(silence)
        .keep_alive_timeout(answer)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(2 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(urls: &str) -> Result<Vec<String>, String> {
        let servers = Servers::read(&AgentConfig::new(urls, "/state"));
        let servers = servers.map_err(|error| error.to_string())?;
        Ok(servers.0.into_iter().map(|server| server.url).collect())
    }

    #[test]
    fn several_addresses_are_tried_in_turn() {
        let config = AgentConfig::new("http://a:1, http://b:2/,", "/state");
        let servers = Servers::read(&config).expect("addresses");
        let tried: Vec<&str> = servers
            .in_turn()
            .take(3)
            .map(|server| server.url.as_str())
            .collect();
        assert_eq!(tried, ["http://a:1", "http://b:2/", "http://a:1"]);
    }

    #[test]
    fn what_is_no_address_is_named() {
        assert_eq!(read("http://a:1"), Ok(vec!["http://a:1".to_owned()]));
        for (urls, named) in [
            ("", "\"\""),
            ("http://a:1,https://b", "\"https://b\" asks for TLS"),
            ("ftp://a,http://b", "\"ftp://a\" is no http address"),
        ] {
            let error = read(urls).expect_err(urls);
            assert!(error.contains(named), "{error}");
        }
    }
}
