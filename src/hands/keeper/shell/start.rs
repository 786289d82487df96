//! Starting a terminal's shell: its start-up files, the channel that it inherits, and which of the known shells it is.

use super::channel::Channel;
use crate::keeper::detach::non_blocking;
use crate::keeper::typed::MAX_TEXT;
use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The channel's number in the shell: far above those that scripts choose for themselves.
const CHANNEL: RawFd = 213;
/// The number of the pipe on which fish is answered: its `read` takes no descriptor.
const ANSWERS: RawFd = 214;
/// A plain sh knows only numbers of one digit; this one is seldom used.
const PLAIN: RawFd = 7;

/// Stands for what a person typed where the shell doesn't tell.
const BY_HAND: &str = "typed by hand";

/// The directory of a terminal for its shell's start-up files.
pub(crate) const START_FILES: &str = "start";

/// A kind of shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::keeper) enum Flavor {
    Bash,
    Zsh,
    Fish,
    Sh,
}

impl Flavor {
    /// The shell that an argument vector starts interactively, if its commands can be followed.
    pub fn of(argv: &[String]) -> Option<Self> {
        let [program, option] = argv else { return None };
        if option != "-i" {
            return None;
        }
        match program.rsplit('/').next()? {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            "sh" | "dash" | "ash" => Some(Self::Sh),
            _ => None,
        }
    }

    /// Whether it edits its line itself, and so leaves canonical mode at its prompt.
    pub fn edits(self) -> bool {
        self != Self::Sh
    }

    /// What a person typed, in words. bash tells its history's last entry, if it has got a new one. A line that begins with a
    /// space is not to be remembered.
    pub fn words(self, told: &str) -> String {
        let text = if self == Self::Bash { last_of_history(told) } else { told };
        let cut: String = text.trim_end().chars().take(MAX_TEXT).collect();
        if cut.is_empty() || text.starts_with(char::is_whitespace) { BY_HAND.to_owned() } else { cut }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Sh => "sh",
        }
    }
}

/// The text in what `history 1` says: a number, two spaces or a mark and one, and the entry.
fn last_of_history(told: &str) -> &str {
    let told = told.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    told.strip_prefix("* ").or_else(|| told.strip_prefix("  ")).unwrap_or_default()
}

/// What the command gets besides its own arguments and environment.
pub(in crate::keeper) struct Hooks {
    pub flavor: Flavor,
    pub channel: Channel,
    /// Behind the program, before its own arguments.
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// Descriptors that it inherits, by the numbers it knows them by.
    pub inherit: Vec<(OwnedFd, RawFd)>,
    /// Read once, and removed then.
    pub files: PathBuf,
}

/// Writes the start-up files and makes the channel.
/// A shell that is held tells what it exports too, since not all can run in it.
pub(in crate::keeper) fn prepare(
    flavor: Flavor,
    job_dir: &Path,
    env: &BTreeMap<String, String>,
    held: bool,
) -> io::Result<Hooks> {
    let files = job_dir.join(START_FILES);
    DirBuilder::new().mode(0o700).create(&files)?;
    let fd = if flavor == Flavor::Sh { PLAIN } else { CHANNEL };
    let dir = files.to_str().ok_or_else(|| io::Error::other("the path of the job's directory is no UTF-8"))?;
    let write = |name: &str, text: &str| {
        let text = text.replace("@FD@", &fd.to_string()).replace("@ACK@", &ANSWERS.to_string());
        let text = text.replace("@HELD@", if held { "held" } else { "" });
        let text = text.replace("@DIR@", &format!("'{}'", dir.replace('\'', r"'\''")));
        let path = files.join(name);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(text.as_bytes())?;
        path.into_os_string().into_string().map_err(|_| io::Error::other("the path of the job's directory is no UTF-8"))
    };
    let (mut args, mut extra) = (Vec::new(), BTreeMap::new());
    match flavor {
        Flavor::Bash => args.extend(["--rcfile".to_owned(), write("bashrc", include_str!("hooks/shell.bash"))?]),
        Flavor::Zsh => {
            write(".zshenv", include_str!("hooks/zshenv"))?;
            write(".zshrc", include_str!("hooks/zshrc"))?;
            extra.insert("PRYX_ZDOTDIR".to_owned(), env.get("ZDOTDIR").cloned().unwrap_or_default());
            extra.insert("ZDOTDIR".to_owned(), dir.to_owned());
        }
        Flavor::Fish => {
            let file = write("config.fish", include_str!("hooks/shell.fish"))?;
            let file = file.replace('\\', r"\\").replace('\'', r"\'");
            args.extend(["--init-command".to_owned(), format!("source '{file}'")]);
        }
        Flavor::Sh => {
            extra.insert("PRYX_ENV".to_owned(), env.get("ENV").cloned().unwrap_or_default());
            extra.insert("ENV".to_owned(), write("shrc", include_str!("hooks/shell.sh"))?);
        }
    }
    let mut inherit = Vec::new();
    let answers = if flavor == Flavor::Fish {
        let (reader, writer) = io::pipe()?;
        inherit.push((OwnedFd::from(reader), ANSWERS));
        let writer = OwnedFd::from(writer);
        non_blocking(&writer)?;
        Some(writer)
    } else {
        None
    };
    let (channel, shells) = Channel::new(answers)?;
    inherit.push((OwnedFd::from(shells), fd));
    Ok(Hooks { flavor, channel, args, env: extra, inherit, files })
}

/// Between fork and exec: puts the descriptors where the shell looks for them. Only async-signal-safe calls.
pub(in crate::keeper) fn hand_over(inherit: &[(RawFd, RawFd)]) -> io::Result<()> {
    for (from, to) in inherit {
        // SAFETY: dup2 and fcntl are async-signal-safe; both descriptors are open or free. A descriptor that has its
        // number already keeps close-on-exec, which is taken off.
        let done = unsafe { libc::dup2(*from, *to) != -1 && libc::fcntl(*to, libc::F_SETFD, 0) != -1 };
        if !done {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// The numbers for [`hand_over`].
pub(in crate::keeper) fn numbers(inherit: &[(OwnedFd, RawFd)]) -> Vec<(RawFd, RawFd)> {
    inherit.iter().map(|(fd, number)| (fd.as_raw_fd(), *number)).collect()
}

#[cfg(test)]
mod tests {
    use super::Flavor::{Bash, Fish, Zsh};

    #[test]
    fn what_was_typed_is_told_as_far_as_it_is_known() {
        for (flavor, told, words) in [
            (Bash, "  501  make test", "make test"),
            (Bash, "    1* for i in 1 2\ndo x; done", "for i in 1 2\ndo x; done"),
            (Bash, "    7   a space", "typed by hand"),
            (Bash, "", "typed by hand"),
            (Zsh, "make test\n", "make test"),
            (Zsh, " secret", "typed by hand"),
            (Fish, "12  x", "12  x"),
        ] {
            assert_eq!(flavor.words(told), words, "{told:?}");
        }
        assert_eq!(Zsh.words(&"é".repeat(9000)).chars().count(), 4096);
    }
}
