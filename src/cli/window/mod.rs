//! Visible windows: where one can be opened from here, and opening it. What runs in it is an argument vector throughout;
//! no shell reads it.

mod table;

pub use table::{Opening, choose};

use super::failure::Failure;
use super::settings::{Settings, TerminalProgram, text_var};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// The systems whose windows differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux and its like: X11 or Wayland.
    Unix,
    /// macOS.
    Mac,
    /// Windows.
    Windows,
}

/// What decides where a window opens.
#[derive(Debug, Clone)]
pub struct Around {
    /// The system.
    pub system: System,
    /// We are in tmux.
    pub tmux: bool,
    /// The person sits elsewhere: the windows of this machine's own screen are not theirs.
    pub ssh: bool,
    /// There is an X11 display; over ssh, one that was forwarded.
    pub x11: bool,
    /// There is a Wayland display.
    pub wayland: bool,
    /// What the settings say.
    pub chosen: Option<TerminalProgram>,
}

impl Around {
    /// As the environment and the settings have it.
    ///
    /// # Errors
    /// When a variable can't be read.
    pub fn now(settings: &Settings) -> Result<Self, Failure> {
        let set = |name: &str| text_var(name).map(|value| value.is_some());
        let system = match std::env::consts::OS {
            "macos" => System::Mac,
            "windows" => System::Windows,
            _ => System::Unix,
        };
        Ok(Self {
            system,
            tmux: set("TMUX")?,
            ssh: set("SSH_CONNECTION")? || set("SSH_TTY")?,
            x11: set("DISPLAY")?,
            wayland: set("WAYLAND_DISPLAY")?,
            chosen: settings.terminal.clone(),
        })
    }
}

/// Whether a program can be found.
pub fn is_there(name: &str) -> bool {
    let dirs = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&dirs).any(|dir| dir.join(name).is_file() || dir.join(format!("{name}.exe")).is_file())
}

/// Bytes of an error that are shown.
const SAID: u64 = 2048;

/// A window program that was started. It lives on when it is dropped.
pub struct Started {
    child: Child,
    said: File,
}

impl Started {
    /// Starts it, in a group of its own: Ctrl-C here must not close a window there.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(opening: &Opening, private: &Path) -> Result<Self, Failure> {
        let cannot = |e: &std::io::Error| {
            Failure::because(format!("{} can't be started", opening.program), e)
                .hint("mend PATH, or `terminal` in config.toml")
        };
        let (said, stderr) = scratch(private).map_err(|e| cannot(&e))?;
        let mut command = Command::new(&opening.program);
        command.args(&opening.args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().map_err(|e| cannot(&e))?;
        Ok(Self { child, said })
    }

    /// Resolves if it fails, with what it said. One that ends well may have handed the window to another process.
    pub async fn failed(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) if !status.success() => {
                let mut said = String::new();
                let _ = self.said.rewind().and_then(|()| (&self.said).take(SAID).read_to_string(&mut said));
                said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it gave no reason").trim().to_owned()
            }
            _ => std::future::pending().await,
        }
    }
}

/// A file without a name, twice. Not a pipe: the window outlives us, and would be killed by its next word into one.
fn scratch(private: &Path) -> std::io::Result<(File, File)> {
    let path = private.join(format!("window-{}", std::process::id()));
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
    let _ = std::fs::remove_file(&path);
    Ok((file.try_clone()?, file))
}
