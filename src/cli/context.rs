//! What every command is given: where things live, the settings, and how to talk.

use super::args::Global;
use super::failure::Failure;
use super::paths::Paths;
use super::settings::Settings;
use super::style::Style;
use super::workspace;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The surroundings of one command.
pub struct Context {
    /// Where things live.
    pub paths: Paths,
    /// The settings.
    pub settings: Settings,
    /// The folder's own settings, when there are some that don't count.
    pub untrusted: Option<PathBuf>,
    /// How talk looks.
    pub style: Style,
    /// Whether to print JSON.
    pub json: bool,
    /// Whether to leave out what was not asked for.
    pub quiet: bool,
    /// The directory commands run in.
    pub cwd: PathBuf,
}

impl Context {
    /// Reads environment and settings.
    ///
    /// # Errors
    /// When there is no home, or the settings can't be understood.
    pub fn new(global: &Global) -> Result<Self, Failure> {
        if let Some(dir) = &global.directory {
            std::env::set_current_dir(dir).map_err(|e| {
                Failure::because(format!("can't work in {}", dir.display()), &e).code(super::exit::USAGE)
            })?;
        }
        let cwd = std::env::current_dir()
            .map_err(|e| Failure::because("the current directory can't be found", &e).hint("cd to one that exists"))?;
        let paths = Paths::from_env()?;
        let settings = Settings::load(&paths)?;
        let style = Style::detect(global.no_color);
        Ok(Self { paths, settings, untrusted: None, style, json: global.json, quiet: global.quiet, cwd })
    }

    /// Takes what the folder says about models, if the person trusts it.
    ///
    /// # Errors
    /// When it can't be told whether it is trusted, or it can't be understood.
    pub fn with_workspace(mut self) -> Result<Self, Failure> {
        self.untrusted = workspace::apply(&mut self.settings, &self.cwd, &self.paths)?;
        Ok(self)
    }

    /// The environment to offer to a command: what is text in ours. The hands pass on what their rules allow.
    pub fn offered_env(&self) -> BTreeMap<String, String> {
        let mut env: BTreeMap<String, String> =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
        // Keys of models don't leave this process but for their provider.
        for provider in self.settings.providers.values() {
            if let Some(name) = &provider.key_env {
                env.remove(name);
            }
        }
        env
    }

    /// Says something, unless only data is wanted.
    pub fn talk(&self, text: &str) {
        if !self.quiet {
            super::out::talk(text);
        }
    }
}
