//! `/api/orchestrate`, `/api/sessions`, `/api/agents`: requests to several roles in turn.

mod agents;
mod history;
mod stream;
mod submit;

use crate::app::App;
use crate::edge::Area;

pub fn area() -> Area<App> {
    submit::area().merge(history::area()).merge(agents::area())
}
