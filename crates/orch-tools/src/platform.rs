//! The platform that tools are for.

use std::{fmt, str::FromStr};

use orch_core::recipe::PLATFORMS;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An operating system and an architecture, such as `linux/amd64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Linux on 64-bit x86.
    LinuxAmd64,
    /// Linux on 64-bit ARM.
    LinuxArm64,
}

impl Platform {
    /// The one that this program runs on, where tools can be had for it.
    #[must_use]
    pub fn here() -> Option<Self> {
        match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => Some(Self::LinuxAmd64),
            ("linux", "aarch64") => Some(Self::LinuxArm64),
            _ => None,
        }
    }

    /// As it stands in an entry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => PLATFORMS[0],
            Self::LinuxArm64 => PLATFORMS[1],
        }
    }

    /// Its architecture as Debian and as wheels call it.
    #[must_use]
    pub(crate) const fn architectures(self) -> [&'static str; 2] {
        match self {
            Self::LinuxAmd64 => ["amd64", "x86_64"],
            Self::LinuxArm64 => ["arm64", "aarch64"],
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [Self::LinuxAmd64, Self::LinuxArm64];
        let found = known.into_iter().find(|platform| platform.name() == text);
        found.ok_or_else(|| {
            format!(
                "`{text}` is no platform; expected one of {}",
                PLATFORMS.join(", ")
            )
        })
    }
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
