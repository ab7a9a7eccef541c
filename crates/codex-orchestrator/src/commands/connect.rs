//! Which server a command talks to.

use clap::Args;

/// The server's address.
#[derive(Args, Clone, Debug, Default)]
pub struct Connect {
    /// Address of the server [env: ORCH_URL] [default: http://localhost:18080]
    #[arg(long, global = true, value_name = "URL", display_order = 999)]
    pub url: Option<String>,
}
