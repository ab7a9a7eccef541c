//! Reading a piece of an artifact off the stream.

use orch_api::proto::ArtifactUpload;
use orch_core::ids::RunId;

use crate::app::upload::{self, End, Piece};
use crate::app::{App, AppError};

/// Takes one piece, or the note that a file was not kept.
pub(super) async fn take(app: &App, actor: &str, piece: ArtifactUpload) -> Result<(), AppError> {
    let run = RunId(piece.run_id);
    if let Some(omitted) = piece.omitted {
        let step = (omitted.step > 0).then_some(omitted.step);
        let epoch = piece.epoch;
        return upload::omit(app, actor, run, epoch, &omitted.path, &omitted.reason, step).await;
    }
    let optional = |text: String| (!text.is_empty()).then_some(text);
    let end = piece.end.map(|end| End {
        name: end.name,
        media_type: optional(end.media_type),
        kind: optional(end.artifact_kind),
        sha256: end.sha256,
        size_bytes: end.size_bytes,
        step: (end.step > 0).then_some(end.step),
    });
    let piece = Piece {
        epoch: piece.epoch,
        upload: piece.upload,
        offset: piece.offset,
        bytes: piece.data,
        end,
    };
    upload::take(app, actor, run, piece).await
}
