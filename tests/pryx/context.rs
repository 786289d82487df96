//! Long work in a small window: room is made before a request would be too long, whatever fills it, and what was cut
//! stays in the session.

use crate::env::TestEnv;
use crate::stub::{BOTH, Chunking, Format, Stub, Turn};
use serde_json::{Value, json};

/// A window that a few outputs fill.
const WINDOW: u64 = 32_768;

fn window_of(env: &TestEnv, provider: &str, tokens: u64) {
    std::fs::create_dir_all(env.pryx_home()).expect("a home");
    let settings = format!("schema = 1\n[providers.{provider}]\ncontext = {tokens}\n");
    std::fs::write(env.pryx_home().join("config.toml"), settings).expect("settings");
}

fn compactions(done: &crate::env::Done) -> Vec<Value> {
    done.events().into_iter().filter(|e| e["event"] == "context.compacted").map(|e| e["payload"].clone()).collect()
}

#[test]
fn a_turn_of_many_large_outputs_never_sends_too_much() {
    for (format, provider) in [(Format::Anthropic, "anthropic"), (Format::OpenAi, "openai")] {
        let mut env = TestEnv::new();
        let steps = (0..14).map(|n| {
            Turn::runs(&format!("seq {n}000 {n}900; echo step {n}")).and_runs(&format!("seq {n}00000 {n}00800"))
        });
        let stub = Stub::start(format, Chunking::Whole, steps.chain([Turn::says("All was counted.")])).reading(WINDOW);
        stub.serve(&mut env);
        window_of(&env, provider, WINDOW);
        let done = env.pryx(["--json", "count everything, please"]).run();
        done.assert_code(0);
        let counter = stub.counter();
        assert_eq!((counter.refused, stub.unsaid()), (0, 0), "{done}");
        let made = compactions(&done);
        assert!(!made.is_empty(), "{done}");
        for made in &made {
            assert!(made["after"].as_u64() < made["before"].as_u64(), "{made}");
        }
        // What the person wanted is in the last request, whatever was left out of it.
        let last = stub.received().pop().expect("a request").body.to_string();
        assert!(last.contains("count everything, please"));
        // And nothing is gone from the session.
        let shown = env.ok(["sessions", "export", "--format", "json", "--unredacted"]);
        assert!(shown.contains("step 0") && shown.contains("step 13"), "the history is kept whole");
    }
}

/// Ten turns of forty messages each, in processes of their own, with outputs that fill a window of 32k tokens many times over.
/// The provider refuses whatever is too long.
#[test]
fn a_session_of_four_hundred_messages_stays_within_a_small_window() {
    let mut env = TestEnv::new();
    let lines: String =
        (0..40_000).map(|n| format!("{n}: a line of a long file, with the word crab in it\n")).collect();
    std::fs::write(env.work().join("long.txt"), lines).expect("a file");
    let mut script = vec![
        Turn::default().and_calls("shell_background", json!({"command": "sleep 1000"})),
        Turn::runs("truncate -s0 heliotrope.txt"),
    ];
    for turn in 0..10 {
        let steps = (if turn == 0 { 2 } else { 0 })..19;
        script.extend(steps.map(|step| {
            let at = turn * 19 + step;
            let read = json!({"path": "long.txt", "line": at * 200 + 1, "lines": 200});
            if step % 6 == 5 {
                Turn::runs(&format!("seq {at}000 {at}900"))
            } else {
                Turn::default().and_calls("fs_read", read)
            }
        }));
        script.push(Turn::says(&format!("Part {turn} is counted.")));
    }
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script).reading(WINDOW);
    stub.serve(&mut env);
    window_of(&env, "anthropic", WINDOW);
    let mut made = Vec::new();
    for turn in 0..10 {
        let request = match turn {
            0 => "Count the crabs of all parts, and never touch the file marigold.".to_owned(),
            turn => format!("now part {turn}"),
        };
        let go_on: &[&str] = if turn == 0 { &[] } else { &["-c"] };
        let done = env.pryx([&["--json", &request], go_on].concat()).run();
        assert!(done.events().last().is_some_and(|end| end["event"] == "turn.completed"), "{done}");
        assert!(done.events().iter().all(|event| event["event"] != "error"), "turn {turn}: {done}");
        made.extend(compactions(&done));
    }
    let counter = stub.counter();
    assert_eq!((counter.refused, stub.unsaid()), (0, 0), "a request was too long, or was not made");
    assert!(made.len() > 3 && counter.summaries > 1, "{made:?}");
    for made in &made {
        assert!(made["after"].as_u64() < made["before"].as_u64(), "{made}");
    }
    let kept = env.json(["context"])["messages_kept"].as_u64();
    assert_eq!(kept, Some(400));
    // The task, what was refused and what still runs are in the last request as in the first.
    let job = env.json(["ps"])[0]["id"].as_str().expect("a job").to_owned();
    let last = stub.received().pop().expect("a request").body.to_string();
    for told in ["never touch the file marigold", "truncate -s0 heliotrope.txt", &job, "Summary number"] {
        assert!(last.contains(told), "{told} is not in {last}");
    }
    assert!(env.ok(["sessions", "export", "--unredacted"]).contains("Part 0 is counted."), "the history is kept whole");
    env.ok(["stop", &job]);
}

