//! Signs the audit chain's head when it has grown, at most once a second, and at shutdown.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::audit_file::HeadSigner;

pub async fn run(app: App, mut signer: HeadSigner, shutdown: CancellationToken) {
    let mut ending = false;
    let mut signed_head = None;
    while !ending {
        tokio::select! {
            () = shutdown.cancelled() => ending = true,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        let head = app.store().audit_head();
        if signed_head == Some(head.seq) {
            continue;
        }
        let at = app.store().now().to_string();
        let signed = tokio::task::spawn_blocking(move || {
            let result = signer.sign(head, at);
            (signer, result)
        })
        .await;
        match signed {
            Ok((kept, result)) => {
                signer = kept;
                if result.is_ok() {
                    signed_head = Some(head.seq);
                }
                if let Err(error) = result {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "signing the audit head failed"
                    );
                }
            }
            Err(_) => return,
        }
    }
}
