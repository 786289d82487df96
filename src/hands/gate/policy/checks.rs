//! Programs whose harmless uses need more than a list of options.

use super::known::is_option;

/// `uniq in out` writes its second operand.
pub(super) fn uniq(args: &[&str]) -> bool {
    let mut operands = 0;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "-f" | "-s" | "-w" => drop(args.next()),
            arg if is_option(arg) => {}
            _ => operands += 1,
        }
    }
    operands <= 1
}

/// So does `xxd in out`; `-r` makes bytes of text.
pub(super) fn xxd(args: &[&str]) -> bool {
    let mut operands = 0;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "-l" | "-c" | "-s" | "-g" | "-len" | "-cols" | "-seek" | "-o" => drop(args.next()),
            arg if arg.starts_with("-r") => return false,
            arg if is_option(arg) => {}
            _ => operands += 1,
        }
    }
    operands <= 1
}

/// Only predicates that look. `-exec` is among them because the plan holds what it starts.
pub(super) fn find(args: &[&str]) -> bool {
    const LOOKS: &[&str] = &[
        "-H",
        "-L",
        "-P",
        "-E",
        "-x",
        "-s",
        "-name",
        "-iname",
        "-path",
        "-ipath",
        "-wholename",
        "-iwholename",
        "-regex",
        "-iregex",
        "-type",
        "-xtype",
        "-size",
        "-mtime",
        "-mmin",
        "-atime",
        "-amin",
        "-ctime",
        "-cmin",
        "-newer",
        "-anewer",
        "-cnewer",
        "-newermt",
        "-newerct",
        "-newerat",
        "-maxdepth",
        "-mindepth",
        "-empty",
        "-user",
        "-group",
        "-uid",
        "-gid",
        "-perm",
        "-links",
        "-inum",
        "-samefile",
        "-lname",
        "-ilname",
        "-nouser",
        "-nogroup",
        "-readable",
        "-writable",
        "-executable",
        "-prune",
        "-print",
        "-print0",
        "-printf",
        "-ls",
        "-quit",
        "-depth",
        "-d",
        "-xdev",
        "-mount",
        "-follow",
        "-daystart",
        "-true",
        "-false",
        "-not",
        "-o",
        "-or",
        "-a",
        "-and",
        "-regextype",
        "-fstype",
        "-noleaf",
        "-ignore_readdir_race",
        "-warn",
        "-nowarn",
        "-used",
        "-version",
        "--version",
        "-O1",
        "-O2",
        "-O3",
    ];
    // Options of the started command stand between `-exec` and its end; they are ruled on with that command.
    let mut in_command = false;
    args.iter().all(|arg| {
        if in_command {
            in_command = !matches!(*arg, ";" | "+");
            return true;
        }
        in_command = matches!(*arg, "-exec" | "-execdir" | "-ok" | "-okdir");
        let number = arg.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        in_command || !is_option(arg) || number || LOOKS.contains(arg)
    })
}

/// Listing only, without the options that start helpers, from files that can't be mistaken for another host.
pub(super) fn tar(args: &[&str]) -> bool {
    let Some((first, rest)) = args.split_first() else { return false };
    let cluster = |arg: &str| {
        let letters = arg.strip_prefix('-').unwrap_or(arg);
        letters.contains('t') && letters.chars().all(|c| "tvfzjJa".contains(c))
    };
    let listing = *first == "--list" || (!first.starts_with("--") && cluster(first));
    listing
        && rest.iter().all(|arg| {
            matches!(
                *arg,
                "-v" | "-f" | "-z" | "-j" | "-J" | "-a" | "--gzip" | "--xz" | "--bzip2" | "--zstd" | "--verbose"
            ) || !arg.starts_with('-') && !arg.contains(':')
        })
}

