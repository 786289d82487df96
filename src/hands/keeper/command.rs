//! Starts the one command: on a PTY whose session leader is the keeper, or on pipes.
//!
//! The keeper leads the session so that the end of the command hangs up on nobody: `sleep 300 &` survives its shell.
//! The command leads a process group of its own, the terminal's foreground, so Ctrl-C and Ctrl-Z reach it alone.

use super::detach::{non_blocking, prepare_child};
use super::shell::{Hooks, hand_over, numbers};
use super::wire::{FailedAt, Spec};
use crate::sandbox::{Cage, Door};
use pryx_ipc::{Io, Stdin};
use pryx_terms::Stream;
use rustix::pty::OpenptFlags;
use rustix::termios::{InputModes, LocalModes, OptionalActions, OutputModes, Winsize};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// What a pipe holds before its writer waits. More than the usual 64 KiB, so that keeper and command change places
/// less often; a hundred jobs still stay below what Linux lets one user's pipes take together (64 MiB).
#[cfg(target_os = "linux")]
const PIPE: usize = 256 * 1024;

/// Longest line, without its end, that a terminal takes in canonical mode: `N_TTY_BUF_SIZE` and `MAX_CANON`. The kernel
/// cuts longer ones silently.
pub(super) const LONGEST_LINE: usize = if cfg!(target_os = "linux") { 4095 } else { 1023 };

/// What is said then.
pub(super) const TOO_LONG: &str = "a line of the text is longer than the terminal takes in its present mode (canonical), and would be cut; \
                        nothing of it was typed";

/// The keeper's ends of a running command.
pub(super) struct Started {
    pub pid: i32,
    /// Where its output comes from.
    pub sources: Vec<(Stream, OwnedFd)>,
    /// Where its input goes.
    pub sink: Sink,
    /// The terminal, for its size; the slave is held open so that the master never reports a hang-up.
    pub terminal: Option<Terminal>,
}

/// Where input goes.
pub(super) enum Sink {
    /// The PTY.
    Terminal(OwnedFd),
    /// A pipe.
    Pipe(OwnedFd),
    /// Nowhere.
    Nothing,
}

pub(super) struct Terminal {
    pub master: OwnedFd,
    /// Asked about modes and foreground.
    pub slave: OwnedFd,
}

impl Terminal {
    /// Its lines and columns.
    pub fn size(&self) -> (u16, u16) {
        rustix::termios::tcgetwinsize(&self.master).map_or((0, 0), |size| (size.ws_row, size.ws_col))
    }

    /// Prints as a program in it would, as far as there is room.
    pub fn print(&self, bytes: &[u8]) {
        // An open file of its own: the one that the shell got must go on waiting for room.
        if let Ok(slave) = open_slave(&self.master)
            && non_blocking(&slave).is_ok()
        {
            let _ = rustix::io::write(&slave, bytes);
        }
    }

    /// Whether keys arrive one by one, and not by lines.
    pub fn takes_keys(&self) -> bool {
        let modes = rustix::termios::tcgetattr(&self.slave);
        modes.is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON))
    }

    /// Whether something was typed that nobody has read: in canonical mode, a whole line.
    pub fn has_unread(&self) -> bool {
        rustix::io::ioctl_fionread(&self.slave).is_ok_and(|bytes| bytes > 0)
    }

    /// Whether it would cut a line that long: in canonical mode the kernel throws away what its buffer doesn't hold.
    pub fn would_cut(&self, longest: usize) -> bool {
        let modes = rustix::termios::tcgetattr(&self.slave);
        longest > LONGEST_LINE && modes.is_ok_and(|modes| modes.local_modes.contains(LocalModes::ICANON))
    }
}

/// Why there is no command.
pub(super) struct StartFailure {
    pub at: FailedAt,
    pub error: io::Error,
}

impl StartFailure {
    pub fn keeper(error: impl Into<io::Error>) -> Self {
        Self { at: FailedAt::Keeper, error: error.into() }
    }
}

pub(super) fn start(spec: &Spec, hooks: Option<&Hooks>) -> Result<Started, StartFailure> {
    // Looked at first: the error of a failed spawn doesn't tell the directory from the program.
    let cwd = std::fs::metadata(&spec.cwd)
        .and_then(|meta| if meta.is_dir() { Ok(()) } else { Err(io::Error::from(rustix::io::Errno::NOTDIR)) });
    cwd.map_err(|error| StartFailure { at: FailedAt::Cwd, error })?;
    let program = spec.argv.first().filter(|p| !p.is_empty()).ok_or_else(|| StartFailure {
        at: FailedAt::Program,
        error: io::Error::new(io::ErrorKind::InvalidInput, "the command is empty"),
    })?;
    match spec.io {
        Io::Tty { rows, cols } => on_terminal(program, spec, hooks, rows, cols),
        Io::Pipes => on_pipes(program, spec),
    }
}

/// A command that can be started, and the way out of its sandbox that is to be attended then.
struct Prepared {
    command: Command,
    door: Option<Door>,
}

