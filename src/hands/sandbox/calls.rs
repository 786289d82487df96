//! System calls that a confined command doesn't get: those that reach into other processes, change what the file system
//! is, go around the rules on files, or open a way out when there is to be none.

use super::Network;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};
use std::collections::BTreeMap;
use std::io;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Refused whatever their arguments.
const NEVER: &[libc::c_long] = &[
    // Other processes' memory and descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_process_mrelease,
    // What the file system is.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_acct,
    // Files without their path, and watching all of them.
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    // The kernel itself.
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_reboot,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    // The session's keyring.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
];

/// As if this kernel didn't have them; callers then take another way. The flags of `clone3` lie in memory, where a
/// filter can't see them; `io_uring` opens files and sockets without the calls that are filtered. Memory, semaphores and
/// queues that have numbers or names outside of the file system belong to all processes of a person, and a filter can't
/// tell whose number it is.
const ABSENT: &[libc::c_long] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// They change how another process runs, which the first argument names; 0 is the caller. A filter can't know the
/// numbers of a command's own threads, so these are refused too.
const OF_ONE: &[libc::c_long] = &[
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setattr,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
];

/// The same, with what the second argument names first: processes, their groups, all of a user. Only the caller itself
/// is let through.
const OF_MANY: &[(libc::c_long, u64)] = &[(libc::SYS_setpriority, 0), (libc::SYS_ioprio_set, 1)];

/// Namespaces: in a new one, a process has rights that it has not here.
const NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// As above; in `clone` this bit belongs to a signal's number.
const NEWTIME: libc::c_int = 0x80;

/// They put text into a terminal's input, as if a person had typed it: TIOCSTI, TIOCLINUX, TIOCCONS, the same numbers on
/// all processors that have a filter. (The C libraries don't agree on their type.)
const TYPES: &[u64] = &[0x5412, 0x541c, 0x541d];

/// What a socket's type is besides its flags.
const TYPE_MASK: u64 = 0xf;

/// The filters, in the order in which they are to be loaded. `door` says whether another one sees to sockets of the file
/// system; if not, there are none.
pub(super) fn filters(network: &Network, door: bool) -> io::Result<Vec<BpfProgram>> {
    let mut never: Rules = NEVER.iter().map(|call| (*call, Vec::new())).collect();
    let spaces = |bits: &[libc::c_int]| bits.iter().map(|bit| rule(&[bit_set(0, *bit)])).collect::<Result<_, _>>();
    never.insert(libc::SYS_clone, spaces(NAMESPACES)?);
    never.insert(libc::SYS_unshare, spaces(&[NAMESPACES, &[NEWTIME]].concat())?);
    let types = TYPES.iter().map(|request| rule(&[(1, Op::Eq, *request)])).collect::<Result<_, _>>()?;
    never.insert(libc::SYS_ioctl, types);
    never.extend(others()?);
    let absent = ABSENT.iter().map(|call| (*call, Vec::new())).collect();
    let mut out = Rules::from([(libc::SYS_socket, sockets(network, door)?)]);
    out.insert(libc::SYS_socketpair, pairs()?);
    if *network != Network::All {
        out.insert(libc::SYS_listen, Vec::new());
        out.extend(fast_opens()?);
    }
    Ok(vec![first(compile(never, libc::EPERM)?), compile(absent, libc::ENOSYS)?, compile(out, libc::EACCES)?])
}

/// What there is instead of a door where none can be had.
pub(super) fn no_door() -> io::Result<BpfProgram> {
    let unix = rule(&[(0, Op::Eq, u64::from(libc::AF_UNIX.cast_unsigned()))])?;
    compile(Rules::from([(libc::SYS_socket, vec![unix])]), libc::EACCES)
}

/// What changes how other processes run.
fn others() -> io::Result<Rules> {
    let mut rules = Rules::new();
    for call in OF_ONE {
        rules.insert(*call, vec![rule(&[(0, Op::Ne, 0)])?]);
    }
    for (call, process) in OF_MANY {
        rules.insert(*call, vec![rule(&[(0, Op::Ne, *process)])?, rule(&[(1, Op::Ne, 0)])?]);
    }
    // To ask for another's limits changes nothing: then there are no new ones. They are an address, so all of it counts.
    let limits = [(0, Len::Dword), (2, Len::Qword)].map(|(arg, length)| SeccompCondition::new(arg, length, Op::Ne, 0));
    let limits = limits.into_iter().collect::<Result<_, _>>().map_err(io::Error::other)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(limits).map_err(io::Error::other)?]);
    Ok(rules)
}