/// Not the environments of other processes (`ps e`, `ps -E`): keys and tokens live there.
pub(super) fn ps(args: &[&str]) -> bool {
    const LONG: &[&str] = &["--no-headers", "--no-heading", "--forest", "--headers", "--cumulative", "--deselect"];
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let fine = if let Some((name, _)) = arg.split_once('=').filter(|_| arg.starts_with("--")) {
            ["--sort", "--pid", "--ppid", "--user", "--group", "--format", "--tty"].contains(&name)
        } else if *arg == "--sort" {
            args.next().is_some_and(|keys| keys.chars().all(|c| c.is_ascii_lowercase() || "%+-,_".contains(c)))
        } else if arg.starts_with("--") {
            LONG.contains(arg)
        } else if let Some(letters) = arg.strip_prefix('-') {
            // Those that take a value: in the same word, or the next.
            match letters.find(|c: char| "oOpCuUgGtsqk".contains(c)) {
                Some(at) if at + 1 == letters.len() => args.next().is_some() && plain_ps(letters),
                Some(at) => plain_ps(&letters[..=at]),
                None => plain_ps(letters),
            }
        } else {
            // BSD letters, of which `e` shows the environment; or process numbers.
            arg.chars().all(|c| c.is_ascii_digit() || c == ',') || arg.chars().all(|c| "aAfjlmuvwxTrcSh".contains(c))
        };
        if !fine {
            return false;
        }
    }
    true
}

fn plain_ps(letters: &str) -> bool {
    letters.chars().all(|c| "aAdefFlLjHTwcMmyVZPoOpCuUgGtsqkr".contains(c))
}

/// In batch mode: the interactive one can kill and renice.
pub(super) fn top(args: &[&str]) -> bool {
    let batch =
        args.iter().any(|arg| arg.strip_prefix('-').is_some_and(|a| a.starts_with('b')) || arg.starts_with("-l"));
    batch && args.iter().all(|arg| !arg.starts_with('-') || is_listed_top(arg))
}

fn is_listed_top(arg: &str) -> bool {
    arg.starts_with("-o")
        || arg.chars().skip(1).all(|c| c.is_ascii_digit() || "bnHcidlpuws1".contains(c))
        || arg == "-stats"
}

/// Showing, not setting; `-f` reads dates from a file, except on macOS beside `-j`, where it is a format.
pub(super) fn date(args: &[&str]) -> bool {
    let mut args = args.iter().peekable();
    let converts = args.clone().any(|arg| *arg == "-j");
    while let Some(arg) = args.next() {
        match *arg {
            "-d" | "--date" | "-r" => drop(args.next()),
            "-f" if converts => {
                args.next();
                args.next();
            }
            "-u" | "-R" | "-j" | "--utc" | "--universal" | "--rfc-email" => {}
            arg if arg.starts_with('+') => {}
            arg if ["-I", "--iso-8601", "--rfc-3339=", "--date=", "-v", "-d"].iter().any(|ok| arg.starts_with(ok)) => {}
            "--version" | "--help" => {}
            _ => return false,
        }
    }
    true
}

/// Local databases; hosts would be asked of a server, shadow holds passwords.
pub(super) fn getent(args: &[&str]) -> bool {
    matches!(args, ["passwd" | "group" | "services" | "protocols" | "rpc" | "shells" | "initgroups", rest @ ..]
        if rest.iter().all(|arg| !is_option(arg)))
}

pub(super) fn sysctl(args: &[&str]) -> bool {
    args.iter().all(|arg| {
        matches!(*arg, "-a" | "-n" | "-A" | "-e" | "-N" | "-an" | "-h") || !is_option(arg) && !arg.contains('=')
    })
}

/// `ip [options] object [show …]`: no verb, or one that shows.
pub(super) fn ip(args: &[&str]) -> bool {
    const OPTIONS: &[&str] = &[
        "-4",
        "-6",
        "-s",
        "-br",
        "-brief",
        "-c",
        "-color",
        "-color=auto",
        "-o",
        "-oneline",
        "-j",
        "-json",
        "-p",
        "-d",
        "-details",
        "-h",
        "-human",
    ];
    const OBJECTS: &[&str] = &[
        "a",
        "addr",
        "address",
        "l",
        "link",
        "r",
        "route",
        "n",
        "neigh",
        "neighbor",
        "neighbour",
        "rule",
        "maddr",
        "tunnel",
    ];
    let rest: Vec<&str> = args.iter().skip_while(|arg| OPTIONS.contains(arg)).copied().collect();
    match rest.as_slice() {
        [object] => OBJECTS.contains(object),
        [object, "show" | "list" | "ls", ..] => OBJECTS.contains(object),
        ["r" | "route", "get", address] => address.parse::<std::net::IpAddr>().is_ok(),
        _ => false,
    }
}

