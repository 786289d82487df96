//! How a program that only looks is described: what its arguments may be, and what it reads.

/// What a program reads because an argument names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// Nothing: arguments are text, numbers, names of processes.
    Nothing,
    /// Names, sizes, dates of files, not what is in them.
    Names,
    /// What is in files.
    Content,
    /// What is in all files below a directory, the current one if none is named.
    Tree,
}

/// Which arguments keep a program harmless. Whatever is not covered is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Args {
    /// All of them.
    Any,
    /// None at all.
    Nothing,
    /// Everything but options.
    Operands,
    /// All but these short and long options, abbreviations of the latter included.
    Except(&'static str, &'static str),
    /// Only these options: letters of short ones, long ones (`--x=` also with any value); no operands.
    Only(&'static str, &'static str),
    /// As before, operands too.
    OnlyOptions(&'static str, &'static str),
    /// These options, then one of these words, then what the word allows.
    Sub(&'static str, &'static [(&'static str, Args)]),
    /// Whatever the function agrees to.
    Check(fn(&[&str]) -> bool),
}

/// Programs that share a description.
pub(super) struct Known {
    pub(super) names: &'static str,
    pub(super) reads: Reads,
    pub(super) args: Args,
}

impl Args {
    /// Whether these arguments keep the program harmless.
    pub(super) fn allow(self, args: &[&str]) -> bool {
        match self {
            Self::Any => true,
            Self::Nothing => args.is_empty(),
            Self::Operands => args.iter().all(|arg| !is_option(arg)),
            Self::Except(short, long) => args.iter().all(|arg| !is_among(arg, short, long)),
            Self::Only(short, long) => args.iter().all(|arg| is_option(arg) && is_listed(arg, short, long)),
            Self::OnlyOptions(short, long) => args.iter().all(|arg| !is_option(arg) || is_listed(arg, short, long)),
            Self::Sub(flags, words) => sub(args, flags, words),
            Self::Check(check) => check(args),
        }
    }

    /// Whether an argument that is known only at run time can do no harm.
    pub(super) fn bear_anything(self) -> bool {
        matches!(self, Self::Any)
    }
}

pub(super) fn is_option(arg: &str) -> bool {
    arg.starts_with('-') && arg != "-" && arg != "--"
}

/// Too wide rather than too narrow: a letter anywhere in a cluster counts, and so does any abbreviation.
pub(super) fn is_among(arg: &str, short: &str, long: &str) -> bool {
    if arg.starts_with("--") {
        let name = arg.split('=').next().unwrap_or(arg);
        return name.len() > 2 && long.split_ascii_whitespace().any(|forbidden| forbidden.starts_with(name));
    }
    is_option(arg) && arg.chars().skip(1).any(|c| short.contains(c))
}

/// Exactly one of these, or a cluster of these letters, a number at its end allowed (`-n5`).
pub(super) fn is_listed(arg: &str, short: &str, long: &str) -> bool {
    let exact = |listed: &str| match listed.strip_suffix('=') {
        Some(name) => arg.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')),
        None => arg == listed,
    };
    if long.split_ascii_whitespace().any(exact) {
        return true;
    }
    let Some(cluster) = arg.strip_prefix('-').filter(|cluster| !cluster.starts_with('-')) else { return false };
    let letters = cluster.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.chars().all(|c| short.contains(c)) && (!letters.is_empty() || short.contains('#'))
}

fn sub(args: &[&str], flags: &str, words: &[(&str, Args)]) -> bool {
    for (index, arg) in args.iter().enumerate() {
        if is_option(arg) {
            if !is_listed(arg, "", flags) {
                return false;
            }
        } else {
            let rule = words.iter().find(|(word, _)| word == arg);
            return rule.is_some_and(|(_, rest)| rest.allow(&args[index + 1..]));
        }
    }
    // Only options, or nothing: the program shows its version, its help, or a list.
    words.iter().any(|(word, rest)| word.is_empty() && rest.allow(args))
        || (!args.is_empty() && asks_about_itself(args))
}

pub(super) fn asks_about_itself(args: &[&str]) -> bool {
    matches!(args, ["--version" | "--help" | "-V"])
}
