//! All models that are set, and what a role asks: from the settings to providers that have patience, a purse, a
//! recording, or replay one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use orch_model::role::Role;
use orch_model::{
    Ask, Budgeted, Chain, FileJournal, HttpModels, Line, Now, OnLimit, Patience, Patient, Price,
    Prices, Protocol, Provider, Purse, Recorder, Recording, Redact, Replay, Roster,
};
use orch_redact::Redactor;
use tokio::time::Instant;

use super::known::{self, Known, Origin, Unfit};
use super::settings::{ModelSettings, ModelsError, read};
use super::trail::{Noted, Trail};
use super::veil::Veil;

const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";
const OPENAI_MODEL: &str = "gpt-4o-mini";
const ANTHROPIC_BASE_URL: &str = "https://api.anthropic.com/v1";
const ANTHROPIC_MODEL: &str = "claude-sonnet-4-5";

/// The models, and who asks which.
pub struct Models {
    /// In order: those of the file, then of the simple settings.
    known: Vec<Known>,
    usual: Option<Line>,
    roles: BTreeMap<String, Line>,
    /// Where names that roles bring are asked.
    elsewhere: Option<Elsewhere>,
    replay: Option<Replays>,
    journal: Option<FileJournal>,
    prices: Prices,
    /// What every call hides.
    keys: Vec<String>,
    veil: Veil,
    seed: AtomicU64,
}

/// An address at which every name is asked.
struct Elsewhere {
    http: HttpModels,
    base_url: String,
    key: Option<String>,
    named: Mutex<BTreeMap<String, Known>>,
}

/// A recording in place of models.
struct Replays {
    recording: Recording,
    redact: Redact,
    /// Without a file each request is answered, whoever it was for; with one each model has its own.
    by_model: bool,
    made: Mutex<BTreeMap<String, Arc<dyn Provider>>>,
}

impl Replays {
    fn of(&self, name: &str) -> Arc<dyn Provider> {
        let key = if self.by_model { name } else { "" };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let replay = made.entry(key.to_owned()).or_insert_with(|| {
            let recording = match self.by_model {
                true => self.recording.only(name),
                false => self.recording.clone(),
            };
            Arc::new(Replay::new(recording, Arc::clone(&self.redact)))
        });
        Arc::clone(replay)
    }
}

/// How one call is made.
pub struct Means<'a> {
    pub prices: &'a Arc<Prices>,
    pub purse: &'a Arc<dyn Purse>,
    /// Whether a cap must hold: then a model without a price is not asked.
    pub capped: bool,
    pub trail: &'a Trail,
    /// What recordings hide.
    pub veil: &'a Veil,
    /// Nobody waits for an answer longer.
    pub deadline: Instant,
}

