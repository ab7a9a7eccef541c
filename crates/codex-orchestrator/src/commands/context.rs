//! What every command is given: the settings, the output, and a client made from both.

use orch_api::client::Client;

use super::Connect;
use crate::config::{ClientSettings, Reader, Settings};
use crate::failure::Failure;
use crate::output::Output;

/// The surroundings of a command.
pub struct Context<'a> {
    pub settings: Settings,
    pub output: &'a mut Output,
}

impl Context<'_> {
    /// A client of the server that flags and settings name.
    pub fn client(&self, connect: &Connect) -> Result<Client, Failure> {
        let mut reader = Reader::new(&self.settings);
        let settings = ClientSettings::read(&mut reader, connect.url.as_deref());
        reader.finish()?;
        Ok(Client::new(&settings.url, settings.token.as_deref())?)
    }
}
