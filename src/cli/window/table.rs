//! The programs that show a terminal in a window, and how each is told what to run in it.

use super::{Around, System};
use crate::cli::settings::TerminalProgram;

/// A program and its arguments that open a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// What it is called in words.
    pub name: String,
    /// The program.
    pub program: String,
    /// Its arguments, those of the command in the window last.
    pub args: Vec<String>,
}

/// How a program takes a title; `{}` stands for it.
struct Emulator {
    name: &'static str,
    /// Before the command.
    before: &'static [&'static str],
    x11: bool,
    wayland: bool,
}

/// In the order in which they are looked for.
const EMULATORS: &[Emulator] = &[
    Emulator { name: "foot", before: &["--title", "{}"], x11: false, wayland: true },
    Emulator { name: "kitty", before: &["--title", "{}"], x11: true, wayland: true },
    Emulator { name: "alacritty", before: &["--title", "{}", "-e"], x11: true, wayland: true },
    Emulator { name: "wezterm", before: &["start", "--always-new-process", "--"], x11: true, wayland: true },
    Emulator { name: "ghostty", before: &["--title={}", "-e"], x11: true, wayland: true },
    Emulator { name: "konsole", before: &["-p", "tabtitle={}", "-e"], x11: true, wayland: true },
    Emulator { name: "gnome-terminal", before: &["--title={}", "--"], x11: true, wayland: true },
    Emulator { name: "xterm", before: &["-T", "{}", "-e"], x11: true, wayland: false },
];

/// A script of AppleScript that is given the command as its arguments; `quoted form of` makes them words for the shell that
/// Terminal.app insists on.
const WORDS: &str =
    "set line_ to \"exec\"\nrepeat with word_ in argv\nset line_ to line_ & \" \" & quoted form of word_\nend repeat\n";

/// Where a window opens that runs a command; nothing where none can be. `there` tells whether a program can be found.
///
/// # Errors
/// When the settings name what can't open one.
pub fn choose(
    around: &Around,
    title: &str,
    command: &[String],
    there: impl Fn(&str) -> bool,
) -> Result<Option<Opening>, String> {
    if let Some(chosen) = &around.chosen {
        return by_setting(chosen, title, command).map(Some);
    }
    if around.tmux && there("tmux") {
        return Ok(Some(tmux(title, command)));
    }
    let usable = |emulator: &&Emulator| (around.wayland && emulator.wayland) || (around.x11 && emulator.x11);
    let emulator = EMULATORS.iter().filter(usable).find(|emulator| there(emulator.name));
    Ok(match (around.system, emulator) {
        (_, Some(emulator)) => Some(opening(emulator, title, command)),
        // Its screen is not where the person sits.
        (System::Mac | System::Windows, None) if around.ssh => None,
        (System::Mac, None) => Some(terminal_app(command)),
        (System::Windows, None) if there("wt") => Some(windows_terminal(title, command)),
        (_, None) => None,
    })
}

fn by_setting(chosen: &TerminalProgram, title: &str, command: &[String]) -> Result<Opening, String> {
    let name = match chosen {
        TerminalProgram::Own(argv) => {
            let Some((program, before)) = argv.split_first() else {
                return Err("the setting terminal is an empty list".to_owned());
            };
            let args = before.iter().map(|arg| arg.replace("{}", title)).chain(command.iter().cloned()).collect();
            return Ok(Opening { name: program.clone(), program: program.clone(), args });
        }
        TerminalProgram::Known(name) => name.as_str(),
    };
    let known = EMULATORS.iter().find(|emulator| emulator.name == name);
    match (name, known) {
        (_, Some(emulator)) => Ok(opening(emulator, title, command)),
        ("tmux", _) => Ok(tmux(title, command)),
        ("Terminal.app", _) => Ok(terminal_app(command)),
        ("iTerm2", _) => Ok(iterm(command)),
        ("wt", _) => Ok(windows_terminal(title, command)),
        _ => {
            let names: Vec<&str> = EMULATORS.iter().map(|emulator| emulator.name).collect();
            Err(format!(
                "no terminal {name:?} is known; there are {}, tmux, Terminal.app, iTerm2, wt, or a list of its arguments: \
                 terminal = [\"st\", \"-e\"]",
                names.join(", ")
            ))
        }
    }
}

fn opening(emulator: &Emulator, title: &str, command: &[String]) -> Opening {
    let before = emulator.before.iter().map(|arg| arg.replace("{}", title));
    let args = before.chain(command.iter().cloned()).collect();
    Opening { name: emulator.name.to_owned(), program: emulator.name.to_owned(), args }
}

fn tmux(title: &str, command: &[String]) -> Opening {
    let before = ["new-window", "-n", title, "--"].map(str::to_owned);
    let args = before.into_iter().chain(command.iter().cloned()).collect();
    Opening { name: "tmux".to_owned(), program: "tmux".to_owned(), args }
}