impl Models {
    /// Reads what files there are. `hidden` are values that no answer is to show, beside the models' keys. `seed` makes waits unlike those of other servers; nothing is asked yet.
    ///
    /// # Errors
    /// When an address, a key or a file cannot be used.
    pub fn new(
        settings: &ModelSettings,
        roles: &[&str],
        hidden: &[String],
        now: Now,
        seed: u64,
    ) -> Result<Self, ModelsError> {
        let prices = match &settings.prices {
            Some(path) => Prices::parse(&read("ORCH_MODEL_PRICES", path)?)?,
            None => Prices::default(),
        };
        let http = HttpModels::new(now);
        let mut simple = Vec::new();
        let uses_openai = settings.key.is_some() || settings.base_url.is_some();
        let base_url = settings.base_url.as_deref().unwrap_or(OPENAI_BASE_URL);
        if uses_openai {
            let name = settings.model.as_deref().unwrap_or(OPENAI_MODEL);
            let place = (base_url, settings.key.as_deref(), "OPENAI_API_KEY");
            let (origin, protocol) = (Origin::OpenAi, Protocol::ResponsesElseChat);
            simple.push(
                known::at(&http, origin, protocol, place, name).map_err(ModelsError::OpenAi)?,
            );
        }
        if settings.anthropic_key.is_some() || settings.anthropic_base_url.is_some() {
            let name = settings
                .anthropic_model
                .as_deref()
                .unwrap_or(ANTHROPIC_MODEL);
            let base = settings
                .anthropic_base_url
                .as_deref()
                .unwrap_or(ANTHROPIC_BASE_URL);
            let place = (base, settings.anthropic_key.as_deref(), "ANTHROPIC_API_KEY");
            let (origin, protocol) = (Origin::Anthropic, Protocol::Messages);
            if simple.iter().any(|known| known.name == name) {
                return Err(ModelsError::Twice(name.to_owned()));
            }
            simple.push(
                known::at(&http, origin, protocol, place, name).map_err(ModelsError::Anthropic)?,
            );
        }
        let roster = match &settings.file {
            None => Roster::default(),
            Some(path) => {
                let names: Vec<&str> = simple.iter().map(|known| known.name.as_str()).collect();
                let text = read("ORCH_MODELS", path)?;
                Roster::parse(&text, &names, roles).map_err(|source| ModelsError::Roster {
                    path: path.clone(),
                    source,
                })?
            }
        };
        let mut keys: Vec<String> = [&settings.key, &settings.anthropic_key]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let mut known = Vec::with_capacity(roster.models.len() + simple.len());
        for listed in &roster.models {
            let path = || settings.file.clone().unwrap_or_default();
            let name = || listed.name.clone();
            let fit = match (known::listed(listed, &http, settings), &settings.replay) {
                (Ok(fit), _) => fit,
                // What is replayed needs no key.
                (Err(Unfit::NoKey(_)), Some(_)) => {
                    known::without_key(listed, &http).map_err(|source| ModelsError::Listed {
                        name: name(),
                        path: path(),
                        source,
                    })?
                }
                (Err(Unfit::NoKey(variable)), None) => {
                    return Err(ModelsError::NoKey {
                        name: name(),
                        path: path(),
                        variable,
                    });
                }
                (Err(Unfit::Endpoint(source)), _) => {
                    return Err(ModelsError::Listed {
                        name: name(),
                        path: path(),
                        source,
                    });
                }
            };
            let key = fit
                .key_env
                .as_ref()
                .and_then(|name| settings.variables.get(name));
            keys.extend(key.cloned());
            known.push(fit);
        }
        keys.extend_from_slice(hidden);
        let veil = Veil::of(Redactor::new(&keys));
        let usual = roster
            .usual
            .or_else(|| simple.first().map(|known| Line::of(&known.name)));
        known.extend(simple);
        let journal = settings.record.as_ref().map(|path| {
            FileJournal::open(path).map_err(|source| ModelsError::File {
                setting: "ORCH_MODEL_RECORD",
                path: path.clone(),
                source,
            })
        });
        let replay = match &settings.replay {
            None => None,
            Some(path) => Some(Replays {
                recording: Recording::parse(&read("ORCH_MODEL_REPLAY", path)?)?,
                redact: Arc::clone(veil.redact()),
                by_model: settings.file.is_some(),
                made: Mutex::default(),
            }),
        };
        Ok(Self {
            known,
            usual,
            roles: roster.roles,
            elsewhere: uses_openai.then(|| Elsewhere {
                http,
                base_url: base_url.to_owned(),
                key: settings.key.clone(),
                named: Mutex::default(),
            }),
            replay,
            journal: journal.transpose()?,
            prices,
            keys,
            veil,
            seed: AtomicU64::new(seed),
        })
    }

    /// The models that are set, in order.
    #[must_use]
    pub fn known(&self) -> &[Known] {
        &self.known
    }

    /// What a role asks: its line of the file, its own model, the file's default, what is simply set. None
    /// where nothing is set, and where its own model is one that nobody knows.
    #[must_use]
    pub fn line(&self, role: &Role) -> Option<Line> {
        if let Some(line) = self.roles.get(&role.name) {
            return Some(line.clone());
        }
        match &role.model {
            Some(name) if self.find(name).is_some() => Some(Line {
                chain: vec![name.clone()],
                ..self.usual.clone().unwrap_or_else(|| Line::of(name))
            }),
            Some(_) => None,
            None => self.usual(),
        }
    }

    /// What roles ask that have no model of their own.
    #[must_use]
    pub fn usual(&self) -> Option<Line> {
        let replayed = || {
            let replay = self.replay.as_ref()?;
            let first = replay.recording.0.first();
            Some(Line::of(first.map_or("replay", |exchange| &exchange.model)))
        };
        self.usual.clone().or_else(replayed)
    }

