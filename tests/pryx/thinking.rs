//! How hard a model thinks: said by option, variable or settings, asked for as the model takes it, and what it signed goes
//! back to it.

use super::env::{Done, TestEnv};
use super::stub::{Chunking, Format, Stub, Turn};
use serde_json::{Value, json};

fn settings(env: &TestEnv, text: &str) {
    std::fs::create_dir_all(env.pryx_home()).expect("a home");
    std::fs::write(env.pryx_home().join("config.toml"), format!("schema = 1\n{text}")).expect("settings");
}

fn changes(done: &Done) -> usize {
    done.events().iter().filter(|event| event["payload"]["code"] == "thinking_changed").count()
}

/// Asks Anthropic's format for a command and an answer; gives what was asked and what was told.
fn asked(model: &str, think: &str) -> (Vec<Value>, Done) {
    let mut env = TestEnv::new();
    let script = [Turn::runs("echo 42").thinking("I should look."), Turn::says("It is 42.").thinking("So it is.")];
    let stub = Stub::start(Format::Anthropic, Chunking::Bytes(5), script);
    stub.serve(&mut env);
    let known = "[models.\"anthropic/old-1\"]\noutput = 20000\nthinking = [1024, 12000]\n\
                 [models.\"anthropic/new-1\"]\nefforts = [\"low\", \"medium\", \"high\", \"max\"]\n\
                 [models.\"anthropic/dull\"]\nreasoning = false\n";
    settings(&env, known);
    let done = env.pryx(["run", "--json", "--model", &format!("anthropic/{model}"), "--think", think, "?"]).run();
    done.assert_code(0);
    (stub.received().into_iter().map(|received| received.body).collect(), done)
}

#[test]
fn a_number_of_tokens_stays_within_the_models_limits() {
    for (think, tokens) in [("low", 4_096), ("max", 12_000), ("16k", 12_000), ("5", 1_024), ("2000", 2_000)] {
        let (asked, done) = asked("old-1", think);
        assert_eq!(asked.len(), 2, "{done}");
        for body in &asked {
            assert_eq!(body["thinking"], json!({"type": "enabled", "budget_tokens": tokens}), "{think}");
            assert!(body["max_tokens"].as_u64() > Some(tokens), "{body}");
        }
        assert_eq!(changes(&done), 0);
        // What the model thought is its own: it goes back to it, and nobody else sees it.
        assert!(asked[1].to_string().contains("I should look.") && !done.out().contains("I should look."));
    }
}

#[test]
fn a_model_of_today_is_told_by_a_word() {
    for (think, word) in [("medium", "medium"), ("max", "max"), ("3000", "low")] {
        let (asked, done) = asked("new-1", think);
        assert_eq!((asked.len(), changes(&done)), (2, 0), "{done}");
        assert_eq!(asked[1]["thinking"], json!({"type": "adaptive"}));
        assert_eq!(asked[1]["output_config"], json!({"effort": word}), "{think}");
    }
}

#[test]
fn what_nobody_knows_is_tried_and_told() {
    // Only the second way is taken, and the second request begins with it.
    let (asked, done) = asked("old-2", "high");
    assert_eq!((asked.len(), changes(&done)), (3, 1), "{done}");
    assert_eq!(asked[0]["thinking"]["type"], "adaptive");
    assert!(asked[1..].iter().all(|body| body["thinking"]["type"] == "enabled"));
    let (asked, done) = self::asked("dull", "high");
    assert_eq!((asked.len(), changes(&done)), (2, 2), "{done}");
    assert!(asked.iter().all(|body| body["thinking"].is_null()));
    let (asked, done) = self::asked("old-1", "off");
    assert_eq!((changes(&done), &asked[0]["thinking"]), (0, &Value::Null));
}

#[test]
fn an_option_beats_the_variable_which_beats_the_settings() {
    let mut env = TestEnv::new();
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, (0..5).map(|_| Turn::says("Yes.")));
    stub.serve(&mut env);
    settings(&env, "think = \"low\"\n");
    let effort = |env: &TestEnv, args: &[&str]| {
        env.pryx([args, &["?"]].concat()).run().assert_code(0);
        stub.received().last().expect("a request").body["reasoning_effort"].clone()
    };
    assert_eq!(effort(&env, &[]), "low");
    env.set("PRYX_THINK", "medium");
    assert_eq!(effort(&env, &[]), "medium");
    assert_eq!(effort(&env, &["--think", "20000"]), "high");
    // A server that knows no such thing is asked without it, and that is said.
    let done = env.pryx(["--model", "openai/plain", "?"]).run();
    done.assert_code(0).assert_out("Yes.\n").assert_says("refused how it was asked to think");
    assert_eq!(stub.received().last().expect("a request").body["reasoning_effort"], Value::Null);
    env.pryx(["--think", "hard", "?"]).run().assert_code(2).assert_says("number of tokens");
    env.set("PRYX_THINK", "hard");
    env.pryx(["?"]).run().assert_code(2).assert_one_clear_error().assert_says("PRYX_THINK");
    env.set("PRYX_THINK", "");
    settings(&env, "think = 1.5\n");
    env.pryx(["?"]).run().assert_code(2).assert_one_clear_error().assert_says("config.toml:2");
    // What the hands are stopped with at the end reads them too.
    settings(&env, "");
}
