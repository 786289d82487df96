//! What a command finds in its environment. The brain's keys and the linker's hooks never get through.

use crate::HandsConfig;
use pryx_ipc::Io;
use pryx_terms::Actor;
use std::collections::BTreeMap;
use std::path::Path;

/// What an agent's command gets, if the client offers it. Everything else may be a secret, and a model that can run
/// `env` would read it.
const FOR_AGENTS: &[&str] = &[
    // Who and where.
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "HOSTNAME",
    // Language, time, and what the terminal can do.
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    // A window of the person's can be opened; its screen can be looked at with the same rights anyway.
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "EDITOR",
    "VISUAL",
    // Without these, toolchains that live elsewhere are not found and rebuilt from nothing.
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "CARGO_TARGET_DIR",
    "GOPATH",
    "GOROOT",
    "JAVA_HOME",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "NVM_DIR",
    "PYENV_ROOT",
    "NODE_PATH",
    // The way out of a closed network.
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];

/// Families of the same. `SSH_AUTH_SOCK` is not among them: it would lend the person's keys.
const FOR_AGENTS_PREFIXES: &[&str] = &["LC_", "XDG_"];

/// What a process of an agent's may say itself about the commands that it asks for. Whoever chooses where programs,
/// settings and toolchains are looked for chooses what runs, and some commands run without a sandbox.
const FROM_AGENTS: &[&str] = &["LANG", "LANGUAGE", "TZ", "TERM", "COLORTERM", "NO_COLOR"];

/// What makes a shell run other code as it starts, or read a line as something else.
const SHELLS_HOOKS: &[&str] = &["BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "ZDOTDIR", "IFS"];

/// Never passed on, to nobody: keys of model providers, which a command has no use for.
const KEYS: &[&str] = &[
    "ANTHROPIC_AUTH_TOKEN",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "OPENROUTER_API_KEY",
    "MISTRAL_API_KEY",
    "GROQ_API_KEY",
    "DEEPSEEK_API_KEY",
    "XAI_API_KEY",
    "COHERE_API_KEY",
    "TOGETHER_API_KEY",
    "FIREWORKS_API_KEY",
    "PERPLEXITY_API_KEY",
    "CEREBRAS_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "HF_TOKEN",
    "DEEPINFRA_API_KEY",
    "MOONSHOT_API_KEY",
    "MINIMAX_API_KEY",
    "ZHIPU_API_KEY",
    "DASHSCOPE_API_KEY",
    "NVIDIA_API_KEY",
    "VENICE_API_KEY",
    "V0_API_KEY",
    "AI_GATEWAY_API_KEY",
    "OLLAMA_API_KEY",
    "LLAMA_API_KEY",
    "LMSTUDIO_API_KEY",
    "LM_API_TOKEN",
    "VLLM_API_KEY",
];

/// Never passed on either: our own settings, and what makes the dynamic loader run other code.
const NEVER_PREFIXES: &[&str] = &["PRYX_", "LD_", "DYLD_"];

/// What commands get whose client offers none.
pub(crate) struct Fallback<'a> {
    path: &'a str,
    home: &'a Path,
    /// Given only when neither a search path nor a home was offered: the client has no environment of this machine.
    others: &'a BTreeMap<String, String>,
}

impl<'a> Fallback<'a> {
    /// As the hands' own.
    pub fn of(config: &'a HandsConfig) -> Self {
        Self { path: &config.path_env, home: &config.user_home, others: &config.own_env }
    }
}

