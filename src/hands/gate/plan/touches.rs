//! What a program touches, as far as its arguments tell: for the card, and for the question whether it can destroy.

use pryx_terms::Access;
use std::path::{Path, PathBuf};

/// What one program touches.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::gate) struct Touches {
    /// In the order of the arguments.
    pub list: Vec<Access>,
    /// Nothing else is touched: every argument was understood, and the program is one whose effects are these alone.
    pub complete: bool,
    /// What was in one place is in another afterwards: a second write in the same plan could meet it there.
    pub moves: bool,
}

/// Works it out for a program that runs in a directory.
pub(in crate::gate) fn touches(name: &str, args: &[&str], dir: &Path) -> Touches {
    let place = |path: &str| super::lookup::tidy(&dir.join(path));
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let all = |make: fn(String) -> Access| -> Vec<Access> {
        operands(args).into_iter().map(|path| make(text(&place(path)))).collect()
    };
    let read = |path| Access::Read { path };
    let (add, write) = (|path| Access::Add { path }, |path| Access::Write { path });
    match name {
        "touch" => Touches { list: all(add), complete: only_flags(args, "acmh"), ..Touches::default() },
        "mkdir" => Touches { list: all(add), complete: only_flags(args, "pv"), ..Touches::default() },
        "tee" => {
            let adds = args.iter().any(|arg| *arg == "-a" || *arg == "--append");
            Touches {
                list: all(if adds { add } else { write }),
                complete: only_flags(args, "ai"),
                ..Touches::default()
            }
        }
        "rm" | "rmdir" | "unlink" | "shred" => {
            Touches { list: all(|path| Access::Delete { path }), ..Touches::default() }
        }
        "truncate" | "chmod" | "chown" | "chgrp" => {
            // The first operand of the last three is no file.
            let skip = usize::from(name != "truncate");
            Touches { list: all(write).into_iter().skip(skip).collect(), ..Touches::default() }
        }
        "cp" | "mv" | "install" | "ln" => copies(name, args, dir),
        "dd" => {
            let list = args.iter().filter_map(|arg| {
                let (key, path) = arg.split_once('=')?;
                let path = text(&place(path));
                matches!(key, "if" | "of").then(|| if key == "of" { write(path) } else { read(path) })
            });
            Touches { list: list.collect(), ..Touches::default() }
        }
        "curl" | "wget" | "http" | "https" | "ssh" | "scp" | "sftp" | "rsync" | "ping" | "ping6" | "nc" | "telnet"
        | "dig" | "host" | "nslookup" | "git" => {
            let hosts = args.iter().filter(|arg| !arg.starts_with('-')).filter_map(|arg| host_of(name, arg));
            Touches { list: hosts.map(|host| Access::Contact { host }).collect(), ..Touches::default() }
        }
        "cat" | "head" | "tail" | "less" | "more" | "bat" | "wc" | "sort" | "uniq" | "cut" | "diff" | "cmp"
        | "grep" | "egrep" | "fgrep" | "rg" | "sed" | "awk" | "jq" | "xxd" | "base64" | "strings" | "file"
        | "md5sum" | "sha256sum" | "tar" | "python" | "python3" | "bash" | "sh" | "node" | "perl" | "ruby" => {
            let there = operands(args).into_iter().map(place).filter(|path| path.exists());
            let in_place = name == "sed" && args.iter().any(|arg| arg.starts_with("-i") || arg.starts_with("--in"));
            let make = if in_place { write } else { read };
            Touches { list: there.map(|path| make(text(&path))).collect(), ..Touches::default() }
        }
        _ => Touches::default(),
    }
}

fn operands<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().filter(|arg| !arg.starts_with('-') || **arg == "-").copied().collect()
}

/// Whether all options are clusters of these letters, before the first operand or behind it.
fn only_flags(args: &[&str], letters: &str) -> bool {
    let fine = |arg: &&str| match arg.strip_prefix('-') {
        Some(cluster) => !cluster.is_empty() && cluster.chars().all(|c| letters.contains(c)),
        None => true,
    };
    args.iter().all(fine)
}

