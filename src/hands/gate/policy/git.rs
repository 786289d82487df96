//! git: the verbs that show, without the options that write or start something.

use super::known::{is_among, is_option};

/// Verbs that show; see the plan for what a repository's own settings could start.
pub(super) fn only_shows(args: &[&str]) -> bool {
    let mut args = args;
    loop {
        args = match args {
            ["-C", _, rest @ ..]
            | ["--no-pager" | "-P" | "--no-optional-locks" | "--no-replace-objects", rest @ ..] => rest,
            _ => break,
        };
    }
    let Some((verb, rest)) = args.split_first() else { return true };
    let no = |short: &str, long: &str| rest.iter().all(|arg| !is_among(arg, short, long));
    let only = |flags: &[&str]| {
        rest.iter().all(|arg| flags.iter().any(|flag| arg == flag || flag.ends_with('=') && arg.starts_with(flag)))
    };
    match *verb {
        "--version" | "version" => rest.is_empty(),
        "status" | "describe" | "rev-parse" | "ls-files" | "ls-tree" | "rev-list" | "name-rev" | "merge-base"
        | "for-each-ref" | "show-ref" | "count-objects" | "check-ignore" | "cherry" | "shortlog" | "blame"
        | "diff-tree" | "diff-index" | "diff-files" | "whatchanged" | "range-diff" | "show-branch" => {
            no("", "--output --ext-diff --textconv --submodule --exec --stdin")
        }
        "log" | "show" | "diff" => no("", "--output --ext-diff --textconv --submodule --no-index"),
        "cat-file" => no("", "--textconv --filters --batch-command"),
        "grep" => no("O", "--open-files-in-pager --textconv --no-index --recurse-submodules"),
        "branch" => git_branch(rest),
        "tag" => rest.is_empty() || listing_tags(rest),
        "remote" => matches!(rest, [] | ["-v" | "--verbose"] | ["get-url", _]),
        "stash" => matches!(rest, ["list", ..] | ["show", ..]) && no("", "--output --ext-diff --textconv --submodule"),
        "reflog" => matches!(rest, [] | ["show", ..]) && no("", "--output --ext-diff --textconv --submodule"),
        "worktree" => matches!(rest, ["list"] | ["list", "--porcelain" | "-v"]),
        "submodule" => matches!(rest, ["status"] | []),
        "config" => {
            let listing =
                only(&["--list", "-l", "--global", "--local", "--system", "--show-origin", "--show-scope", "list"]);
            listing && !rest.is_empty()
                || matches!(rest, ["--get" | "--get-all" | "get", _] | ["--global" | "--local", "--get" | "get", _])
        }
        _ => false,
    }
}

fn git_branch(args: &[&str]) -> bool {
    const SHOWS: &[&str] = &[
        "-a",
        "-r",
        "-v",
        "-vv",
        "-av",
        "-avv",
        "-rv",
        "--all",
        "--remotes",
        "--verbose",
        "--show-current",
        "--list",
        "-l",
        "--no-color",
        "--ignore-case",
    ];
    const WITH_VALUE: &[&str] = &["--contains", "--no-contains", "--merged", "--no-merged", "--points-at"];
    let lists = args.iter().any(|arg| *arg == "--list" || WITH_VALUE.contains(arg));
    args.iter().all(|arg| {
        let valued = arg.starts_with("--sort=") || arg.starts_with("--format=") || WITH_VALUE.contains(arg);
        SHOWS.contains(arg) || valued || !is_option(arg) && lists
    })
}

fn listing_tags(args: &[&str]) -> bool {
    let lists = args
        .iter()
        .any(|arg| matches!(*arg, "-l" | "--list") || arg.starts_with("--points-at") || arg.starts_with("--contains"));
    args.iter().all(|arg| {
        let number = arg.strip_prefix("-n").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()));
        let flag = matches!(*arg, "-l" | "--list" | "--points-at" | "--contains") || number;
        flag || arg.starts_with("--sort=") || arg.starts_with("--format=") || !is_option(arg) && lists
    })
}
