//! Settings of the commands that talk to a server.

use super::{Reader, Setting, parse};

const URL: Setting = Setting::new("ORCH_URL")
    .flag("url")
    .default("http://localhost:18080");
// No flag: arguments are seen by every user of the machine.
pub(super) const TOKEN: Setting = Setting::new("ORCH_API_TOKEN").secret();

/// Which server, and how it is told who calls.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSettings {
    pub url: String,
    pub token: Option<String>,
}

impl ClientSettings {
    pub fn read(reader: &mut Reader<'_>, url: Option<&str>) -> Self {
        Self {
            url: reader.value(&URL, url, parse::text),
            token: reader.optional(&TOKEN, None, parse::text),
        }
    }
}