/// What goes around the rules on ports: data that opens its connection without `connect`. `listen` does it without
/// `bind`, by a port that the kernel picks.
fn fast_opens() -> io::Result<Rules> {
    let fast = |arg| rule(&[bit_set(arg, libc::MSG_FASTOPEN)]).map(|rule| vec![rule]);
    let option = |option: libc::c_int| u64::from(option.cast_unsigned());
    let later = rule(&[(1, Op::Eq, option(libc::IPPROTO_TCP)), (2, Op::Eq, option(libc::TCP_FASTOPEN_CONNECT))])?;
    Ok(Rules::from([
        (libc::SYS_sendto, fast(3)?),
        (libc::SYS_sendmsg, fast(2)?),
        (libc::SYS_sendmmsg, fast(3)?),
        (libc::SYS_setsockopt, vec![later]),
    ]))
}

/// Pairs of datagram sockets: each of them could send to any socket of the file system, by its path.
fn pairs() -> io::Result<Vec<SeccompRule>> {
    let kinds = [libc::SOCK_DGRAM, libc::SOCK_RAW].map(|kind| u64::from(kind.cast_unsigned()));
    kinds.iter().map(|kind| rule(&[(1, Op::MaskedEq(TYPE_MASK), *kind)])).collect()
}

type Test = (u8, Op, u64);

fn bit_set(arg: u8, bit: libc::c_int) -> Test {
    let bit = u64::from(bit.cast_unsigned());
    (arg, Op::MaskedEq(bit), bit)
}

/// The kernel looks at the lower half of all these arguments.
fn rule(tests: &[Test]) -> io::Result<SeccompRule> {
    let conditions = tests.iter().map(|(arg, op, value)| SeccompCondition::new(*arg, Len::Dword, op.clone(), *value));
    let conditions = conditions.collect::<Result<_, _>>().map_err(io::Error::other)?;
    SeccompRule::new(conditions).map_err(io::Error::other)
}

/// The sockets that are refused.
fn sockets(network: &Network, door: bool) -> io::Result<Vec<SeccompRule>> {
    let number = |family: libc::c_int| u64::from(family.cast_unsigned());
    let (inet, netlink) = ([number(libc::AF_INET), number(libc::AF_INET6)], number(libc::AF_NETLINK));
    let mut families = vec![netlink];
    if door {
        families.push(number(libc::AF_UNIX));
    }
    if *network != Network::None {
        families.extend(inet);
    }
    let others: Vec<Test> = families.iter().map(|family| (0, Op::Ne, *family)).collect();
    let mut rules = vec![rule(&others)?];
    // Of netlink only the part that lists addresses, which resolvers need.
    rules.push(rule(&[(0, Op::Eq, netlink), (2, Op::Ne, number(libc::NETLINK_ROUTE))])?);
    for family in inet {
        rules.push(rule(&[(0, Op::Eq, family), (1, Op::MaskedEq(TYPE_MASK), number(libc::SOCK_RAW))])?);
        if let Network::Ports(_) = network {
            // The rules on ports hold for TCP alone: neither datagrams nor TCP's relatives may go around them.
            for kind in [libc::SOCK_DGRAM, libc::SOCK_SEQPACKET, libc::SOCK_RDM, libc::SOCK_DCCP] {
                rules.push(rule(&[(0, Op::Eq, family), (1, Op::MaskedEq(TYPE_MASK), number(kind))])?);
            }
            let (default, tcp) = (0, number(libc::IPPROTO_TCP));
            rules.push(rule(&[(0, Op::Eq, family), (2, Op::Ne, default), (2, Op::Ne, tcp)])?);
        }
    }
    Ok(rules)
}

fn compile(rules: Rules, errno: libc::c_int) -> io::Result<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let refuse = SeccompAction::Errno(errno.cast_unsigned());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).map_err(io::Error::other)?;
    filter.try_into().map_err(io::Error::other)
}

/// Puts a gate before the filter: on x86-64 each call has a second number (the x32 interface), which the filter's rules
/// don't know.
#[cfg(target_arch = "x86_64")]
fn first(program: BpfProgram) -> BpfProgram {
    const LOAD_NUMBER: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const X32: u32 = 0x4000_0000;
    let absent = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();
    let gate = [
        sock_filter { code: LOAD_NUMBER, jt: 0, jf: 0, k: 0 },
        sock_filter { code: JUMP_IF_AT_LEAST, jt: 0, jf: 1, k: X32 },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: absent },
    ];
    gate.into_iter().chain(program).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn first(program: BpfProgram) -> BpfProgram {
    program
}
