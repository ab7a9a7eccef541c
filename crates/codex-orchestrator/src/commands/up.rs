//! `up`: server and agent in one process, so that two commands are enough to begin.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::serve::{announce, bind, failure, log_settings};
use super::shutdown::{self, Signals};
use super::{Context, agent, logging};
use crate::config::{
    AgentFlags, LogFlags, Reader, ServerFlags, Start, agent_config, server_config, warn_of_misspelt,
};
use crate::exit::Exit;
use crate::failure::Failure;

/// The agent hands its runs back within this; then the server goes, whatever the agent does.
const AGENT_GRACE: Duration = Duration::from_secs(5);

/// Arguments of `up`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    server: ServerFlags,
    #[command(flatten)]
    agent: AgentFlags,
    #[command(flatten)]
    log: LogFlags,
}

/// Serves and works until a signal comes.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut reader = Reader::new(&context.settings);
    let server_config = server_config(&mut reader, &args.server, Start::OnWakeUp);
    let state_dir = server_config.data_dir.join("agent");
    let mut agent_config = agent_config(&mut reader, &args.agent, "", &state_dir);
    let log = log_settings(&mut reader, &args.log, context.output.format());
    reader.finish()?;
    logging::start(&log)?;
    warn_of_misspelt(&context.settings);
    let signals = Signals::catch()?;

    let server = bind(server_config).await?;
    // Held until the agent is gone.
    let _state = agent::claim_state_dir(&agent_config.state_dir)?;
    agent_config.url = format!("http://{}", reachable(server.local_addr()));
    agent_config.secret = Some(server.agent_secret().to_owned());
    announce(server.local_addr(), context.output);

    let (stop_agent, stop_server) = (CancellationToken::new(), CancellationToken::new());
    let stop = CancellationToken::new();
    let both = async {
        let mut serving = tokio::spawn(server.run(stop_server.clone()));
        let mut working = tokio::spawn(orch_agent::run(agent_config, stop_agent.clone()));
        let worked = tokio::select! {
            served = &mut serving => {
                stop_agent.cancel();
                let _ = tokio::time::timeout(AGENT_GRACE, working).await;
                return joined(served)?.map_err(|error| failure(&error));
            }
            worked = &mut working => worked,
            () = stop.cancelled() => {
                // The agent first: it hands its runs back to a server that is still there.
                stop_agent.cancel();
                match tokio::time::timeout(AGENT_GRACE, &mut working).await {
                    Ok(worked) => worked,
                    Err(_) => {
                        working.abort();
                        Ok(Ok(()))
                    }
                }
            }
        };
        stop_server.cancel();
        let served = joined(serving.await)?.map_err(|error| failure(&error));
        joined(worked)?.map_err(|error| agent::failure(&error))?;
        served
    };
    match signals.ending(stop.clone(), both).await {
        Some(ended) => ended.map(|()| Exit::Done),
        None => Err(shutdown::cut_short()),
    }
}

fn joined<T>(ended: Result<T, tokio::task::JoinError>) -> Result<T, Failure> {
    ended.map_err(|error| {
        Failure::new(Exit::Failed, "a part of the program crashed").caused_by(&error)
    })
}

/// Where the agent finds a server that listens on every address.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, bound.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_of_a_server_on_every_address_goes_through_loopback() {
        let of = |address: &str| reachable(address.parse().unwrap()).to_string();
        assert_eq!(of("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(of("[::]:8080"), "[::1]:8080");
        assert_eq!(of("192.0.2.7:8080"), "192.0.2.7:8080");
    }
}
