//! What every command is given: the settings, the output, and a client made from both.

use orch_api::client::Client;

use super::Connect;
use crate::config::{ClientSettings, Reader, Settings};
use crate::failure::Failure;
use crate::output::Output;

/// The surroundings of a command.
pub struct Context<'a> {
    pub settings: Settings,
    /// The address that stands before the command.
    pub url: Option<String>,
    pub output: &'a mut Output,
}

impl Context<'_> {
    /// The address behind the command, else the one before it.
    pub fn url<'u>(&'u self, behind: Option<&'u str>) -> Option<&'u str> {
        behind.or(self.url.as_deref())
    }

    /// A client of the server that flags and settings name.
    pub fn client(&self, connect: &Connect) -> Result<Client, Failure> {
        let mut reader = Reader::new(&self.settings);
        let settings = ClientSettings::read(&mut reader, self.url(connect.url.as_deref()));
        reader.finish()?;
        Ok(Client::new(&settings.url, settings.token.as_deref())?)
    }
}
