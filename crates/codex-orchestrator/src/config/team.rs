//! Who answers `/api/orchestrate`: the model, the roles, and how many requests are worked on at once.

use std::path::PathBuf;
use std::time::Duration;

use orch_server::{ModelSettings, RoleMemory, TeamSettings};

use super::{Reader, Setting, parse};

const MOST_REQUESTS: Setting = Setting::new("MAX_CONCURRENT_REQUESTS").default("10");
const TIMEOUT: Setting = Setting::new("ORCH_ORCHESTRATE_TIMEOUT").default("600");
const ROLES: Setting = Setting::new("ORCH_ROLES");
const MEMORY_ENTRIES: Setting = Setting::new("ORCH_ROLE_MEMORY_ENTRIES").default("50");
const MEMORY_DAYS: Setting = Setting::new("ORCH_ROLE_MEMORY_DAYS").default("180");
const KEEP_DAYS: Setting = Setting::new("ORCH_ORCHESTRATE_KEEP_DAYS");
pub(super) const KEY: Setting = Setting::new("OPENAI_API_KEY").secret();
pub(super) const BASE_URL: Setting = Setting::new("ORCH_OPENAI_BASE_URL");
pub(super) const MODEL: Setting = Setting::new("ORCH_OPENAI_MODEL");
const ANTHROPIC_KEY: Setting = Setting::new("ANTHROPIC_API_KEY").secret();
const ANTHROPIC_BASE_URL: Setting = Setting::new("ORCH_ANTHROPIC_BASE_URL");
const ANTHROPIC_MODEL: Setting = Setting::new("ORCH_ANTHROPIC_MODEL");
const MODELS: Setting = Setting::new("ORCH_MODELS");
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
    let memory = RoleMemory {
        entries: reader.value(&MEMORY_ENTRIES, None, parse::whole(0, 1_000)),
        days: reader.value(&MEMORY_DAYS, None, parse::whole(1, 36_500)),
    };
    let keep = reader.optional(&KEEP_DAYS, None, parse::whole(1, 36_500));
    let models = file(reader, &MODELS);
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
        memory,
        keep: keep.map(|days| Duration::from_secs(u64::from(days) * 86_400)),
        models: ModelSettings {
            key: reader.optional(&KEY, None, parse::text),
            base_url: reader.optional(&BASE_URL, None, parse::text),
            model: reader.optional(&MODEL, None, parse::text),
            anthropic_key: reader.optional(&ANTHROPIC_KEY, None, parse::text),
            anthropic_base_url: reader.optional(&ANTHROPIC_BASE_URL, None, parse::text),
            anthropic_model: reader.optional(&ANTHROPIC_MODEL, None, parse::text),
            file: models,
            prices,
            record,
            replay,
            variables: reader.variables(),
        },
        mcp,
    }
}
