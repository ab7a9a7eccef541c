//! The code that a plan begins with: what the newest import found, else what was attached to the vision that
//! the requirements were read from.

use orch_core::breakdown::Checks;
use orch_core::ids::{ProjectId, VisionId};
use orch_core::requirements::Content;
use orch_store::attachment;
use orch_store::requirements::Requirements;

use crate::app::attachment::read_back;
use crate::app::{App, Result, import};

/// What existing code is checked by, and what it is.
pub(super) async fn checks(
    app: &App,
    project_id: ProjectId,
    served: &Requirements,
) -> Result<Checks> {
    if let Some(survey) = import::latest(app, project_id).await? {
        return Ok(Checks::of(&survey));
    }
    let files = {
        let mut conn = app.store().read().await?;
        attachment::of_vision(&mut conn, VisionId(served.vision_id)).await?
    };
    for file in files {
        if let Content::Code(survey) = read_back(&file)? {
            return Ok(Checks::of(&survey));
        }
    }
    Ok(Checks::default())
}
