//! What models cost, as a person meets it: in the events, the lists, and the timeline; and what is unknown is called so.

use super::env::TestEnv;
use super::pty::Screen;
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

fn statuses(done: &super::env::Done) -> Value {
    done.events().last().map(|end| end["payload"]["status"].clone()).expect("an end")
}

#[test]
fn a_budget_that_is_reached_ends_the_turn_where_nobody_can_be_asked_and_the_session_goes_on_later() {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs("ls"), Turn::says("Later.")]);
    let env = priced(&stub);
    env.ok(["budget", "set", "5/day", "50/month"]);
    let spent = "UPDATE usage SET cost = 2490000";
    let done = env.pryx(["run", "--json", "look"]).run();
    done.assert_code(0);
    rusqlite::Connection::open(env.pryx_home().join("brain.db"))
        .and_then(|db| db.execute(spent, []))
        .expect("a change");
    let done = env.pryx(["run", "--json", "-c", "again"]).run();
    done.assert_code(125);
    assert_eq!(statuses(&done), "over_budget");
    let reached = done.events().into_iter().find(|event| event["event"] == "budget.reached").expect("the event");
    assert_eq!(
        (&reached["payload"]["period"], &reached["payload"]["limit_micros"]),
        (&json!("day"), &json!(5_000_000))
    );
    env.pryx(["run", "-c", "again"]).run().assert_code(125).assert_one_clear_error().assert_says("pryx budget");
    assert_eq!((stub.received().len(), stub.unsaid()), (2, 0), "nothing left this machine");
    assert_eq!(env.json(["budget"])[0]["reserved_micros"], 0);
    env.ok(["budget", "clear", "day"]);
    assert_eq!(env.json(["budget"]).as_array().map(Vec::len), Some(1));
    env.pryx(["run", "-c", "again"]).run().assert_code(122).assert_says("no more replies");
}

#[test]
fn reaching_a_budget_asks_the_person() {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs("echo on"), Turn::says("Went on.")]);
    let env = priced(&stub);
    env.ok(["budget", "set", "0.01/session"]);
    let mut screen = Screen::pryx(&env, &["do it"]);
    screen.wait_for("The budget for a session is reached");
    screen.wait_for("[y]");
    screen.wait_until_raw();
    assert!(stub.received().is_empty(), "nothing is sent while the question stands");
    screen.keys("y");
    screen.wait_for("Went on.");
    assert_eq!(screen.wait().code(), Some(0));
    assert_eq!(stub.received().len(), 2, "one yes is for the whole turn");
    let mut screen = Screen::pryx(&env, &["-c", "more"]);
    screen.wait_for("is reached");
    screen.wait_for("[y]");
    screen.wait_until_raw();
    screen.keys("n");
    assert_eq!(screen.wait().code(), Some(125));
    assert_eq!(stub.received().len(), 2);
    let spans = env.json(["trace"])["spans"].clone();
    let answers: Vec<_> = spans
        .as_array()
        .into_iter()
        .flatten()
        .filter(|span| span["kind"] == "approval")
        .map(|span| span["status"].clone())
        .collect();
    assert_eq!(answers, [json!("yes"), json!("no")]);
}

#[test]
fn an_unknown_price_under_a_budget_is_asked_about_once() {
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::says("One."), Turn::says("Two.")]);
    let mut env = TestEnv::new();
    stub.serve(&mut env);
    env.ok(["budget", "set", "5/day"]);
    let done = env.pryx(["run", "hello"]).run();
    done.assert_code(125).assert_one_clear_error().assert_says("nobody knows what openai/gpt-5-mini costs");
    let mut screen = Screen::pryx(&env, &["hello"]);
    screen.wait_for("Nobody knows what this model costs");
    screen.wait_for("[y]");
    screen.wait_until_raw();
    screen.keys("y");
    screen.wait_for("One.");
    assert_eq!(screen.wait().code(), Some(0));
    env.pryx(["run", "again"]).run().assert_code(0).assert_out("Two.\n");
}

#[test]
fn an_agent_can_not_lift_its_own_budget() {
    let clear = format!("{} budget clear", super::env::PRYX);
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs(&clear), Turn::says("It wasn't allowed.")]);
    let env = priced(&stub);
    env.ok(["budget", "set", "5/day"]);
    env.pryx(["run", "spend"]).run().assert_code(121);
    assert_eq!(env.json(["budget"])[0]["limit_micros"], 5_000_000);
}

#[test]
fn budgets_are_written_as_people_write_them() {
    let env = TestEnv::new();
    env.pryx(["budget"]).run().assert_code(0).assert_out("").assert_says("no budget is set");
    let shown = env.ok(["budget", "set", "5/day", "$50/month", "0.25/session"]);
    for part in ["day          $5.00", "month       $50.00", "left $50.00", "session    $0.2500"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for bad in ["5", "5/year", "-1/day", "0/day"] {
        env.pryx(["budget", "set", bad]).run().assert_code(2);
    }
}
