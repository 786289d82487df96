//! Settings: `config.toml` and the variables that beat it, read once and handed down as values.
//!
//! One that can't be understood is refused with line and column; `config_file.rs` writes it.

mod broken;
mod listed;
mod models;
mod sandbox;

pub use listed::{Listed, NAMED, listed};
pub use models::said;

use super::failure::Failure;
use super::paths::Paths;
use models::{CatalogSettings, LoginSettings, ModelSettings};
use pryx_brain::{BadThink, Think};
use sandbox::SandboxSettings;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The version of the file's form that this program reads.
const SCHEMA: u32 = 1;

/// The mode of sessions for which nothing says another.
pub const DEFAULT_MODE: &str = "workspace";

/// Largest settings file read. A real one has a few hundred bytes; a larger one is something else.
const MAX_FILE: u64 = 1024 * 1024;

/// `config.toml`, as it stands.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The form's version.
    #[serde(default)]
    schema: Option<u32>,
    /// The model to use, as `provider/model`.
    #[serde(default)]
    pub model: Option<String>,
    /// How hard models think before they answer.
    #[serde(default, deserialize_with = "models::think")]
    pub think: Option<Think>,
    /// The mode or policy of sessions, if not given otherwise.
    #[serde(default)]
    pub mode: Option<String>,
    /// What holds in a directory and below it, by its path.
    #[serde(default)]
    pub folders: BTreeMap<String, FolderSettings>,
    /// Models to fall back to, in order, when the wanted one fails.
    #[serde(default)]
    pub fallback: Vec<String>,
    /// Providers by name, added to the built-in ones or changing them.
    #[serde(default)]
    pub providers: BTreeMap<String, ProviderSettings>,
    /// What the user knows better than the catalog, by `provider/model`.
    #[serde(default)]
    pub models: BTreeMap<String, ModelSettings>,
    /// The catalog of models.
    #[serde(default)]
    pub catalog: CatalogSettings,
    /// The machine whose hands are used, if it is another one: `user@server`.
    #[serde(default)]
    pub host: Option<String>,
    /// The program that windows onto terminals are opened with.
    #[serde(default)]
    pub terminal: Option<TerminalProgram>,
    /// The hands.
    #[serde(default)]
    pub hands: HandsSettings,
    /// What becomes of old logs.
    #[serde(default)]
    pub logs: LogSettings,
    /// What every command of an agent may do.
    #[serde(default)]
    pub sandbox: SandboxSettings,
    /// Who sees what.
    #[serde(default)]
    pub privacy: PrivacySettings,
}

/// A program that shows a terminal in a window.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum TerminalProgram {
    /// One that is known by name.
    Known(String),
    /// Another one, with the arguments that come before the command; `{}` stands for the title.
    Own(Vec<String>),
}

/// What holds in one directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderSettings {
    /// The mode or policy of sessions that begin there.
    pub mode: String,
}

/// One provider. One of those that are known without settings needs only what is to be different.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// Its wire format.
    #[serde(default)]
    pub api: Option<Api>,
    /// The address its API is at.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The variable that holds its key; none for servers that want none.
    #[serde(default)]
    pub key_env: Option<String>,
    /// The provider of the catalog whose models and prices it has, when its address is another.
    #[serde(default)]
    pub catalog: Option<String>,
    /// How one logs in there with a browser.
    #[serde(default)]
    pub login: Option<LoginSettings>,
    /// Most requests in a minute.
    #[serde(default)]
    pub requests_per_minute: Option<NonZeroU32>,
    /// Most tokens in a minute.
    #[serde(default)]
    pub tokens_per_minute: Option<NonZeroU32>,
    /// Tokens that its models read at once.
    #[serde(default)]
    pub context: Option<NonZeroU32>,
}

/// Wire formats by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// Anthropic Messages.
    AnthropicMessages,
    /// OpenAI Chat Completions, which most other servers speak too.
    OpenaiChat,
    /// OpenAI Responses.
    OpenaiResponses,
    /// Google's Gemini API.
    Gemini,
    /// Ollama's own API.
    Ollama,
}

/// The hands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HandsSettings {
    /// The daemon ends after so many minutes without job, terminal or client.
    idle_minutes: f64,
    /// A question that nobody answers for so many minutes is a no.
    approval_minutes: f64,
}