/// Words that show; the secrets of connections need `-s`.
pub(super) fn nmcli(args: &[&str]) -> bool {
    matches!(
        args,
        [] | ["general" | "g" | "device" | "dev" | "d" | "connection" | "con" | "c" | "radio"]
            | ["general" | "device" | "dev" | "d", "status"]
            | ["device" | "dev" | "d" | "connection" | "con" | "c", "show"]
            | ["connection" | "con" | "c", "show", "--active"]
    )
}

/// A few packets to an address. A name would be sent to a server, and a name can carry data.
pub(super) fn ping(args: &[&str]) -> bool {
    const MOST_PACKETS: u32 = 20;
    let mut count = None;
    let mut target = false;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "-c" => count = args.next().and_then(|n| n.parse::<u32>().ok()),
            "-W" | "-w" | "-t" | "-i" => {
                if !args.next().is_some_and(|n| n.parse::<f32>().is_ok_and(|n| n >= 0.2)) {
                    return false;
                }
            }
            "-n" | "-q" | "-4" | "-6" => {}
            arg if arg.starts_with("-c") => count = arg[2..].parse().ok(),
            arg => target = !target && (arg == "localhost" || arg.parse::<std::net::IpAddr>().is_ok()),
        }
        if count.is_some_and(|count| count > MOST_PACKETS) {
            return false;
        }
    }
    target && count.is_some()
}

/// `-q…` first; macros and formats with macros can start programs.
pub(super) fn rpm(args: &[&str]) -> bool {
    let query =
        |arg: &str| arg.starts_with("-q") && arg.chars().skip(1).all(|c| "qailfcdRsv".contains(c)) || arg == "--query";
    args.first().is_some_and(|arg| query(arg))
        && args[1..].iter().all(|arg| {
            !is_option(arg)
                || matches!(
                    *arg,
                    "--last" | "--changelog" | "--requires" | "--provides" | "--scripts" | "--whatprovides" | "--all"
                )
                || arg.starts_with('-')
                    && !arg.starts_with("--")
                    && arg.chars().skip(1).all(|c| "ailfcdRsv".contains(c))
        })
}

pub(super) fn version(args: &[&str]) -> bool {
    matches!(args, ["--version" | "-version" | "-V"])
}

/// What follows an `@` is an address: a name would be sent to a server, and a name can carry data.
pub(super) fn plain_host(arg: &str) -> bool {
    let Some((_, host)) = arg.split_once('@') else { return true };
    is_address(host)
}

/// An address in figures, perhaps with a port.
fn is_address(text: &str) -> bool {
    let host = match text.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None if text.matches(':').count() > 1 => text,
        None => text.split(':').next().unwrap_or_default(),
    };
    let host = host.split('/').next().unwrap_or_default();
    host.is_empty() || matches!(host, "*" | "localhost") || host.parse::<std::net::IpAddr>().is_ok()
}

/// `ss`'s filter, of words that it knows, ports and addresses in figures.
pub(super) fn socket_filter(args: &[&str]) -> bool {
    const WORDS: &[&str] = &[
        "state",
        "exclude",
        "dst",
        "src",
        "sport",
        "dport",
        "and",
        "or",
        "not",
        "eq",
        "neq",
        "ne",
        "gt",
        "ge",
        "geq",
        "lt",
        "le",
        "leq",
        "=",
        "==",
        "!=",
        ">",
        ">=",
        "<",
        "<=",
        "!",
        "&",
        "&&",
        "|",
        "||",
        "all",
        "connected",
        "synchronized",
        "bucket",
        "big",
        "established",
        "syn-sent",
        "syn-recv",
        "fin-wait-1",
        "fin-wait-2",
        "time-wait",
        "closed",
        "close-wait",
        "last-ack",
        "listening",
        "listen",
        "closing",
        "inet",
        "inet6",
        "link",
        "unix",
        "netlink",
        "vsock",
        "xdp",
        "tcp",
        "udp",
        "raw",
        "dccp",
        "sctp",
        "mptcp",
        "packet",
    ];
    let operands = args.iter().filter(|arg| !is_option(arg));
    let mut words = operands.flat_map(|arg| arg.split([' ', '\t', '\n', '(', ')', ',']));
    words.all(|word| {
        let number = word.chars().all(|c| c.is_ascii_digit());
        WORDS.contains(&word) || number || is_address(word)
    })
}
