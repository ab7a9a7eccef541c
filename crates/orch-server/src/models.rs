//! The models that roles ask: from the settings to a provider that has patience, is recorded, or replays.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use orch_model::{
    Endpoint, EndpointError, FileJournal, HttpModels, Now, Patience, Patient, PriceError, Prices,
    Protocol, Provider, Recorder, Recording, RecordingError, Redact, Replay, Usage, redacted,
};
use orch_redact::Redactor;
use serde::Serialize;
use serde::de::DeserializeOwned;

const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";
const DEFAULT_MODEL: &str = "gpt-4o-mini";
/// Larger files are no recordings and no tables of prices.
const LARGEST_FILE: u64 = 256 << 20;

/// What is set about models.
#[derive(Clone, Default)]
pub struct ModelSettings {
    /// `OPENAI_API_KEY`.
    pub key: Option<String>,
    /// `ORCH_OPENAI_BASE_URL`.
    pub base_url: Option<String>,
    /// `ORCH_OPENAI_MODEL`.
    pub model: Option<String>,
    /// `ORCH_MODEL_PRICES`: a file of prices.
    pub prices: Option<PathBuf>,
    /// `ORCH_MODEL_RECORD`: a file that every call is added to.
    pub record: Option<PathBuf>,
    /// `ORCH_MODEL_REPLAY`: a recording that answers in place of a model.
    pub replay: Option<PathBuf>,
}

/// Without its key.
impl fmt::Debug for ModelSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelSettings")
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// Why models cannot be asked as set.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    #[error(
        "the model of ORCH_OPENAI_BASE_URL, ORCH_OPENAI_MODEL and OPENAI_API_KEY cannot be asked"
    )]
    Endpoint(#[from] EndpointError),
    #[error("failed to read {} ({setting})", path.display())]
    File {
        setting: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the prices of ORCH_MODEL_PRICES cannot be used")]
    Prices(#[from] PriceError),
    #[error("the recording of ORCH_MODEL_REPLAY cannot be used")]
    Recording(#[from] RecordingError),
}

/// The models, by their names.
pub struct Models {
    source: Source,
    prices: Arc<Prices>,
    redact: Redact,
}

enum Source {
    /// Nothing is set.
    Nobody,
    Replay(Arc<dyn Provider>),
    Http(Box<Http>),
}

/// Models at one address.
struct Http {
    models: HttpModels,
    base_url: String,
    key: Option<String>,
    usual: String,
    journal: Option<FileJournal>,
    redact: Redact,
    seed: u64,
    known: Mutex<HashMap<String, Arc<dyn Provider>>>,
}

impl Models {
    /// Reads what files there are. `seed` makes waits unlike those of other servers; nothing is asked yet.
    ///
    /// # Errors
    /// When an address, a key or a file cannot be used.
    pub fn new(settings: &ModelSettings, now: Now, seed: u64) -> Result<Self, ModelsError> {
        let prices = match &settings.prices {
            Some(path) => Prices::parse(&read("ORCH_MODEL_PRICES", path)?)?,
            None => Prices::default(),
        };
        let prices = Arc::new(prices);
        let redact = redact(settings.key.as_deref());
        let source = match settings {
            ModelSettings {
                replay: Some(path), ..
            } => {
                let recording = Recording::parse(&read("ORCH_MODEL_REPLAY", path)?)?;
                Source::Replay(Arc::new(Replay::new(recording, Arc::clone(&redact))))
            }
            ModelSettings {
                key: None,
                base_url: None,
                ..
            } => Source::Nobody,
            _ => {
                let journal = settings.record.as_ref().map(|path| {
                    FileJournal::open(path).map_err(|source| ModelsError::File {
                        setting: "ORCH_MODEL_RECORD",
                        path: path.clone(),
                        source,
                    })
                });
                let usual = settings.model.as_deref().unwrap_or(DEFAULT_MODEL);
                let http = Http {
                    models: HttpModels::new(now),
                    base_url: settings
                        .base_url
                        .as_deref()
                        .unwrap_or(DEFAULT_BASE_URL)
                        .to_owned(),
                    key: settings.key.clone(),
                    usual: usual.to_owned(),
                    journal: journal.transpose()?,
                    redact: Arc::clone(&redact),
                    seed,
                    known: Mutex::default(),
                };
                http.at(usual, &prices)?;
                Source::Http(Box::new(http))
            }
        };
        Ok(Self {
            source,
            prices,
            redact,
        })
    }

    /// The model of a name, or the usual one; none where none is set.
    pub fn of(&self, name: Option<&str>) -> Option<Arc<dyn Provider>> {
        match &self.source {
            Source::Nobody => None,
            Source::Replay(replay) => Some(Arc::clone(replay)),
            Source::Http(http) => {
                let name = name.unwrap_or(&http.usual);
                // The address and the key were fit for the usual one.
                http.at(name, &self.prices).ok()
            }
        }
    }

    /// A text without the keys of models.
    pub fn redact(&self, text: &str) -> String {
        (self.redact)(text)
    }

    /// As JSON, without the keys of models.
    pub fn redacted<T: Serialize + DeserializeOwned>(&self, value: &T) -> String {
        let value = redacted(value, &self.redact);
        serde_json::to_string(&value).expect("invariant: what is kept is JSON")
    }

    /// Millionths of a dollar; none where the model has no price.
    pub fn cost(&self, model: &str, usage: Usage) -> Option<i64> {
        let price = self.prices.of(model).ok()?;
        i64::try_from(price.of(usage).micros()).ok()
    }
}

impl Http {
    fn at(&self, name: &str, prices: &Arc<Prices>) -> Result<Arc<dyn Provider>, EndpointError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = known.get(name) {
            return Ok(Arc::clone(model));
        }
        let endpoint = Endpoint::new(
            Protocol::ResponsesElseChat,
            &self.base_url,
            name,
            self.key.clone(),
        )?;
        let asked = Arc::new(self.models.at(endpoint)?);
        let mut model: Arc<dyn Provider> =
            Arc::new(Patient::new(asked, Patience::default(), self.seed));
        if let Some(journal) = &self.journal {
            let journal = Arc::new(journal.clone());
            let redact = Arc::clone(&self.redact);
            model = Arc::new(Recorder::new(model, journal, Arc::clone(prices), redact));
        }
        known.insert(name.to_owned(), Arc::clone(&model));
        Ok(model)
    }
}

/// Hides the key, wherever it may have been put.
fn redact(key: Option<&str>) -> Redact {
    let redactor = Redactor::new(key);
    Arc::new(move |text: &str| redactor.redact(text).into_owned())
}

fn read(setting: &'static str, path: &std::path::Path) -> Result<String, ModelsError> {
    let failed = |source| ModelsError::File {
        setting,
        path: path.to_owned(),
        source,
    };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > LARGEST_FILE {
        let why = format!("it has {size} bytes, at most {LARGEST_FILE} are read");
        return Err(failed(std::io::Error::other(why)));
    }
    std::fs::read_to_string(path).map_err(failed)
}