impl Default for HandsSettings {
    fn default() -> Self {
        Self { idle_minutes: 30.0, approval_minutes: 5.0 }
    }
}

impl HandsSettings {
    /// How long the daemon stays without anything to do.
    pub fn idle_timeout(&self) -> Duration {
        minutes(self.idle_minutes)
    }

    /// How long a question waits.
    pub fn approval_timeout(&self) -> Duration {
        minutes(self.approval_minutes)
    }
}

/// Who sees what.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacySettings {
    /// Whether keys, passwords, addresses and card numbers are taken out of what a model is shown.
    pub redact_for_model: bool,
}

/// What becomes of the logs of jobs that have ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// Older ones are removed.
    max_age_days: u32,
    /// With more than so many MiB, the oldest are removed.
    max_total_mb: u32,
    /// The newest so many stay.
    keep_last: u32,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { max_age_days: 30, max_total_mb: 2048, keep_last: 20 }
    }
}

impl LogSettings {
    /// The same for the hands.
    pub fn limits(&self) -> pryx_hands::LogLimits {
        pryx_hands::LogLimits {
            max_age: Duration::from_secs(u64::from(self.max_age_days) * 24 * 60 * 60),
            max_total: u64::from(self.max_total_mb) * 1024 * 1024,
            keep_last: usize::try_from(self.keep_last).unwrap_or(usize::MAX),
        }
    }
}

/// Settings are checked when they are read, so that this can't fail.
fn minutes(minutes: f64) -> Duration {
    Duration::try_from_secs_f64(minutes * 60.0).unwrap_or(Duration::MAX)
}

impl Settings {
    /// The mode or policy for sessions that begin in a directory, where the file says one: the innermost folder counts.
    pub fn mode_in(&self, dir: &Path) -> Option<&str> {
        let place = |text: &str| std::fs::canonicalize(text).unwrap_or_else(|_| PathBuf::from(text));
        let dir = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
        let folders = self.folders.iter().map(|(path, folder)| (place(path), folder));
        let around = folders.filter(|(path, _)| dir.starts_with(path));
        let innermost = around.max_by_key(|(path, _)| path.components().count());
        innermost.map(|(_, folder)| folder.mode.as_str()).or(self.mode.as_deref())
    }

    /// Reads the file, if there is one, and what the environment says on top.
    ///
    /// # Errors
    /// When the file can't be read or understood; it stays as it is.
    pub fn load(paths: &Paths) -> Result<Self, Failure> {
        let mut settings = Self::from_file(paths)?;
        if let Some(model) = text_var("PRYX_MODEL")? {
            settings.model = Some(model);
        }
        if let Some(think) = text_var("PRYX_THINK")? {
            let wrong = |e: BadThink| Failure::usage(format!("PRYX_THINK: {e}")).hint("export PRYX_THINK=high");
            settings.think = Some(think.parse().map_err(wrong)?);
        }
        if let Some(host) = text_var("PRYX_HOST")? {
            settings.host = Some(host);
        }
        if let Some(url) = text_var("PRYX_CATALOG_URL")? {
            settings.catalog.overrule(url);
        }
        for (name, slot) in [
            ("PRYX_IDLE_MINUTES", &mut settings.hands.idle_minutes),
            ("PRYX_APPROVAL_MINUTES", &mut settings.hands.approval_minutes),
        ] {
            if let Some(text) = text_var(name)? {
                *slot = text
                    .parse()
                    .map_err(|_| Failure::usage(format!("{name} is {text:?}: that is no number of minutes")))?;
            }
        }
        settings.check(paths)?;
        Ok(settings)
    }