fn windows_terminal(title: &str, command: &[String]) -> Opening {
    let before = ["-w", "new", "new-tab", "--title", title, "--"].map(str::to_owned);
    // A semicolon would begin another of its own commands.
    let args = before.into_iter().chain(command.iter().map(|arg| arg.replace(';', "\\;"))).collect();
    Opening { name: "Windows Terminal".to_owned(), program: "wt".to_owned(), args }
}

fn terminal_app(command: &[String]) -> Opening {
    let script =
        format!("on run argv\n{WORDS}tell application \"Terminal\"\ndo script line_\nactivate\nend tell\nend run");
    osascript("Terminal.app", script, command)
}

fn iterm(command: &[String]) -> Opening {
    // It splits the words by itself, by the rules of a shell.
    let script = format!(
        "on run argv\n{}tell application \"iTerm2\"\ncreate window with default profile command line_\nactivate\nend tell\n\
         end run",
        WORDS.replace("\"exec\"", "\"\"")
    );
    osascript("iTerm2", script, command)
}

fn osascript(name: &str, script: String, command: &[String]) -> Opening {
    let args = ["-e".to_owned(), script].into_iter().chain(command.iter().cloned()).collect();
    Opening { name: name.to_owned(), program: "osascript".to_owned(), args }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Around {
        Around { system: System::Unix, tmux: false, ssh: false, x11: true, wayland: true, chosen: None }
    }

    fn command() -> Vec<String> {
        ["/opt/my bin/pryx", "attach", "a;b"].map(str::to_owned).to_vec()
    }

    fn chosen(around: &Around, there: &[&str]) -> Option<String> {
        choose(around, "dev", &command(), |name| there.contains(&name)).unwrap().map(|opening| opening.name)
    }

    #[test]
    fn the_first_that_is_there_and_fits_the_display() {
        let all: Vec<&str> = EMULATORS.iter().map(|emulator| emulator.name).chain(["tmux"]).collect();
        assert_eq!(chosen(&around(), &all).unwrap(), "foot");
        assert_eq!(chosen(&Around { wayland: false, ..around() }, &all).unwrap(), "kitty");
        assert_eq!(chosen(&around(), &["xterm", "konsole"]).unwrap(), "konsole");
        assert_eq!(chosen(&Around { x11: false, ..around() }, &["xterm"]), None, "xterm knows no Wayland");
        assert_eq!(chosen(&Around { x11: false, wayland: false, ..around() }, &all), None);
        assert_eq!(chosen(&Around { tmux: true, ..around() }, &all).unwrap(), "tmux");
        assert_eq!(chosen(&Around { tmux: true, ssh: true, x11: false, ..around() }, &["tmux"]).unwrap(), "tmux");
        let foot = Some(TerminalProgram::Known("foot".into()));
        assert_eq!(chosen(&Around { tmux: true, chosen: foot, ..around() }, &[]).unwrap(), "foot", "a setting wins");
    }

    #[test]
    fn the_screens_of_other_systems() {
        let mac = Around { system: System::Mac, x11: false, wayland: false, ..around() };
        assert_eq!(chosen(&mac, &[]).unwrap(), "Terminal.app");
        assert_eq!(chosen(&Around { ssh: true, ..mac.clone() }, &[]), None);
        let windows = Around { system: System::Windows, ..mac };
        assert_eq!(chosen(&windows, &["wt"]).unwrap(), "Windows Terminal");
        assert_eq!(chosen(&windows, &[]), None);
    }

    #[test]
    fn the_command_is_never_text_for_a_shell() {
        let known = ["tmux", "Terminal.app", "iTerm2", "wt"];
        for name in EMULATORS.iter().map(|emulator| emulator.name).chain(known) {
            let around = Around { chosen: Some(TerminalProgram::Known(name.into())), ..around() };
            let opening = choose(&around, "dev", &command(), |_| true).unwrap().unwrap();
            let last: Vec<&str> = opening.args.iter().rev().take(3).rev().map(String::as_str).collect();
            let escaped = if name == "wt" { "a\\;b" } else { "a;b" };
            assert_eq!(last, ["/opt/my bin/pryx", "attach", escaped], "{name}");
        }
    }

    #[test]
    fn a_terminal_of_ones_own() {
        let own = |argv: &[&str]| TerminalProgram::Own(argv.iter().map(|arg| (*arg).to_owned()).collect());
        let of = |chosen| choose(&Around { chosen: Some(chosen), ..around() }, "dev", &command(), |_| false);
        let opening = of(own(&["st", "-T", "{}", "-e"])).unwrap().unwrap();
        assert_eq!((opening.program.as_str(), &opening.args[..3]), ("st", &["-T", "dev", "-e"].map(String::from)[..]));
        assert!(of(own(&[])).is_err());
        assert!(of(TerminalProgram::Known("notepad".into())).unwrap_err().contains("notepad"));
    }
}