    /// A model by its name; where it is not set but an address is, the one of that name there.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Known> {
        if let Some(known) = self.known.iter().find(|known| known.name == name) {
            return Some(known.clone());
        }
        if let Some(elsewhere) = &self.elsewhere {
            return elsewhere.at(name);
        }
        let replay = self.replay.as_ref().filter(|replay| !replay.by_model)?;
        Some(Known {
            name: name.to_owned(),
            model: name.to_owned(),
            protocol: "recording",
            place: String::new(),
            key_env: None,
            origin: Origin::Recording,
            price: None,
            fault: None,
            patience: Patience::none(),
            asked: replay.of(name),
        })
    }

    /// A line as it is asked for one call. None where none of its models is known.
    #[must_use]
    pub fn provider(&self, line: &Line, means: &Means<'_>) -> Option<Arc<dyn Provider>> {
        let known = line.chain.iter().filter_map(|name| self.find(name));
        let mut members = known.map(|known| self.member(&known, means));
        let first = members.next()?;
        let others: Vec<Arc<dyn Provider>> = members.collect();
        // One model alone gives its limit back in any case.
        Some(match (others.as_slice(), line.on_limit) {
            ([], OnLimit::Park | OnLimit::Next) => first,
            ([..], on_limit) => Arc::new(Chain::new(first, others, on_limit)),
        })
    }

    fn member(&self, known: &Known, means: &Means<'_>) -> Arc<dyn Provider> {
        let mut model = match &self.replay {
            Some(replay) => replay.of(&known.name),
            None => Arc::clone(&known.asked),
        };
        if means.capped || means.prices.of(model.model()).is_ok() {
            model = Arc::new(Budgeted::new(
                model,
                Arc::clone(means.prices),
                Arc::clone(means.purse),
            ));
        }
        if self.replay.is_none() {
            let seed = self.seed.fetch_add(1, Ordering::Relaxed);
            let patient = Patient::new(model, known.patience, seed);
            model = Arc::new(patient.until(means.deadline));
        }
        if let Some(journal) = &self.journal {
            let journal = Arc::new(journal.clone());
            let (prices, redact) = (Arc::clone(means.prices), Arc::clone(means.veil.redact()));
            model = Arc::new(Recorder::new(model, journal, prices, redact));
        }
        let trail = means.trail.clone();
        Arc::new(Noted { model, trail })
    }

    /// What is asked, as the line has it sampled and bounded.
    #[must_use]
    pub fn ask(&self, line: &Line, ask: Ask) -> Ask {
        Ask {
            sampling: line.sampling.unwrap_or(ask.sampling),
            max_output_tokens: ask.max_output_tokens.or(line.max_output_tokens),
            ..ask
        }
    }

    /// The entries of the files, and over them those that people `set`.
    #[must_use]
    pub fn entries(&self, set: impl IntoIterator<Item = (String, Price)>) -> Prices {
        let mut prices = self.prices.clone();
        for known in &self.known {
            if let Some(price) = known.price {
                prices = prices.with(&known.name, price);
            }
        }
        for (model, price) in set {
            prices = prices.with(model, price);
        }
        prices
    }

    /// The prices that hold: those entries, and a model under a name of its own that has no price has that of its
    /// provider's name.
    #[must_use]
    pub fn prices(&self, set: impl IntoIterator<Item = (String, Price)>) -> Prices {
        self.filled(self.entries(set))
    }

    /// The prices that hold by these entries.
    #[must_use]
    pub fn filled(&self, entries: Prices) -> Prices {
        let mut prices = entries;
        for known in &self.known {
            if prices.of(&known.name).is_err()
                && let Ok(price) = prices.of(&known.model)
            {
                prices = prices.with(&known.name, price);
            }
        }
        prices
    }

    /// Hides the keys of models and tools, and `values`.
    #[must_use]
    pub fn veil(&self, values: &[Vec<u8>]) -> Veil {
        if values.is_empty() {
            return self.veil.clone();
        }
        let keys = self.keys.iter().map(String::as_bytes);
        let all = keys.chain(values.iter().map(Vec::as_slice));
        Veil::of(Redactor::new(all))
    }
}

impl Elsewhere {
    fn at(&self, name: &str) -> Option<Known> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = named.get(name) {
            return Some(known.clone());
        }
        let place = (
            self.base_url.as_str(),
            self.key.as_deref(),
            "OPENAI_API_KEY",
        );
        let (origin, protocol) = (Origin::Role, Protocol::ResponsesElseChat);
        // The address and the key were fit for the usual one.
        let known = known::at(&self.http, origin, protocol, place, name).ok()?;
        named.insert(name.to_owned(), known.clone());
        Some(known)
    }
}

#[cfg(test)]
#[path = "all_tests.rs"]
mod tests;
