//! A container that holds a run's sandbox; dropped, it goes.

use super::client::Client;

/// A container that was started.
#[derive(Debug)]
pub(in crate::sandbox) struct Contained {
    pub(super) client: Client,
    pub(super) id: String,
    /// The folder of the socket at which the first program came to us.
    pub(super) _hand: HandFolder,
}

/// A folder of ours that goes with its owner.
#[derive(Debug)]
pub(super) struct HandFolder(pub(super) std::path::PathBuf);

impl Drop for HandFolder {
    fn drop(&mut self) {
        // It is emptied at the next start as well.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Contained {
    /// What the first program wrote before it ended.
    pub(in crate::sandbox) async fn said(&self) -> String {
        self.client.said(&self.id).await
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        // The first program ends with our socket, and with it the container, which the engine then
        // removes: this is for one that does not.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (client, id) = (self.client.clone(), std::mem::take(&mut self.id));
        runtime.spawn(async move {
            if let Err(why) = client.remove(&id).await {
                tracing::debug!(
                    container.id = id,
                    why,
                    "a container was gone, or stays for the next start"
                );
            }
        });
    }
}
