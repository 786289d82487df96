//! What models cost, as a person meets it: in the events, the lists, and the timeline; and what is unknown is called so.

use super::env::TestEnv;
use super::stub::{Chunking, Format, Stub, Turn};
use serde_json::{Value, json};

/// A world with prices for the stub: 100 and 200 dollars for a million tokens, so that a small answer costs something.
fn priced(stub: &Stub) -> TestEnv {
    let mut env = TestEnv::new();
    stub.serve(&mut env);
    env.ok(["model", "set", "anthropic/claude-sonnet-5"]);
    let text = "model = \"anthropic/claude-sonnet-5\"\n[models.\"anthropic/claude-sonnet-5\"]\n\
                price = { input = 100, output = 200 }\n";
    std::fs::write(env.pryx_home().join("config.toml"), text).expect("settings");
    env
}

fn usage(done: &super::env::Done) -> Vec<Value> {
    done.events().into_iter().filter(|event| event["event"] == "usage").map(|event| event["payload"].clone()).collect()
}

#[test]
fn each_call_has_its_cost_and_every_list_tells_it() {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs("ls"), Turn::says("Nothing.")]);
    let env = priced(&stub);
    let done = env.pryx(["run", "--json", "look"]).run();
    done.assert_code(0);
    // 11 tokens in and 7 out: 1,100 and 1,400 micro-dollars.
    let costs: Vec<_> = usage(&done).iter().map(|usage| usage["cost_micros"].clone()).collect();
    assert_eq!(costs, [json!(2_500), json!(2_500)]);
    let sums = env.json(["cost"]);
    for when in ["day", "month", "ever"] {
        assert_eq!((&sums[when]["micros"], &sums[when]["calls"]), (&json!(5_000), &json!(2)), "{sums}");
    }
    let models = env.json(["cost", "--by", "model"]);
    assert_eq!((&models[0]["key"], &models[0]["micros"]), (&json!("anthropic/claude-sonnet-5"), &json!(5_000)));
    assert!(env.ok(["cost"]).contains("$0.0050  2 calls, 22 tokens in, 14 out"));
    assert!(env.ok(["cost", "--by", "session"]).contains("look"));
    assert!(env.ok(["sessions", "show"]).contains("$0.0050  2 calls"));
    assert_eq!(env.json(["sessions", "show"])["cost"]["micros"], 5_000);
    assert!(env.ok(["trace"]).contains("$0.0025"));
    let trace = env.json(["trace"]);
    let spans = trace["spans"].as_array().expect("spans");
    assert_eq!(spans.iter().filter(|span| span["cost_micros"] == 2_500).count(), 2, "{trace}");
    assert_eq!(trace["cost"]["micros"], 5_000);
}

#[test]
fn an_unknown_price_is_unknown_and_never_zero() {
    let stub =
        Stub::start(Format::OpenAi, Chunking::Whole, [Turn::says("Hi."), Turn { usage: None, ..Turn::says("Ho.") }]);
    let mut env = TestEnv::new();
    stub.serve(&mut env);
    // The address is not the makers' own, so that what it costs there is not known.
    for word in ["hello", "again"] {
        let done = env.pryx(["run", "--json", word]).run();
        done.assert_code(0);
        assert_eq!(usage(&done)[0].get("cost_micros"), None);
    }
    let ever = env.json(["cost"])["ever"].clone();
    assert_eq!((&ever["calls"], &ever["unknown"], &ever["micros"]), (&json!(2), &json!(2), &json!(0)));
    assert!(env.ok(["cost"]).lines().all(|line| line.contains("unknown") && !line.contains('$')));
}
