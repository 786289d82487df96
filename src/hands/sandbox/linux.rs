//! Linux: Landlock for files, TCP and signals, seccomp for the rest, no new privileges, and of root's rights only those
//! over files. Everything is prepared before the fork; the child makes a handful of system calls.

pub(crate) use super::door::Door;
use super::door::{self, Bell};
use super::paths::{Hidden, Place};
use super::{Network, Profile, Strength, calls};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, Scope, make_bitflags,
};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, accessat};
use rustix::io::Errno;
use seccompiler::BpfProgram;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The first Landlock that can keep a file from being emptied. With an older one a command could destroy what it can't
/// write.
const LEAST: i32 = 3;
/// The first that holds back signals and abstract sockets.
const SCOPES: i32 = 6;
/// The first that knows TCP ports.
const PORTS: i32 = 4;

/// Where devices are, disks and other terminals among them: each that is allowed is named.
const DEVICES: &str = "/dev";
/// Devices that hold nothing and lead nowhere.
const HARMLESS: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Where the system's settings are, hundreds of files.
const SETTINGS: &str = "/etc";

/// Which of root's rights a confined command keeps: those over files, and over its own children's user ids. By number,
/// from `capability.h`: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID, SETUID, NET_BIND_SERVICE, SYS_NICE, SYS_RESOURCE.
const KEPT_RIGHTS: [u32; 9] = [0, 1, 3, 4, 6, 7, 10, 23, 24];

const EXECUTE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{Execute | ReadFile | ReadDir});
const CHANGE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    WriteFile | Truncate | RemoveDir | RemoveFile | MakeDir | MakeReg | MakeSock | MakeFifo | MakeSym | Refer
});

/// The version of Landlock, or why there is none.
fn version() -> Result<i32, String> {
    let (nothing, size, only_version) = (std::ptr::null::<u8>(), 0_usize, 1_u32);
    // SAFETY: with this flag the kernel reads no memory; it answers with a number.
    let found = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, size, only_version) };
    let version = i32::try_from(found).unwrap_or_default();
    match version {
        LEAST.. => Ok(version),
        1.. => Err(format!("Landlock {version} of this kernel can't keep files from being emptied; Linux 6.2 can")),
        _ => Err(match io::Error::last_os_error().raw_os_error() {
            Some(libc::EOPNOTSUPP) => "Landlock is off in this kernel (boot with lsm=landlock,… to turn it on)",
            Some(libc::ENOSYS) => "this kernel has no Landlock; Linux 6.2 has one that is enough",
            _ => "Landlock doesn't answer",
        }
        .to_owned()),
    }
}

/// What this kernel can do.
pub(crate) fn strength() -> Strength {
    let version = match version() {
        Ok(version) => version,
        Err(why) => return Strength::Nothing { why },
    };
    if let Err(error) = calls::filters(&Network::None, false) {
        return Strength::Nothing { why: format!("no filter of system calls for this processor: {error}") };
    }
    let lacks = if version < SCOPES { vec!["signals to other processes are not held back".to_owned()] } else { vec![] };
    Strength::Holds { by: format!("Landlock {version}, seccomp"), lacks }
}

/// What is put on one command.
pub(crate) struct Cage {
    files: OwnedFd,
    calls: Vec<BpfProgram>,
    /// The way to the hands, if there is to be one; and what there is if it can't be had.
    bell: Option<(Bell, BpfProgram)>,
    door: Option<Door>,
}

impl Cage {
    /// Prepares it. `terminal` is the command's own, which it may open by its name.
    pub fn build(profile: &Profile, terminal: Option<BorrowedFd<'_>>) -> io::Result<Self> {
        let version = version().map_err(io::Error::other)?;
        let ruleset: Option<OwnedFd> = ruleset(profile, version).map_err(io::Error::other)?.into();
        let ruleset = ruleset.ok_or_else(|| io::Error::other("Landlock made no ruleset"))?;
        let rules = Rules { ruleset, handled: handled(version) };
        rules.allow(Path::new("/"), AccessFs::ReadDir.into())?;
        let unread = profile.hidden.iter().filter(|path| !is_guarded(path)).cloned();
        rules.allow_all(&profile.read, &Hidden::new(unread.chain([PathBuf::from(DEVICES)])), EXECUTE)?;
        rules.allow_all(&profile.write, &Hidden::new(profile.hidden.iter().cloned()), EXECUTE | CHANGE)?;
        for place in &profile.read_too {
            rules.allow(place, EXECUTE)?;
        }
        for place in &profile.write_too {
            rules.allow(place, EXECUTE | CHANGE)?;
        }
        let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
        for path in HARMLESS {
            rules.allow(Path::new(path), device)?;
        }
        if let Some(terminal) = terminal {
            rules.allow(Path::new(&format!("/proc/self/fd/{}", terminal.as_raw_fd())), device)?;
        }
        let files = rules.ruleset;
        let calls = calls::filters(&profile.network, profile.door.is_some())?;
        let Some(socket) = &profile.door else { return Ok(Self { files, calls, bell: None, door: None }) };
        let (door, bell) = door::pair(socket)?;
        Ok(Self { files, calls, bell: Some((bell, calls::no_door()?)), door: Some(door) })
    }

    /// The keeper's side of the way to the hands.
    pub fn door(&mut self) -> Option<Door> {
        self.door.take()
    }

    /// The command as it is to be started.
    pub fn around(&self, command: Command) -> Command {
        command
    }

