//! Reads settings one by one, remembering each value's origin and every fault, so that all faults
//! are reported at once and `doctor` can show what holds.

use std::collections::BTreeMap;

use super::{Settings, Source};
use crate::failure::Failure;

/// Whether a value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    Open,
    Secret,
}

/// What a setting is called, and what holds where nobody sets it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub variable: &'static str,
    pub flag: Option<&'static str>,
    pub default: Option<&'static str>,
    pub visibility: Visibility,
}

impl Setting {
    /// An open setting without a flag or a default.
    pub const fn new(variable: &'static str) -> Self {
        Self {
            variable,
            flag: None,
            default: None,
            visibility: Visibility::Open,
        }
    }

    pub const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    pub const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }

    pub const fn secret(mut self) -> Self {
        self.visibility = Visibility::Secret;
        self
    }
}

/// A setting that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub variable: &'static str,
    /// As it may be shown; `None` where it is not set.
    pub shown: Option<String>,
    pub source: Source,
    pub fault: Option<String>,
}

/// Reads settings.
#[derive(Debug)]
pub struct Reader<'a> {
    settings: &'a Settings,
    taken: Vec<Taken>,
}

impl<'a> Reader<'a> {
    pub const fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            taken: Vec::new(),
        }
    }

    /// A value that may be absent. What a flag says is never passed over.
    pub fn optional<T>(
        &mut self,
        setting: &Setting,
        flag: Option<&str>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let given = match flag {
            Some(value) => {
                let name = setting.flag.unwrap_or(setting.variable);
                Some((value.to_owned(), Source::Flag(name)))
            }
            None => self
                .settings
                .get(setting.variable)
                .map(|(value, source)| (value.to_owned(), source)),
        };
        let (text, source) = match (given, setting.default) {
            (Some((text, source)), _) => (text, source),
            (None, Some(default)) => (default.to_owned(), Source::Default),
            (None, None) => {
                self.note(setting, None, Source::Default, None);
                return None;
            }
        };
        match parse(text.trim()) {
            Ok(value) => {
                self.note(setting, Some(&text), source, None);
                Some(value)
            }
            Err(expected) => {
                let place = match source {
                    Source::Flag(name) => format!("--{name}"),
                    Source::Environment | Source::Default => setting.variable.to_owned(),
                    Source::File(file) => format!("{} (in {file})", setting.variable),
                };
                let fault = match setting.visibility {
                    Visibility::Open => format!("{place} is `{}`: {expected}", shorten(&text)),
                    Visibility::Secret => format!("{place} cannot be used: {expected}"),
                };
                self.note(setting, Some(&text), source, Some(fault));
                None
            }
        }
    }

    /// A value that always holds, if only by its default.
    pub fn value<T>(
        &mut self,
        setting: &Setting,
        flag: Option<&str>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        self.optional(setting, flag, &parse).unwrap_or_else(|| {
            let default = setting.default.unwrap_or_default();
            parse(default)
                .unwrap_or_else(|_| panic!("invariant: the default of {} fits", setting.variable))
        })
    }

    /// The plain variable, unrecorded: for those that other programs own.
    pub fn plain(&self, name: &str) -> Option<&'a str> {
        self.settings.get(name).map(|(value, _)| value)
    }

    /// All variables: the environment, and below it the files.
    pub fn variables(&self) -> BTreeMap<String, String> {
        self.settings.merged()
    }

    /// Notes what is wrong with settings that fit one by one.
    pub fn refuse(&mut self, setting: &Setting, fault: impl Into<String>) {
        let fault = Some(fault.into());
        match self
            .taken
            .iter_mut()
            .find(|taken| taken.variable == setting.variable)
        {
            Some(taken) => taken.fault = fault,
            None => self.note(setting, None, Source::Default, fault),
        }
    }

    /// Replaces what is shown of a setting whose default is computed.
    pub fn show(&mut self, setting: &Setting, text: &str) {
        if let Some(taken) = self
            .taken
            .iter_mut()
            .find(|taken| taken.variable == setting.variable)
        {
            taken.shown = Some(text.to_owned());
        }
    }

    /// Everything that was read, in order.
    pub fn taken(&self) -> &[Taken] {
        &self.taken
    }

    /// Ends the reading: with all faults, where there are any.
    pub fn finish(self) -> Result<(), Failure> {
        let mut faults: Vec<String> = self
            .taken
            .into_iter()
            .filter_map(|taken| taken.fault)
            .collect();
        faults.dedup();
        match faults.as_slice() {
            [] => Ok(()),
            [one] => Err(Failure::usage(one)),
            [_, _, ..] => {
                let mut failure = Failure::usage(format!("{} settings are wrong", faults.len()));
                failure.causes = faults;
                Err(failure)
            }
        }
    }

    fn note(
        &mut self,
        setting: &Setting,
        text: Option<&str>,
        source: Source,
        fault: Option<String>,
    ) {
        let shown = text.map(|text| match setting.visibility {
            Visibility::Open => text.to_owned(),
            Visibility::Secret => "***".to_owned(),
        });
        // One variable may be read for two parts of a program; it is listed once.
        if self
            .taken
            .iter()
            .any(|taken| taken.variable == setting.variable)
        {
            return;
        }
        self.taken.push(Taken {
            variable: setting.variable,
            shown,
            source,
            fault,
        });
    }
}

fn shorten(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    const PORT: Setting = Setting::new("ORCH_PORT").flag("port").default("18080");
    const KEY: Setting = Setting::new("ORCH_SECRET_KEY").secret();

    fn settings() -> Settings {
        let environment = [("ORCH_PORT", "http"), ("ORCH_SECRET_KEY", "hunter2")];
        let environment = environment.map(|(k, v)| (k.to_owned(), v.to_owned()));
        Settings::new(environment, &[]).unwrap()
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_is_named_in_its_fault() {
        let settings = settings();
        let mut reader = Reader::new(&settings);
        assert_eq!(reader.value(&PORT, Some("9"), parse::port), 9);
        assert_eq!(
            reader.taken(),
            [Taken {
                variable: "ORCH_PORT",
                shown: Some("9".into()),
                source: Source::Flag("port"),
                fault: None
            }]
        );
        let mut reader = Reader::new(&settings);
        reader.value(&PORT, Some("99999"), parse::port);
        assert_eq!(
            reader.finish().unwrap_err().message,
            "--port is `99999`: expected a whole number from 0 to 65535 (0 picks a free port)"
        );
    }

    #[test]
    fn a_flag_holds_though_its_setting_does_not_name_it() {
        let settings = settings();
        let mut reader = Reader::new(&settings);
        let unnamed = Setting::new("ORCH_PORT");
        assert_eq!(reader.value(&unnamed, Some("9"), parse::port), 9);
    }

    #[test]
    fn all_faults_are_reported_at_once_and_secrets_never_shown() {
        let settings = settings();
        let mut reader = Reader::new(&settings);
        reader.value(&PORT, None, parse::port);
        reader.optional(&KEY, None, |_| {
            Err::<(), _>("expected a Fernet key".to_owned())
        });
        let failure = reader.finish().unwrap_err();
        assert_eq!(
            failure.causes,
            [
                "ORCH_PORT is `http`: expected a whole number from 0 to 65535 (0 picks a free port)",
                "ORCH_SECRET_KEY cannot be used: expected a Fernet key"
            ]
        );
    }
}