/// The environment of a command.
pub(crate) fn of_command(
    offered: &BTreeMap<String, String>,
    actor: &Actor,
    io: Io,
    fallback: &Fallback<'_>,
) -> BTreeMap<String, String> {
    let passes: fn(&str) -> bool = match actor {
        Actor::Person => |_| true,
        Actor::Agent { .. } => is_for_agents,
    };
    let mut env: BTreeMap<String, String> = offered
        .iter()
        .filter(|(name, value)| is_possible(name, value) && !is_barred(name) && passes(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut default = |name: &str, value: &str| {
        env.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    };
    if !offered.contains_key("PATH") && !offered.contains_key("HOME") {
        for (name, value) in fallback.others.iter().filter(|(name, _)| !is_barred(name) && passes(name)) {
            default(name, value);
        }
    }
    default("PATH", fallback.path);
    if let Some(home) = fallback.home.to_str() {
        default("HOME", home);
    }
    if matches!(io, Io::Tty { .. }) {
        default("TERM", "xterm-256color");
    }
    if matches!(actor, Actor::Agent { .. }) {
        // Nobody is there to leave a pager.
        for name in ["PAGER", "GIT_PAGER"] {
            env.insert(name.to_owned(), "cat".to_owned());
        }
    }
    env
}

/// What a peer may choose of its commands' environment. A person, and the brain that speaks for them, all of it; a process
/// of an agent's words and looks alone: the rest is as the hands have it.
pub(crate) fn keep_own(offered: &mut BTreeMap<String, String>, peer: &Actor) {
    if matches!(peer, Actor::Agent { .. }) {
        let names_no_file = |value: &str| !value.starts_with(['/', ':', '.']) && !value.contains("..");
        offered.retain(|name, value| {
            (FROM_AGENTS.contains(&name.as_str()) || name.starts_with("LC_")) && names_no_file(value)
        });
    }
}

/// Whether it makes a shell run something else than its command.
pub(crate) fn is_shells_hook(name: &str) -> bool {
    SHELLS_HOOKS.contains(&name)
}

/// Whether an agent's command may have a variable.
pub(crate) fn is_for_agents(name: &str) -> bool {
    FOR_AGENTS.contains(&name) || FOR_AGENTS_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether no command may have it.
pub(crate) fn is_barred(name: &str) -> bool {
    KEYS.contains(&name) || NEVER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The kernel's form: no `=` in a name, no NUL anywhere.
fn is_possible(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(actor: &Actor) -> Vec<String> {
        let offered = [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("MY_TOKEN", "t"),
            ("OPENAI_API_KEY", "k"),
            ("LD_PRELOAD", "x.so"),
            ("PRYX_JOB", "forged"),
            ("SSH_AUTH_SOCK", "/s"),
            ("A=B", "c"),
            ("NUL", "a\0b"),
        ];
        let offered = offered.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let others = BTreeMap::from([("USER".to_owned(), "u".to_owned())]);
        let fallback = Fallback { path: "/usr/bin", home: Path::new("/home/u"), others: &others };
        of_command(&offered, actor, Io::default(), &fallback).into_keys().collect()
    }

    #[test]
    fn a_person_keeps_all_but_keys_and_hooks() {
        assert_eq!(names(&Actor::Person), ["HOME", "LC_ALL", "MY_TOKEN", "PATH", "SSH_AUTH_SOCK", "TERM"]);
    }

    #[test]
    fn who_offers_no_environment_gets_that_of_the_machine() {
        let others = [("USER", "u"), ("LANG", "C"), ("LD_PRELOAD", "x.so")];
        let others = others.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let fallback = Fallback { path: "/usr/bin", home: Path::new("/home/u"), others: &others };
        let given = of_command(&BTreeMap::new(), &Actor::Person, Io::Pipes, &fallback);
        assert_eq!(given.into_keys().collect::<Vec<_>>(), ["HOME", "LANG", "PATH", "USER"]);
        let offered = BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]);
        let given = of_command(&offered, &Actor::Person, Io::Pipes, &fallback);
        assert_eq!(given.into_keys().collect::<Vec<_>>(), ["HOME", "PATH"], "what was taken away stays away");
    }

    #[test]
    fn a_process_of_an_agents_chooses_no_place() {
        let offered =
            [("PATH", "/w/bin"), ("HOME", "/w"), ("XDG_CONFIG_HOME", "/w"), ("CARGO_HOME", "/w"), ("TZ", "UTC")];
        let offered: BTreeMap<_, _> = offered
            .into_iter()
            .chain([("LC_ALL", "../w"), ("LANG", "C"), ("TMPDIR", "/w"), ("http_proxy", "http://w")])
            .collect();
        let offered: BTreeMap<String, String> =
            offered.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (mut agents, mut persons) = (offered.clone(), offered.clone());
        keep_own(&mut agents, &Actor::Agent { session: None });
        keep_own(&mut persons, &Actor::Person);
        assert_eq!(agents.into_keys().collect::<Vec<_>>(), ["LANG", "TZ"]);
        assert_eq!(persons, offered);
    }

    #[test]
    fn an_agent_gets_what_is_listed() {
        let agent = Actor::Agent { session: None };
        assert_eq!(names(&agent), ["GIT_PAGER", "HOME", "LC_ALL", "PAGER", "PATH", "TERM"]);
    }
}
