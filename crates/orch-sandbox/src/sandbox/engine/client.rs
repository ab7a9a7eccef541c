//! What the engine is asked, each within a bounded time.

use std::{collections::HashMap, time::Duration};

use bollard::{
    Docker,
    models::{ContainerCreateBody, SystemInfo},
    query_parameters::{
        CreateContainerOptions, CreateImageOptions, ListContainersOptions, LogsOptions,
        RemoveContainerOptions, StartContainerOptions,
    },
};
use futures::{StreamExt, TryStreamExt};
use tokio::time::timeout;

use super::{Image, Pull, spec::LABEL};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an image may take to come.
const PATIENCE_TO_PULL: Duration = Duration::from_secs(600);

/// More is not told of what a first program wrote, or the engine answered: it may quote all that it
/// was asked for.
const MOST_BYTES_OF_LOG: usize = 2048;

/// The oldest interface that has all that is asked for; Podman 4 speaks it too.
const VERSION: &bollard::ClientVersion = &bollard::ClientVersion {
    major_version: 1,
    minor_version: 41,
};

fn short(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MOST_BYTES_OF_LOG));
    text
}

/// The engine.
#[derive(Debug, Clone)]
pub(super) struct Client(Docker);

type Answer<T> = Result<T, String>;

impl Client {
    /// Asks nothing yet.
    pub(super) fn at(socket: &str) -> Answer<Self> {
        Docker::connect_with_unix(socket, PATIENCE.as_secs(), VERSION)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    async fn within<T>(
        patience: Duration,
        asked: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Answer<T> {
        match timeout(patience, asked).await {
            Ok(answer) => answer.map_err(|error| short(error.to_string())),
            Err(_) => Err(format!("it did not answer in {} s", patience.as_secs())),
        }
    }

    pub(super) async fn info(&self) -> Answer<SystemInfo> {
        Self::within(PATIENCE, self.0.info()).await
    }

    /// Has the image there, as far as that is allowed.
    pub(super) async fn provide(&self, image: &Image, pull: Pull) -> Answer<()> {
        let found = Self::within(PATIENCE, self.0.inspect_image(image.as_str())).await;
        let Err(why) = found else { return Ok(()) };
        if pull == Pull::Never || !image.can_be_fetched() {
            return Err(format!(
                "the image {image} is not here ({why}): fetch it, or set AGENT_SANDBOX_PULL=missing for one \
                 that a registry has"
            ));
        }
        tracing::info!(%image, "fetching the sandbox's image");
        let options = CreateImageOptions {
            from_image: Some(image.to_string()),
            ..CreateImageOptions::default()
        };
        let pulled = self.0.create_image(Some(options), None, None);
        let pulled = pulled.try_for_each(|_| async { Ok(()) });
        let pulled = Self::within(PATIENCE_TO_PULL, pulled).await;
        pulled.map_err(|why| format!("the image {image} cannot be fetched: {why}"))
    }

    /// Makes a container and starts it; none is left where that fails.
    pub(super) async fn start(&self, container: ContainerCreateBody) -> Answer<String> {
        let made = self
            .0
            .create_container(None::<CreateContainerOptions>, container);
        let id = Self::within(PATIENCE, made).await?.id;
        let started = self.0.start_container(&id, None::<StartContainerOptions>);
        if let Err(why) = Self::within(PATIENCE, started).await {
            let _ = self.remove(&id).await;
            return Err(why);
        }
        Ok(id)
    }

    /// Ends and removes a container; one that is gone already is as good.
    pub(super) async fn remove(&self, id: &str) -> Answer<()> {
        let options = RemoveContainerOptions {
            force: true,
            v: true,
            ..RemoveContainerOptions::default()
        };
        Self::within(PATIENCE, self.0.remove_container(id, Some(options))).await
    }

    /// What a container wrote.
    pub(super) async fn said(&self, id: &str) -> String {
        let options = LogsOptions {
            stdout: true,
            stderr: true,
            tail: "20".to_owned(),
            ..LogsOptions::default()
        };
        let mut lines = self.0.logs(id, Some(options));
        let mut text = String::new();
        let read = async {
            while let Some(Ok(line)) = lines.next().await {
                text.push_str(&line.to_string());
            }
        };
        // What has come by then is told.
        let _ = timeout(PATIENCE, read).await;
        short(text)
    }

    /// Removes what agents that are gone have left, and tells how many containers that were.
    pub(super) async fn reap(&self, owner: &str) -> Answer<usize> {
        let options = ListContainersOptions {
            all: true,
            filters: Some(HashMap::from([(
                "label".to_owned(),
                vec![format!("{LABEL}={owner}")],
            )])),
            ..ListContainersOptions::default()
        };
        let left = Self::within(PATIENCE, self.0.list_containers(Some(options))).await?;
        let mut reaped = 0;
        for id in left.into_iter().filter_map(|container| container.id) {
            if self.remove(&id).await.is_ok() {
                reaped += 1;
            }
        }
        Ok(reaped)
    }
}
