//! How the agent itself reaches a model provider with a key.

use reqwest::{Client, ClientBuilder, Url, redirect::Policy};

/// For requests to `url`: the key goes where it was meant to go, so no redirect is followed, and no
/// proxy stands before a provider on this machine.
pub(super) fn client_for(url: &Url) -> ClientBuilder {
    // Without effect where the binary has installed it already, which it does first thing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().redirect(Policy::none());
    let is_local = url
        .host_str()
        .is_some_and(|host| host == "localhost" || host == "[::1]" || host.starts_with("127."));
    match is_local {
        true => builder.no_proxy(),
        false => builder,
    }
}
