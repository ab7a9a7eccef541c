//! What is set about models, the files that it names, and what is wrong with them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use orch_model::{EndpointError, PriceError, RecordingError, RosterError};

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
    /// `ANTHROPIC_API_KEY`.
    pub anthropic_key: Option<String>,
    /// `ORCH_ANTHROPIC_BASE_URL`.
    pub anthropic_base_url: Option<String>,
    /// `ORCH_ANTHROPIC_MODEL`.
    pub anthropic_model: Option<String>,
    /// `ORCH_MODELS`: a file that names models and who asks them.
    pub file: Option<PathBuf>,
    /// `ORCH_MODEL_PRICES`: a file of prices.
    pub prices: Option<PathBuf>,
    /// `ORCH_MODEL_RECORD`: a file that every call is added to.
    pub record: Option<PathBuf>,
    /// `ORCH_MODEL_REPLAY`: a recording that answers in place of a model.
    pub replay: Option<PathBuf>,
    /// All variables: keys and what programs are given are taken from here, by the names in the file.
    pub variables: BTreeMap<String, String>,
}

/// Without keys.
impl fmt::Debug for ModelSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelSettings")
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .field("anthropic_base_url", &self.anthropic_base_url)
            .field("anthropic_model", &self.anthropic_model)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Why models cannot be asked as set.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    #[error(
        "the model of ORCH_OPENAI_BASE_URL, ORCH_OPENAI_MODEL and OPENAI_API_KEY cannot be asked"
    )]
    OpenAi(#[source] EndpointError),
    #[error(
        "the model of ORCH_ANTHROPIC_BASE_URL, ORCH_ANTHROPIC_MODEL and ANTHROPIC_API_KEY cannot be asked"
    )]
    Anthropic(#[source] EndpointError),
    #[error(
        "ORCH_OPENAI_MODEL and ORCH_ANTHROPIC_MODEL both name {0:?}; give one of them another name in a file of ORCH_MODELS"
    )]
    Twice(String),
    #[error("the model {name:?} of {} (ORCH_MODELS) cannot be asked", path.display())]
    Listed {
        name: String,
        path: PathBuf,
        #[source]
        source: EndpointError,
    },
    #[error(
        "the model {name:?} of {} (ORCH_MODELS) takes its key from {variable}, which is not set: set it, or take key_env out",
        path.display()
    )]
    NoKey {
        name: String,
        path: PathBuf,
        variable: String,
    },
    #[error("the models of {} (ORCH_MODELS) cannot be used", path.display())]
    Roster {
        path: PathBuf,
        #[source]
        source: RosterError,
    },
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

/// A file that a setting names.
pub(super) fn read(setting: &'static str, path: &Path) -> Result<String, ModelsError> {
    let failed = |source| ModelsError::File {
        setting,
        path: path.to_owned(),
        source,
    };
    let about = std::fs::metadata(path).map_err(failed)?;
    if !about.is_file() {
        return Err(failed(std::io::Error::other("it is no file")));
    }
    if about.len() > LARGEST_FILE {
        let why = format!(
            "it has {} bytes, at most {LARGEST_FILE} are read",
            about.len()
        );
        return Err(failed(std::io::Error::other(why)));
    }
    std::fs::read_to_string(path).map_err(failed)
}