    fn from_file(paths: &Paths) -> Result<Self, Failure> {
        let file = paths.config_file();
        let cannot = |e: &std::io::Error| {
            Failure::because(format!("{} can't be read", file.display()), e).code(super::exit::USAGE)
        };
        match std::fs::metadata(&file) {
            // Without a directory there are no settings either; that it can't be made is told by whoever needs it.
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            Err(e) => return Err(cannot(&e)),
            Ok(meta) if !meta.is_file() || meta.len() > MAX_FILE => {
                return Err(Failure::usage(format!(
                    "{} is no settings file: not a plain file below 1 MiB",
                    file.display()
                )));
            }
            Ok(_) => {}
        }
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::parse(&file, &text),
            // In its sandbox a command of the agent reads no settings. It needs none: what it may do, the hands say.
            Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied && text_var("PRYX_JOB")?.is_some() => {
                Ok(Self::default())
            }
            Err(e) => Err(cannot(&e)),
        }
    }

    fn parse(file: &Path, text: &str) -> Result<Self, Failure> {
        toml::from_str(text).map_err(|e| {
            let (line, column) = e.span().map_or((1, 1), |span| position(text, span.start));
            Failure::usage(format!("{}:{line}:{column}: {}", file.display(), e.message().trim()))
                .hint("mend that line: pryx config edit")
        })
    }

    /// Whether the file can be understood, whatever beats it.
    ///
    /// # Errors
    /// When it can't, with line and column where that is known.
    pub fn check_file(paths: &Paths) -> Result<(), Failure> {
        Self::from_file(paths)?.check(paths)
    }

    /// Whether a text can be the settings file.
    ///
    /// # Errors
    /// When it can't, with line and column where that is known.
    pub fn try_text(paths: &Paths, text: &str) -> Result<(), Failure> {
        Self::parse(&paths.config_file(), text)?.check(paths)
    }

    fn check(&self, paths: &Paths) -> Result<(), Failure> {
        let file = paths.config_file();
        if let Some(schema) = self.schema.filter(|s| *s != SCHEMA) {
            return Err(Failure::usage(format!(
                "{}: schema {schema} is of another pryx; this one reads schema {SCHEMA}",
                file.display()
            ))
            .hint("use the pryx that wrote it; the file was not changed"));
        }
        for (what, minutes) in
            [("idle_minutes", self.hands.idle_minutes), ("approval_minutes", self.hands.approval_minutes)]
        {
            if !minutes.is_finite() || minutes <= 0.0 || minutes > 60.0 * 24.0 * 365.0 {
                return Err(Failure::usage(format!(
                    "hands.{what} is {minutes}: it must be above 0 and at most a year"
                )));
            }
        }
        self.catalog.check()?;
        said(&self.models)?;
        for path in self.folders.keys() {
            if !Path::new(path).is_absolute() {
                return Err(Failure::usage(format!("folders.{path:?}: a folder is named by its absolute path")));
            }
        }
        for (name, provider) in &self.providers {
            let url = provider.base_url.as_deref();
            if url.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
                return Err(Failure::usage(format!("providers.{name}.base_url must begin with http:// or https://")));
            }
            if let Some(login) = &provider.login {
                login.check(name)?;
            }
        }
        Ok(())
    }
}

/// A variable that is set and not empty.
///
/// # Errors
/// When it is no UTF-8.
pub fn text_var(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text).filter(|t| !t.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("the variable {name} is no valid UTF-8"))),
    }
}

/// Line and column, both from 1, of a byte offset.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_home(text: &str) -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.toml"), text).unwrap();
        let paths = Paths { home: dir.path().to_owned(), run: dir.path().join("run") };
        (dir, paths)
    }

    #[test]
    fn an_error_names_line_and_column() {
        let (_dir, paths) = in_home("schema = 1\nmodle = \"x\"\n");
        let failure = Settings::from_file(&paths).unwrap_err();
        let text = failure.json().to_string();
        assert!(text.contains("config.toml:2:1") && text.contains("modle"), "{text}");
        assert_eq!(failure.code, super::super::exit::USAGE);
    }

    #[test]
    fn a_newer_form_is_refused() {
        let (_dir, paths) = in_home("schema = 2\n");
        assert!(Settings::from_file(&paths).unwrap().check(&paths).is_err());
    }

    #[test]
    fn nonsense_durations_are_refused() {
        for minutes in ["0", "-1", "nan", "inf", "1e300"] {
            let (_dir, paths) = in_home(&format!("[hands]\nidle_minutes = {minutes}\n"));
            let refused = Settings::from_file(&paths).and_then(|s| s.check(&paths)).is_err();
            assert!(refused, "{minutes} was accepted");
        }
    }

    #[test]
    fn positions_count_characters() {
        assert_eq!(position("a\nüb", 4), (2, 2));
        assert_eq!(position("", 0), (1, 1));
    }
}
