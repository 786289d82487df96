//! A model in a persistent shell: it keeps what is harmless, and is asked about whatever changes what later words mean.

use super::env::TestEnv;
use super::gate::model;
use super::stub::Turn;
use super::terminal::run;
use serde_json::json;

fn typed(command: &str) -> Turn {
    Turn::says("").and_calls("shell.exec", json!({"command": command, "terminal": "dev"}))
}

#[test]
fn a_model_works_in_a_terminal_that_stays() {
    let mut env = TestEnv::new();
    std::fs::create_dir(env.file("sub")).expect("a directory");
    let stub = model(&mut env, [typed("cd sub"), typed("pwd"), typed("false"), Turn::says("Done.")]);
    env.pryx(["look around"]).run().assert_code(0);
    let results = stub.all_tool_results();
    assert!(results[1].contains("/w/sub") && results[2].contains("exit 1"), "{results:#?}");
    let jobs = env.json(["ps", "-a"]);
    let within = jobs.as_array().into_iter().flatten().filter(|job| job.get("within").is_some());
    assert!(within.clone().count() == 3 && within.clone().all(|job| job["actor"]["kind"] == "agent"), "{jobs:#}");
    // The terminal is the model's own, so the kernel holds its shell, and the record says to what.
    assert!(within.clone().all(|job| job["sandbox"]["profile"] == "workspace"), "{jobs:#}");
}

#[test]
fn whatever_changes_what_later_words_mean_is_not_run_unasked() {
    let lines = [
        "alias ls='touch made'",
        "ls() { touch made; }",
        "PATH=/tmp",
        "export PATH=/tmp",
        "LD_PRELOAD=x.so",
        "IFS=x",
        "BASH_ENV=x",
        "PROMPT_COMMAND='touch made'",
        "unset PROMPT_COMMAND",
        "ENV=x",
        ". ./file",
        "source file",
        "trap 'touch made' EXIT",
        "trap 'touch made' DEBUG",
        "enable -n cd",
        "hash -p /tmp/x ls",
        "set -o vi",
        "set -x",
        "shopt -s expand_aliases",
        "bind -x '\"a\": touch made'",
        "auto_resume=1",
        "exec ls",
        "exit",
        "umask 0",
        "eval ls",
    ];
    let mut env = TestEnv::new();
    // Each in a turn of its own: one that is refused again and again is ended.
    for (n, line) in lines.into_iter().enumerate() {
        let stub = model(&mut env, [typed(line), Turn::says("I could not.")]);
        env.pryx(if n == 0 { &["try it"][..] } else { &["-c", "try it"][..] }).run();
        let results = stub.all_tool_results();
        let newest = results.last().expect("a result");
        assert!(newest.contains("Not run"), "{line} was run: {results:?}");
    }
    assert!(!env.file("made").exists());
    assert_eq!(run(&env, "echo $PATH; alias ls 2>&1 | wc -l").0, 0);
}

#[test]
fn a_persons_variables_are_not_shown_to_a_model_unasked() {
    let mut env = TestEnv::new();
    assert_eq!(run(&env, "export API_TOKEN=k4n4ry").0, 0);
    let lines = ["env", "printenv", "export -p", "echo $API_TOKEN", "echo ${API_TOKEN}", "set", "declare -p"];
    let script: Vec<Turn> =
        lines.iter().map(|line| typed(line)).chain([typed("pwd"), Turn::says("I could not.")]).collect();
    let stub = model(&mut env, script);
    env.pryx(["what is my token?"]).run();
    let results = stub.all_tool_results();
    for (line, result) in lines.iter().zip(&results) {
        assert!(result.contains("Not run") && !result.contains("k4n4ry"), "{line}: {result}");
    }
    assert!(results[lines.len()].contains("/w"), "what is harmless runs there: {results:#?}");
}

#[test]
fn a_command_of_a_model_in_a_persons_terminal_is_no_person() {
    let mut env = TestEnv::new();
    run(&env, "true");
    let _stub = model(&mut env, [typed("pwd"), Turn::says("Done.")]);
    env.pryx(["where?"]).run().assert_code(0);
    // From then on nothing that runs in it speaks for the person.
    let (code, said) = run(&env, &format!("{} send dev x", super::env::PRYX));
    assert_ne!(code, 0, "{said}");
    assert!(said.contains("agent"), "{said}");
}
