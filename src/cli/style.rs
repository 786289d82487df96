//! Colours, when a person looks and wants them.

use anstyle::{AnsiColor, Style as Ansi};
use std::io::IsTerminal;

/// Whether talk may use colours, and how.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// Colours on stderr: not with `--no-color`, `NO_COLOR`, `TERM=dumb`, or when it is no terminal.
    pub fn detect(no_color: bool) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|t| t == "dumb");
        Self { colour: !no_color && !set("NO_COLOR") && !dumb && std::io::stderr().is_terminal() }
    }

    fn paint(self, ansi: Ansi, text: &str) -> String {
        if self.colour { format!("{ansi}{text}{ansi:#}") } else { text.to_owned() }
    }

    /// Less important.
    pub fn dim(self, text: &str) -> String {
        self.paint(Ansi::new().dimmed(), text)
    }

    /// More important.
    pub fn bold(self, text: &str) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    /// Went well.
    pub fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// Wants attention.
    pub fn warn(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// Went wrong.
    pub fn error(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// Light on dark, whatever colours the terminal has.
    pub fn white_on_black(self, text: &str) -> String {
        self.paint(AnsiColor::BrightWhite.on(AnsiColor::Black), text)
    }

    /// A command.
    pub fn command(self, text: &str) -> String {
        self.paint(AnsiColor::Cyan.on_default(), text)
    }
}