/// The command, with its sandbox on it if it has one: between fork and exec, so that no code of its own runs before.
fn command(program: &str, spec: &Spec, hooks: Option<&Hooks>, tty: Option<&OwnedFd>) -> Result<Prepared, StartFailure> {
    let cage = spec.profile.as_ref().map(|profile| Cage::build(profile, tty.map(AsFd::as_fd))).transpose();
    let mut cage = cage.map_err(StartFailure::keeper)?;
    let door = cage.as_mut().and_then(Cage::door);
    let mut command = Command::new(program);
    if let Some(hooks) = hooks {
        command.args(&hooks.args);
    }
    command.args(&spec.argv[1..]);
    if let Some(cage) = &cage {
        command = cage.around(command);
    }
    command.env_clear().envs(&spec.env).current_dir(&spec.cwd);
    if let Some(hooks) = hooks {
        command.envs(&hooks.env);
    }
    let inherit = hooks.map(|hooks| numbers(&hooks.inherit)).unwrap_or_default();
    let tty = tty.map(AsRawFd::as_raw_fd);
    let prepare = move || {
        prepare_child(tty)?;
        hand_over(&inherit)?;
        cage.as_ref().map_or(Ok(()), Cage::enter)
    };
    // SAFETY: all of them make async-signal-safe calls only.
    unsafe { command.pre_exec(prepare) };
    Ok(Prepared { command, door })
}

fn spawn(prepared: Prepared) -> Result<std::process::Child, StartFailure> {
    let Prepared { mut command, door } = prepared;
    let child = command.spawn().map_err(|error| StartFailure { at: FailedAt::Program, error })?;
    if let Some(door) = door {
        door.attend();
    }
    Ok(child)
}

fn on_pipes(program: &str, spec: &Spec) -> Result<Started, StartFailure> {
    let mut prepared = command(program, spec, None, None)?;
    let command = &mut prepared.command;
    command.stdin(if spec.stdin == Stdin::Pipe { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(prepared)?;
    let mut sources = Vec::new();
    sources.extend(child.stdout.take().map(|pipe| (Stream::Stdout, OwnedFd::from(pipe))));
    sources.extend(child.stderr.take().map(|pipe| (Stream::Stderr, OwnedFd::from(pipe))));
    for (_, fd) in &sources {
        non_blocking(fd).map_err(StartFailure::keeper)?;
        // A user has a limit for these together; beyond it the pipe stays as small as it was.
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(fd, PIPE);
    }
    let sink = piped_stdin(&mut child)?;
    Ok(Started { pid: pid_of(&child), sources, sink, terminal: None })
}

fn on_terminal(
    program: &str,
    spec: &Spec,
    hooks: Option<&Hooks>,
    rows: u16,
    cols: u16,
) -> Result<Started, StartFailure> {
    let (master, slave) = open_pty(rows, cols).map_err(StartFailure::keeper)?;
    let mut prepared = command(program, spec, hooks, Some(&slave))?;
    let command = &mut prepared.command;
    let copy = |fd: &OwnedFd| fd.try_clone().map_err(StartFailure::keeper);
    command.stdin(match spec.stdin {
        Stdin::Inherit => Stdio::from(copy(&slave)?),
        Stdin::Pipe => Stdio::piped(),
        Stdin::Null => Stdio::null(),
    });
    command.stdout(Stdio::from(copy(&slave)?)).stderr(Stdio::from(copy(&slave)?));
    let mut child = spawn(prepared)?;
    let sink = match spec.stdin {
        Stdin::Inherit => Sink::Terminal(copy(&master)?),
        Stdin::Pipe => piped_stdin(&mut child)?,
        Stdin::Null => Sink::Nothing,
    };
    let sources = vec![(Stream::Tty, copy(&master)?)];
    Ok(Started { pid: pid_of(&child), sources, sink, terminal: Some(Terminal { master, slave }) })
}

fn piped_stdin(child: &mut std::process::Child) -> Result<Sink, StartFailure> {
    let Some(pipe) = child.stdin.take() else { return Ok(Sink::Nothing) };
    let pipe = OwnedFd::from(pipe);
    non_blocking(&pipe).map_err(StartFailure::keeper)?;
    Ok(Sink::Pipe(pipe))
}

fn pid_of(child: &std::process::Child) -> i32 {
    i32::try_from(child.id()).unwrap_or_default()
}

fn open_pty(rows: u16, cols: u16) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    #[cfg(target_os = "linux")]
    let flags = flags | OpenptFlags::CLOEXEC;
    let master = rustix::pty::openpt(flags)?;
    #[cfg(not(target_os = "linux"))]
    rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let slave = open_slave(&master)?;
    let mut modes = rustix::termios::tcgetattr(&slave)?;
    modes.input_modes |= InputModes::ICRNL | InputModes::IXON | InputModes::IUTF8;
    modes.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
    modes.local_modes |= LocalModes::ECHO
        | LocalModes::ECHOE
        | LocalModes::ECHOK
        | LocalModes::ECHOCTL
        | LocalModes::ECHOKE
        | LocalModes::ICANON
        | LocalModes::IEXTEN
        | LocalModes::ISIG;
    rustix::termios::tcsetattr(&slave, OptionalActions::Now, &modes)?;
    resize(&master, rows, cols)?;
    rustix::process::ioctl_tiocsctty(&slave)?;
    non_blocking(&master)?;
    Ok((master, slave))
}

#[cfg(target_os = "linux")]
fn open_slave(master: &OwnedFd) -> io::Result<OwnedFd> {
    // By descriptor, not by name: in a container the name may lead to somebody else's terminal.
    Ok(rustix::pty::ioctl_tiocgptpeer(master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?)
}

#[cfg(not(target_os = "linux"))]
fn open_slave(master: &OwnedFd) -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    let name = rustix::pty::ptsname(master, Vec::new())?;
    Ok(rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Sets a terminal's size; the kernel tells its foreground group.
pub(super) fn resize(master: &OwnedFd, rows: u16, cols: u16) -> io::Result<()> {
    let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(rustix::termios::tcsetwinsize(master, size)?)
}