#[test]
fn a_person_makes_room_and_the_session_goes_on_from_there() {
    let mut env = TestEnv::new();
    let mut script: Vec<Turn> = (0..8).map(|n| Turn::runs(&format!("seq {n}0000 {n}0900"))).collect();
    script.push(Turn::says("Counted."));
    script.push(Turn::says("It was about counting."));
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script).reading(200_000);
    stub.serve(&mut env);
    env.pryx(["count for me"]).run().assert_code(0);
    let before = stub.received().last().expect("a request").body.to_string().len();
    let done = env.pryx(["-c", "/compact", "--json"]).run();
    done.assert_code(0);
    assert_eq!(stub.counter().summaries, 1, "{done}");
    let made = compactions(&done);
    assert!(made.len() == 1 && made[0]["summarized"].as_u64() > Some(4), "{made:?}");
    env.pryx(["-c", "what was it about?"]).run().assert_code(0).assert_out("It was about counting.\n");
    let last = stub.received().pop().expect("a request").body.to_string();
    assert!(last.len() < before / 2, "{} of {before} bytes", last.len());
    for kept in ["count for me", "Summary number 1", "what was it about?"] {
        assert!(last.contains(kept), "{kept}: {last}");
    }
    assert!(env.ok(["sessions", "show"]).contains("seq 00000 00900"), "the whole history is shown");
    // A copy begins with the whole history again.
    env.ok(["sessions", "branch"]);
}

#[test]
fn there_is_nothing_to_make_smaller_without_a_session() {
    let env = TestEnv::new();
    env.pryx(["/compact"]).run().assert_code(2).assert_one_clear_error();
    env.ok(["how much disk space is free"]);
    env.pryx(["-c", "/compact"]).run().assert_code(0).assert_says("nothing to make smaller");
}

#[test]
fn one_request_that_is_larger_than_the_window_is_answered_from_its_ends() {
    let mut env = TestEnv::new();
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::says("It's a list.")]).reading(16_000);
    stub.serve(&mut env);
    window_of(&env, "openai", 16_000);
    let piped: String = (0..9_000).map(|n| format!("line {n} of many\n")).collect();
    let done = env.pryx(["what is this?"]).stdin(piped).run();
    done.assert_code(0).assert_out("It's a list.\n");
    let asked = stub.received().pop().expect("a request").body.to_string();
    assert!(asked.contains("what is this?") && asked.contains("line 0 of many") && asked.contains("line 8999 of many"));
}

#[test]
fn a_window_that_nobody_knows_is_learned_from_a_refusal() {
    let mut env = TestEnv::new();
    let steps = (0..10).map(|n| Turn::runs(&format!("seq {n}0000 {n}1900")));
    let script = steps.chain([Turn::says("Done with it.")]);
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, script).reading(24_000);
    stub.serve(&mut env);
    let done = env.pryx(["--model", "openai/nobody-knows-it", "count"]).run();
    done.assert_code(0).assert_out("Done with it.\n").assert_says("too long for the model");
    assert!(stub.counter().refused >= 1);
}

/// What a request says, piece by piece in the order in which it's read, without the marks for the cache.
fn pieces(mut body: Value) -> Vec<String> {
    fn unmark(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("cache_control");
                fields.values_mut().for_each(unmark);
            }
            Value::Array(values) => values.iter_mut().for_each(unmark),
            _ => {}
        }
    }
    unmark(&mut body);
    let mut pieces = vec![body["tools"].to_string(), body["system"].to_string()];
    pieces.extend(body["messages"].as_array().into_iter().flatten().map(Value::to_string));
    pieces
}