    /// Puts it on the calling process, for good. Only async-signal-safe calls, and no allocation unless it fails.
    pub fn enter(&self) -> io::Result<()> {
        drop_rights()?;
        // SAFETY: plain numbers.
        if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: an open descriptor and a flag.
        if unsafe { libc::syscall(libc::SYS_landlock_restrict_self, self.files.as_raw_fd(), 0_u32) } != 0 {
            return Err(io::Error::last_os_error());
        }
        for filter in &self.calls {
            load(filter)?;
        }
        match &self.bell {
            // Another tool holds us already, and is asked for what we would be asked for.
            Some((bell, instead)) if bell.hang().is_err() => load(instead),
            _ => Ok(()),
        }
    }
}

fn load(filter: &BpfProgram) -> io::Result<()> {
    seccompiler::apply_filter(filter).map_err(|_| io::Error::last_os_error())
}

fn handled(version: i32) -> BitFlags<AccessFs> {
    AccessFs::from_all(ABI::from(version))
}

fn ruleset(profile: &Profile, version: i32) -> Result<RulesetCreated, landlock::RulesetError> {
    let abi = ABI::from(version);
    let mut rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    rules = rules.handle_access(AccessFs::from_all(abi))?;
    if version >= PORTS && profile.network != Network::All {
        rules = rules.handle_access(AccessNet::from_all(abi))?;
    }
    if version >= SCOPES {
        rules = rules.scope(Scope::from_all(abi))?;
    }
    let mut created = rules.create()?;
    if let Network::Ports(ports) = &profile.network {
        for port in ports {
            created = created.add_rule(NetPort::new(*port, AccessNet::ConnectTcp | AccessNet::BindTcp))?;
        }
    }
    Ok(created)
}

struct Rules {
    ruleset: OwnedFd,
    handled: BitFlags<AccessFs>,
}

/// `landlock_path_beneath_attr`, and its number.
#[repr(C, packed)]
struct Beneath {
    access: u64,
    place: libc::c_int,
}
const BENEATH: libc::c_int = 1;

impl Rules {
    fn allow_all(&self, roots: &[PathBuf], hidden: &Hidden, access: BitFlags<AccessFs>) -> io::Result<()> {
        let mut places = roots.iter().flat_map(|root| hidden.all_but(root));
        places.try_for_each(|place| self.allow_place(&place, access))
    }

    fn allow(&self, path: &Path, access: BitFlags<AccessFs>) -> io::Result<()> {
        self.allow_place(&Place { path: path.to_owned(), directory: None }, access)
    }

    /// A place that isn't there is no failure: what is made there later is not allowed.
    fn allow_place(&self, place: &Place, access: BitFlags<AccessFs>) -> io::Result<()> {
        // The name of an own descriptor is a link by nature; all others must be what was listed.
        let own = place.path.starts_with("/proc/self/fd");
        let flags = OFlags::PATH | OFlags::CLOEXEC | if own { OFlags::empty() } else { OFlags::NOFOLLOW };
        let Ok(opened) = rustix::fs::open(&place.path, flags, Mode::empty()) else { return Ok(()) };
        if let Some(directory) = place.directory {
            match self.add(&opened, directory, access) {
                // It is a file now.
                Err(error) if directory && error.raw_os_error() == Some(libc::EINVAL) => {}
                done => return done,
            }
        }
        match FileType::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode) {
            FileType::Symlink => Ok(()),
            kind => self.add(&opened, kind == FileType::Directory, access),
        }
    }

    fn add(&self, place: &OwnedFd, directory: bool, access: BitFlags<AccessFs>) -> io::Result<()> {
        let access = access & self.handled;
        let access = if directory { access } else { access & AccessFs::from_file(ABI::V9) };
        if access.is_empty() {
            return Ok(());
        }
        let rule = Beneath { access: access.bits(), place: place.as_raw_fd() };
        let ruleset = self.ruleset.as_raw_fd();
        // SAFETY: both descriptors are open, and the kernel reads one structure, laid out as its own.
        match unsafe { libc::syscall(libc::SYS_landlock_add_rule, ruleset, BENEATH, &raw const rule, 0_u32) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Whether the permissions of files hold here already: a place in root's directory of settings that we can neither read
/// nor enter, nor make. A command gets no rights that the keeper hasn't, so the directory needn't be listed around it.
fn is_guarded(path: &Path) -> bool {
    use rustix::fs::Access;
    let refused = |path: &Path, access| {
        matches!(accessat(CWD, path, access, AtFlags::EACCESS), Err(Errno::ACCESS | Errno::NOENT | Errno::NOTDIR))
    };
    let Some(above) = path.parent().filter(|above| above.starts_with(SETTINGS)) else { return false };
    !rustix::process::geteuid().is_root()
        && refused(path, Access::READ_OK)
        && refused(path, Access::EXEC_OK)
        && [above, Path::new(SETTINGS)].into_iter().all(|above| refused(above, Access::WRITE_OK))
}

/// Root keeps what it needs to work with files, and nothing that reaches further. Others have no rights to lose.
fn drop_rights() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: libc::c_int,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Rights {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    /// `_LINUX_CAPABILITY_VERSION_3`: two words of 32 rights each.
    const VERSION: u32 = 0x2008_0522;
    let mut header = Header { version: VERSION, pid: 0 };
    let mut rights = [Rights { effective: 0, permitted: 0, inheritable: 0 }; 2];
    // SAFETY: both structures are laid out as the kernel's, and it writes no more than two elements.
    if unsafe { libc::syscall(libc::SYS_capget, &raw mut header, rights.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let kept = KEPT_RIGHTS.iter().fold(0_u32, |kept, right| kept | 1 << right);
    for (word, kept) in rights.iter_mut().zip([kept, 0]) {
        *word = Rights { effective: word.effective & kept, permitted: word.permitted & kept, inheritable: 0 };
    }
    // SAFETY: as above; the kernel only reads.
    if unsafe { libc::syscall(libc::SYS_capset, &raw mut header, rights.as_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