/// `cp A B`, `cp A B DIR`, and the like.
fn copies(name: &str, args: &[&str], dir: &Path) -> Touches {
    let operands = operands(args);
    let Some((last, sources)) = operands.split_last().filter(|(_, sources)| !sources.is_empty()) else {
        return Touches::default();
    };
    let place = |path: &str| super::lookup::tidy(&dir.join(path));
    let target = place(last);
    let into = target.is_dir();
    // Without `-R`, cp follows no links but those it is told by name; `-r` follows all on macOS.
    let flags = match name {
        "cp" if cfg!(target_os = "macos") => "pvnai",
        "cp" => "pvnairR",
        "mv" => "vni",
        _ => "",
    };
    let known = matches!(name, "cp" | "mv") && only_flags(args, flags);
    let mut list = Vec::new();
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    for source in sources {
        let from = place(source);
        let to = from.file_name().filter(|_| into).map_or_else(|| target.clone(), |name| target.join(name));
        let from = text(from);
        list.push(if name == "mv" { Access::Delete { path: from } } else { Access::Read { path: from } });
        list.push(Access::Write { path: text(to) });
    }
    // Several into what is no directory is an error of theirs; `..` as a source has no name to be given.
    let clear = (into || sources.len() == 1) && sources.iter().all(|source| place(source).file_name().is_some());
    Touches { list, complete: known && clear, moves: name == "mv" }
}

/// The machine that an argument names.
fn host_of(name: &str, arg: &str) -> Option<String> {
    let after_scheme = arg.split_once("://").map(|(_, rest)| rest);
    let rest = match (after_scheme, name) {
        (Some(rest), _) => rest,
        (None, "ssh" | "ping" | "ping6" | "nc" | "telnet" | "dig" | "host" | "nslookup" | "sftp") => arg,
        // `host:path`; for the others an address may go without a scheme.
        (None, "scp" | "rsync" | "git") => arg.split_once(':').map(|(host, _)| host).filter(|h| !h.contains('/'))?,
        (None, _) => arg,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
    let named = !host.is_empty() && host.chars().all(plain) && (after_scheme.is_some() || host.contains(['.', ':']));
    let named = named || (name == "ssh" && !host.is_empty() && host.chars().all(plain));
    named.then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{host_of, touches};
    use pryx_terms::Access;
    use std::path::Path;

    #[test]
    fn what_is_touched_is_named_with_its_whole_path() {
        let dir = Path::new("/nowhere/w");
        let found = touches("mv", &["-n", "a", "./b"], dir);
        assert!(found.complete && found.moves);
        let paths = [Access::Delete { path: "/nowhere/w/a".into() }, Access::Write { path: "/nowhere/w/b".into() }];
        assert_eq!(found.list, paths);
        assert!(!touches("mv", &["-t", "d", "a"], dir).complete);
        assert!(!touches("cp", &["--target-directory=d", "a", "b"], dir).complete);
        assert!(!touches("rm", &["a"], dir).complete, "what is deleted is gone");
        assert!(touches("mkdir", &["-p", "x/y"], dir).complete);
        assert!(!touches("mkdir", &["-m", "777", "x"], dir).complete);
    }

    #[test]
    fn hosts_are_found_in_addresses() {
        for (name, arg, host) in [
            ("curl", "https://user:pw@Example.com:8443/x?y", Some("example.com")),
            ("curl", "example.com/x", Some("example.com")),
            ("curl", "http://[::1]:80/", Some("::1")),
            ("curl", "data", None),
            ("ssh", "me@build", Some("build")),
            ("scp", "me@h.example:x", Some("h.example")),
            ("scp", "./x", None),
            ("git", "git@h.example:a/b", Some("h.example")),
            ("git", "push", None),
            ("curl", "https://a.example@b.example/", Some("b.example")),
        ] {
            assert_eq!(host_of(name, arg).as_deref(), host, "{name} {arg}");
        }
    }
}
