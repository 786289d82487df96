//! What the shell does itself: the builtins that change what later commands mean.

use super::{Arg, Invocation, Planner, enter};
use pryx_terms::visible;
use std::path::Path;

/// Builtins of bash and sh. Everything else is a program, looked for along PATH.
const BUILTINS: &[&str] = &[
    ":",
    ".",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// Reserved words, which are commands only in strange text.
const RESERVED: &[&str] = &[
    "!",
    "{",
    "}",
    "[[",
    "]]",
    "case",
    "coproc",
    "do",
    "done",
    "elif",
    "else",
    "esac",
    "fi",
    "for",
    "function",
    "if",
    "in",
    "select",
    "then",
    "time",
    "until",
    "while",
    "namespace",
];

/// Variables that a command may be given: language, time zone, width and colour of its output.
const HARMLESS: &[&str] = &[
    "LANG",
    "LANGUAGE",
    "TZ",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "TERM",
    "CI",
];

pub(super) fn is_builtin(name: &str) -> bool {
    BUILTINS.contains(&name)
}

pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

fn is_harmless(name: &str) -> bool {
    HARMLESS.contains(&name) || name.starts_with("LC_")
}

/// A variable of the script's own. Lower case by custom; what programs look at is in upper case, except proxies.
pub(super) fn is_own(name: &str) -> bool {
    let lower = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    lower && name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with("_proxy") && name != "histchars"
}

/// The question that a variable set for one command leaves open.
pub(in crate::gate) fn set_for_command(name: &str) -> String {
    format!("it sets {}, which may change what the command does", visible(name))
}

/// Whether a variable may stand before a command that a human granted: it names no program, no file and no option.
pub(in crate::gate) fn quiet_variable(name: &str) -> bool {
    const LOUD: &[&str] = &[
        "PATH",
        "HOME",
        "IFS",
        "ENV",
        "SHELL",
        "PWD",
        "OLDPWD",
        "TMPDIR",
        "EDITOR",
        "VISUAL",
        "PAGER",
        "BROWSER",
        "CC",
        "CXX",
        "CPP",
        "LD",
        "AR",
        "AS",
        "NM",
        "FC",
        "RANLIB",
        "STRIP",
        "INSTALL",
        "V8_OPTIONS",
        "GCONV_PATH",
        "PS4",
        "PROMPT_COMMAND",
        "GLOBIGNORE",
        "MANPATH",
        "INFOPATH",
        "CLASSPATH",
        "CDPATH",
        "HISTFILE",
        "MAILCHECK",
    ];
    const LOUD_STARTS: &[&str] = &[
        "LD_",
        "DYLD_",
        "BASH_",
        "GIT_",
        "SSH_",
        "RUSTC",
        "CARGO_",
        "RUSTUP_",
        "PYTHON",
        "PERL",
        "RUBY",
        "NODE_",
        "NPM_",
        "npm_",
        "YARN_",
        "GO",
        "CGO_",
        "JAVA",
        "JDK",
        "MAVEN",
        "GRADLE",
        "DOCKER_",
        "KUBE",
        "AWS_",
        "XDG_",
        "PRYX_",
        "LESS",
        "MAKE",
        "CMAKE_",
        "PKG_CONFIG",
        "PIP_",
        "UV_",
        "POETRY",
        "GEM_",
        "BUNDLE",
        "LUA_",
        "PHP_",
        "DOTNET",
        "MSBUILD",
        "ZDOTDIR",
        "FPATH",
        "SUDO_",
        "DEBUGINFOD",
        "GDB",
        "VIM",
        "EMACS",
    ];
    const LOUD_ENDS: &[&str] = &[
        "_PATH", "_DIR", "_HOME", "_ROOT", "_FILE", "_CONFIG", "_PRELOAD", "_WRAPPER", "_COMMAND", "_CMD", "_SHELL",
        "_EDITOR", "_PAGER", "_OPTS", "_OPTIONS", "_ARGS", "FLAGS", "_PROXY", "_proxy", "_URL", "_HOST", "_BIN",
        "_EXE", "PATH", "_PROGRAM", "_RUNNER", "_LINKER", "_PLUGIN", "_PLUGINS", "_MODULE", "_RC",
    ];
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plain
        && !LOUD.contains(&name)
        && !LOUD_STARTS.iter().any(|start| name.starts_with(start))
        && !LOUD_ENDS.iter().any(|end| name.ends_with(end))
}

impl Planner<'_> {
    /// `NAME=value` by itself, and whatever else sets a variable of the shell.
    pub(super) fn sets(&mut self, name: &str) {
        self.loosens(name);
        if !is_harmless(name) && !is_own(name) {
            self.notes_set(name);
            self.ask(format!("it sets {name}, which may change what later commands do"));
        }
    }

    /// `NAME=value command`.
    pub(super) fn sets_for_command(&mut self, name: &str) {
        self.loosens(name);
        if !is_harmless(name) {
            self.notes_set(name);
            self.ask(set_for_command(name));
        }
    }

    fn notes_set(&mut self, name: &str) {
        let name = visible(name);
        if !self.sets.contains(&name) {
            self.sets.push(name);
        }
    }

    pub(super) fn builtin(&mut self, invocation: &Invocation) {
        let args = &invocation.args;
        match invocation.name.as_str() {
            "cd" => self.cd(args),
            "set" => self.set(args),
            "export" | "readonly" => self.export(&invocation.name, args),
            "unset" => self.names(args, &["-v"]),
            "read" => self.names(args, &["-r", "-s"]),
            "printf" | "wait" => self.no_name(invocation),
            "test" | "[" => self.test_builtin(invocation),
            "eval" | "source" | "." => self.ask(format!("{} runs text that is not in the plan", invocation.name)),
            "alias" | "unalias" | "hash" | "enable" | "shopt" | "trap" | "bind" | "complete" | "compgen"
            | "compopt" | "mapfile" | "readarray" | "let" | "declare" | "typeset" | "local" | "getopts" | "pushd"
            | "popd" | "fc" | "history" => {
                self.ask(format!("{} changes or evaluates something that the plan can't follow", invocation.name));
            }
            _ => {}
        }
    }

    fn cd(&mut self, args: &[Arg]) {
        let target = match args {
            [] => self.around.home.clone(),
            [arg] if !arg.unsure && !arg.text.starts_with('-') => Some(Path::new(&arg.text).to_owned()),
            _ => None,
        };
        let Some(target) = target else {
            return self.ask("which directory it changes to");
        };
        if self.loops > 0 {
            self.ask("it changes the directory in a loop");
        }
        if !enter(&mut self.dirs, &target) {
            self.ask("it changes the directory too often");
        }
    }

    /// Options that only make a script stricter. Others (`-k`, `-a`, `-f`) change what words mean.
    fn set(&mut self, args: &[Arg]) {
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let letters = arg.text.strip_prefix(['-', '+']).unwrap_or("?");
            let strict = !letters.is_empty() && letters.chars().all(|c| "euxo".contains(c)) && !arg.unsure;
            let named = !letters.ends_with('o')
                || args.next().is_some_and(|name| {
                    !name.unsure && matches!(name.text.as_str(), "pipefail" | "errexit" | "nounset" | "xtrace")
                });
            if !strict || !named {
                return self.ask("what set changes");
            }
        }
    }

    fn export(&mut self, builtin: &str, args: &[Arg]) {
        for arg in args {
            let name = arg.text.split('=').next().unwrap_or_default();
            let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if plain && builtin == "export" {
                self.sets_for_command(name);
            } else if plain {
                self.sets(name);
            } else {
                self.ask(format!("what {builtin} {} does", arg.text));
            }
        }
    }

    /// Only plain names of variables: a subscript would be evaluated.
    fn names(&mut self, args: &[Arg], options: &[&str]) {
        for arg in args {
            let plain = arg.text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if plain && !arg.unsure {
                self.sets(&arg.text);
            } else if arg.unsure || !options.contains(&arg.text.as_str()) {
                self.ask(format!("which variable {} is", arg.text));
            }
        }
    }

    /// `printf -v NAME` and `wait -p NAME` evaluate the subscript of a name.
    fn no_name(&mut self, invocation: &Invocation) {
        let name = invocation.name.as_str();
        let unclear = match (name, invocation.args.first()) {
            ("printf", Some(first)) => first.unsure || first.text.starts_with("-v"),
            ("wait", _) => invocation.args.iter().any(|arg| arg.unsure || arg.text.starts_with("-p")),
            _ => false,
        };
        if unclear {
            self.ask(format!("{name} may evaluate the name of a variable"));
        }
    }

    /// `test -v NAME` does the same; with unknown words between, what is an operator and what a name is unknown too.
    fn test_builtin(&mut self, invocation: &Invocation) {
        let mut args: &[Arg] = &invocation.args;
        if invocation.name == "[" {
            args = args.split_last().map_or(args, |(_, rest)| rest);
        }
        while let [first, rest @ ..] = args
            && first.text == "!"
            && !first.unsure
        {
            args = rest;
        }
        let evaluates = args.iter().any(|arg| matches!(arg.text.as_str(), "-v" | "-R"));
        let clear = match args {
            [] => true,
            [only] => !only.unsure || is_one_word(only),
            [operator, operand] => !operator.unsure && (!operand.unsure || is_one_word(operand)),
            [left, operator, right] => {
                !operator.unsure && [left, right].iter().all(|arg| !arg.unsure || is_one_word(arg))
            }
            many => many.iter().all(|arg| !arg.unsure),
        };
        if evaluates || !clear {
            self.ask(format!("{} may evaluate the name of a variable", invocation.name));
        }
    }
}

/// An unknown argument in double quotes stays one word, whatever it holds; except for `"$@"`.
fn is_one_word(arg: &Arg) -> bool {
    let inner = arg.text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.is_some_and(|inner| !inner.contains(['"', '@']))
}
