//! Who answers `/api/orchestrate`: the model, the roles, and how many requests are worked on at once.

use std::path::PathBuf;
use std::time::Duration;

use orch_server::{ModelSettings, TeamSettings};

use super::{Reader, Setting, parse};

const MOST_REQUESTS: Setting = Setting::new("MAX_CONCURRENT_REQUESTS").default("10");
const TIMEOUT: Setting = Setting::new("ORCH_ORCHESTRATE_TIMEOUT").default("600");
const ROLES: Setting = Setting::new("ORCH_ROLES");
pub(super) const KEY: Setting = Setting::new("OPENAI_API_KEY").secret();
pub(super) const BASE_URL: Setting = Setting::new("ORCH_OPENAI_BASE_URL");
pub(super) const MODEL: Setting = Setting::new("ORCH_OPENAI_MODEL");
const PRICES: Setting = Setting::new("ORCH_MODEL_PRICES");
const RECORD: Setting = Setting::new("ORCH_MODEL_RECORD");
const MCP_SERVERS: Setting = Setting::new("ORCH_MCP_SERVERS");
const REPLAY: Setting = Setting::new("ORCH_MODEL_REPLAY");

/// Longest time for a request.
const MOST_SECONDS: u32 = 86_400;

/// Reads them.
pub(super) fn team(reader: &mut Reader<'_>) -> TeamSettings {
    let most = reader.value(&MOST_REQUESTS, None, parse::whole(1, 100_000));
    let timeout = reader.value(&TIMEOUT, None, parse::whole(1, MOST_SECONDS));
    let file = |reader: &mut Reader<'_>, setting: &Setting| {
        reader.optional(setting, None, |text| parse::text(text).map(PathBuf::from))
    };
    let roles = file(reader, &ROLES);
    let prices = file(reader, &PRICES);
    let record = file(reader, &RECORD);
    let replay = file(reader, &REPLAY);
    let mcp = file(reader, &MCP_SERVERS);
    if record.is_some() && replay.is_some() {
        reader.refuse(
            &REPLAY,
            "ORCH_MODEL_RECORD and ORCH_MODEL_REPLAY are both set; keep the one that is meant",
        );
    }
    TeamSettings {
        most_requests: most as usize,
        timeout: Duration::from_secs(timeout.into()),
        roles,
        models: ModelSettings {
            key: reader.optional(&KEY, None, parse::text),
            base_url: reader.optional(&BASE_URL, None, parse::text),
            model: reader.optional(&MODEL, None, parse::text),
            prices,
            record,
            replay,
        },
        mcp,
    }
}
