//! What every command is given: where things live, the settings, and how to talk.

use super::args::Global;
use super::connect::Route;
use super::failure::Failure;
use super::paths::Paths;
use super::remote::Host;
use super::settings::Settings;
use super::style::Style;
use super::workspace;
use pryx_ipc::Client;
use pryx_terms::Secret;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A key that was given and is not kept yet.
pub struct Given {
    /// Whose.
    pub provider: String,
    /// It.
    pub key: Secret,
}

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
    /// Where the hands are.
    pub route: Route,
    /// The directory of this process, and of commands where the hands are here.
    pub cwd: PathBuf,
    /// A key to use before all others, while it is tried.
    pub given: Option<Given>,
    /// The directory that was asked for.
    directory: Option<PathBuf>,
}

impl Context {
    /// Reads environment and settings.
    ///
    /// # Errors
    /// When there is no home, or the settings can't be understood.
    pub fn new(global: &Global) -> Result<Self, Failure> {
        let paths = Paths::from_env()?;
        let settings = Settings::load(&paths)?;
        Self::with(global, paths, settings)
    }

    /// The same for a command that looks, answers or stops: settings that can't be understood are said and left out.
    ///
    /// # Errors
    /// When there is no home, or the settings that can't be understood may name another machine.
    pub fn for_looking(global: &Global) -> Result<Self, Failure> {
        let paths = Paths::from_env()?;
        let (settings, broken) = Settings::load_or_default(&paths, global.host.is_some())?;
        let context = Self::with(global, paths, settings)?;
        if let Some(failure) = broken {
            let words = format!("{}; going on without the settings", failure.words().0);
            super::out::talk(&context.style.warn(&words));
        }
        Ok(context)
    }

    fn with(global: &Global, paths: Paths, settings: Settings) -> Result<Self, Failure> {
        let route = route(global, &paths, &settings)?;
        // With hands elsewhere it is a directory over there.
        if let (Some(dir), Route::Here(_)) = (&global.directory, &route) {
            std::env::set_current_dir(dir).map_err(|e| {
                Failure::because(format!("can't work in {}", dir.display()), &e).code(super::exit::USAGE)
            })?;
        }
        let cwd = std::env::current_dir()
            .map_err(|e| Failure::because("the current directory can't be found", &e).hint("cd to one that exists"))?;
        let style = Style::detect(global.no_color);
        let directory = global.directory.clone();
        Ok(Self {
            paths,
            settings,
            untrusted: None,
            style,
            json: global.json,
            quiet: global.quiet,
            route,
            cwd,
            given: None,
            directory,
        })
    }

    /// Takes what the folder says about models, if the person trusts it.
    ///
    /// # Errors
    /// When it can't be told whether it is trusted, or it can't be understood.
    pub fn with_workspace(mut self) -> Result<Self, Failure> {
        self.untrusted = workspace::apply(&mut self.settings, &self.cwd, &self.paths)?;
        Ok(self)
    }

    /// The directory commands run in: here, the one we are in; elsewhere, the home directory there, or the one that was
    /// asked for, counted from there.
    pub fn work_dir(&self, client: &Client) -> PathBuf {
        match (&self.route, client.machine()) {
            (Route::There { .. }, Some(machine)) => match &self.directory {
                None => machine.home.clone(),
                Some(dir) => machine.home.join(dir.strip_prefix("~").unwrap_or(dir)),
            },
            _ => self.cwd.clone(),
        }
    }

    /// How a command's directory is written down: those of another machine with its name.
    pub fn workspace(&self, dir: &Path) -> PathBuf {
        pryx_brain::workspace_of(self.route.host().map(Host::as_str), dir)
    }

    /// The environment to offer to a command: what is text in ours. The hands pass on what their rules allow.
    /// Another machine gets none of ours, but for what our terminal can do.
    pub fn offered_env(&self) -> BTreeMap<String, String> {
        if self.route.host().is_some() {
            let of_terminal = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
            return ["TERM", "COLORTERM"].into_iter().filter_map(of_terminal).collect();
        }
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

    /// Whether a directory was asked for, so that even a terminal goes there.
    pub fn is_directed(&self) -> bool {
        self.directory.is_some()
    }

    /// Says something, unless only data is wanted.
    pub fn talk(&self, text: &str) {
        if !self.quiet {
            super::out::talk(text);
        }
    }
}

/// Where the hands are: an option beats the variable, which beats the setting.
fn route(global: &Global, paths: &Paths, settings: &Settings) -> Result<Route, Failure> {
    let chosen = global.host.as_deref().or(settings.host.as_deref());
    let host = match chosen {
        Some(text) => Host::parse(text).map_err(|why| {
            Failure::usage(why).hint("write user@server, or a name that ~/.ssh/config knows; `local` is this machine")
        })?,
        None => None,
    };
    let own = paths.clone();
    Ok(match host {
        None => Route::Here(own),
        Some(host) => Route::There { host, own },
    })
}
