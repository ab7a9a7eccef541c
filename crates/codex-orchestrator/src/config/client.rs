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
    /// All that are named, for an agent, which tries them in turn. Commands ask the first.
    pub urls: String,
    pub token: Option<String>,
}

impl ClientSettings {
    pub fn read(reader: &mut Reader<'_>, url: Option<&str>) -> Self {
        let urls = reader.value(&URL, url, parse::text);
        let first = urls.split(',').map(str::trim).find(|url| !url.is_empty());
        Self {
            url: first.unwrap_or(&urls).to_owned(),
            urls,
            token: reader.optional(&TOKEN, None, parse::text),
        }
    }
}