#[test]
fn fifty_turns_are_read_from_the_cache() {
    for format in BOTH {
        let mut env = TestEnv::new();
        let turn = |n: usize| {
            let answer = Turn::says(&format!("Answer number {n}, with a few more words."));
            if n % 4 == 1 { vec![Turn::runs(&format!("seq {n} 60")), answer] } else { vec![answer] }
        };
        let stub = Stub::start(format, Chunking::Whole, (0..50).flat_map(turn)).reading(200_000);
        stub.serve(&mut env);
        env.pryx(["question 0 of many"]).run().assert_code(0);
        for n in 1..50 {
            env.pryx(["-c", &format!("question {n} of many")]).run().assert_code(0);
        }
        let counter = stub.counter();
        assert_eq!((counter.refused, stub.unsaid()), (0, 0));
        let percent = counter.read * 100 / counter.sent;
        assert!(percent >= 80, "only {percent} % of {} tokens were cached", counter.sent);
        // What the provider said it read from its cache is what pryx counted.
        let spent = env.json(["cost"]);
        assert_eq!(spent["ever"]["cache_read_tokens"].as_u64(), Some(counter.read), "{spent}");
        let received = stub.received();
        for pair in received.windows(2) {
            let (before, after) = (pieces(pair[0].body.clone()), pieces(pair[1].body.clone()));
            let differs = before.iter().zip(&after).find(|(before, after)| before != after);
            assert!(differs.is_none() && after.len() > before.len(), "{differs:#?}");
        }
        let marks = |body: &Value| body.to_string().matches("cache_control").count();
        assert!(received.iter().all(|asked| marks(&asked.body) <= 4));
    }
}

#[test]
fn what_fills_the_window_is_shown_and_prompts_are_small() {
    let mut env = TestEnv::new();
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::runs("seq 1 900"), Turn::says("Counted.")]);
    stub.serve(&mut env);
    window_of(&env, "openai", WINDOW);
    env.pryx(["count"]).run().assert_code(0);
    let fill = env.json(["context"]);
    let of = |name: &str| fill[name].as_u64().unwrap_or_else(|| panic!("{name}: {fill}"));
    assert_eq!((of("window"), &fill["window_known"]), (WINDOW, &serde_json::json!(true)));
    assert!(of("results") > of("answers") && of("answers") > 0 && of("requests") > 0, "{fill}");
    let used: u64 = ["system", "tools", "requests", "answers", "results"].iter().map(|part| of(part)).sum();
    assert!(of("free").abs_diff(WINDOW - used) < 10, "{fill}");
    assert!(of("system") + of("tools") < 2_500, "the prompt is too large: {fill}");
    // The same by bytes, four of which are a token, as everybody counts.
    let asked = &stub.received()[0].body;
    let bytes = asked["tools"].to_string().len() + asked["messages"][0]["content"].to_string().len();
    assert!(bytes / 4 < 2_500, "{bytes} bytes");
    let shown = env.ok(["context"]);
    for part in ["system prompt", "tools", "requests", "answers", "results", "free"] {
        assert!(shown.contains(part), "{shown}");
    }
    env.pryx(["context", "nowhere"]).run().assert_code(2).assert_one_clear_error();
}

/// Limits hold over processes: what one of them used, the next one waits for, and is told so.
#[test]
fn the_persons_own_limits_hold_over_processes() {
    let mut env = TestEnv::new();
    let dear = Turn { usage: Some((30_000, 10)), ..Turn::says("Yes.") };
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, vec![dear; 6]);
    stub.serve(&mut env);
    std::fs::create_dir_all(env.pryx_home()).expect("a home");
    // 10,000 in a second, 100,000 at once.
    let settings = "schema = 1\n[providers.openai]\ntokens_per_minute = 600000\n";
    std::fs::write(env.pryx_home().join("config.toml"), settings).expect("settings");
    let (start, mut waited) = (std::time::Instant::now(), 0);
    for _ in 0..6 {
        let done = env.pryx(["--json", "well?"]).run();
        done.assert_code(0);
        waited += done.events().iter().filter(|event| event["payload"]["code"] == "rate_queue").count();
    }
    // 180,000 tokens, of which 100,000 were there, and the last 30,000 are counted behind it.
    let took = start.elapsed().as_secs_f64();
    assert!(took > 4.0, "{waited} waits in {took} s");
    // On a machine that is slow enough nobody has to wait.
    assert!(waited > 0 || took > 8.0, "{waited} waits in {took} s");
}
