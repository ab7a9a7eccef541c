//! What is sealed of a secret: its value with the place that it belongs to, so that a ciphertext
//! which is moved to another row does not open there.

const DOMAIN: &[u8] = b"orch/secret/v1";

/// Where a value belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub project: i64,
    /// `None` is the project's own.
    pub environment: Option<&'a str>,
    pub name: &'a str,
    pub version: u32,
}

impl<'a> Place<'a> {
    pub fn of(secret: &'a orch_core::secret::Secret) -> Self {
        Self {
            project: secret.project_id.get(),
            environment: secret.scope.environment(),
            name: secret.name.as_str(),
            version: secret.version,
        }
    }

    /// Every field length-prefixed: no two places share a beginning.
    fn header(&self) -> Vec<u8> {
        let mut header = Vec::new();
        let mut field = |bytes: &[u8]| {
            header.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            header.extend_from_slice(bytes);
        };
        field(DOMAIN);
        field(&self.project.to_be_bytes());
        match self.environment {
            Some(name) => {
                field(b"environment");
                field(name.as_bytes());
            }
            None => field(b"project"),
        }
        field(self.name.as_bytes());
        field(&self.version.to_be_bytes());
        header
    }
}

pub(super) fn wrap(place: &Place<'_>, value: &[u8]) -> Vec<u8> {
    let mut bytes = place.header();
    bytes.extend_from_slice(value);
    bytes
}

pub(super) fn unwrap(place: &Place<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    bytes
        .strip_prefix(place.header().as_slice())
        .map(<[u8]>::to_vec)
}
