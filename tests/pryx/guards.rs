//! A model that goes round in circles is told so, then stopped; what was refused stays refused in any dress; an answer is
//! linked to what it rests on.

use crate::env::TestEnv;
use crate::stub::{BOTH, Chunking, Format, Stub, Turn};

#[test]
fn the_same_call_again_and_again_is_told_to_the_model_and_then_ends_the_turn() {
    for format in BOTH {
        let mut env = TestEnv::new();
        let stub = Stub::start(format, Chunking::Whole, vec![Turn::runs("echo same"); 9]);
        stub.serve(&mut env);
        let done = env.pryx(["--json", "find it"]).run();
        done.assert_code(119);
        let asked = stub.received();
        assert_eq!(asked.len(), 5, "{done}");
        let told = |at: usize| asked[at].body.to_string().contains("From pryx, not from the person: the same call");
        assert!(!told(2) && told(3), "after the third");
        let events = done.events();
        let code = |kind: &str| events.iter().find(|e| e["event"] == kind).map(|e| e["payload"]["code"].clone());
        assert_eq!((code("notice"), code("error")), (Some("model_warned".into()), Some("stuck".into())), "{done}");
        assert_eq!(events.last().map(|e| e["payload"]["status"].clone()), Some("stuck".into()));
        // The session is one that a provider accepts: it goes on.
        let next = Stub::start(format, Chunking::Whole, [Turn::says("Here it is.")]);
        next.serve(&mut env);
        env.pryx(["-c", "look elsewhere"]).run().assert_code(0).assert_out("Here it is.\n");
    }
}

#[test]
fn failing_in_a_row_ends_a_turn_and_says_why() {
    let mut env = TestEnv::new();
    let script: Vec<Turn> = (0..20).map(|n| Turn::runs(&format!("ls /no/such/place/{n}"))).collect();
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
    stub.serve(&mut env);
    let done = env.pryx(["find it"]).run();
    done.assert_code(119).assert_says("calls in a row failed").assert_one_clear_error();
    assert_eq!(stub.unsaid(), 8, "12 were enough: {done}");
}

#[test]
fn what_was_refused_is_not_run_in_another_dress() {
    let mut env = TestEnv::new();
    std::fs::write(env.file("precious"), "x").expect("a file");
    let script = [
        Turn::runs("rm precious"),
        Turn::runs("bash -c 'rm   precious'"),
        Turn::runs("/bin/rm precious && true"),
        Turn::says("never asked for"),
    ];
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, script);
    stub.serve(&mut env);
    let done = env.pryx(["--json", "tidy up"]).run();
    done.assert_code(121);
    assert!(env.file("precious").exists());
    assert!(stub.tool_results().concat().contains("what was refused before"), "{:?}", stub.tool_results());
    assert_eq!(stub.unsaid(), 1, "the third try ends the turn: {done}");
    let events = done.events();
    assert!(events.iter().any(|e| e["payload"]["code"] == "refused_again"), "{done}");
    let asked = events.iter().filter(|e| e["event"] == "tool.complete" && e["payload"]["status"] == "refused").count();
    assert_eq!(asked, 1, "the gate was asked once: {done}");
}

#[test]
fn steps_can_be_limited_and_the_model_knows_its_last() {
    let mut env = TestEnv::new();
    let script: Vec<Turn> = (0..9).map(|n| Turn::runs(&format!("echo {n}"))).collect();
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, script);
    stub.serve(&mut env);
    env.pryx(["--steps", "2", "count"]).run().assert_code(124).assert_says("2 steps");
    let asked = stub.received();
    assert_eq!(asked.len(), 3);
    assert!(asked[2].body.to_string().contains("this is the last step of the turn"));
    env.pryx(["--steps", "0", "count"]).run().assert_code(2);
}

#[test]
fn an_answer_is_linked_to_its_jobs_and_a_failure_it_hides_is_marked() {
    let mut env = TestEnv::new();
    let ask = |env: &mut TestEnv, command: &str, answer: &str| {
        let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs(command), Turn::says(answer)]);
        stub.serve(env);
        env.pryx(["do it"]).run()
    };
    let job = |env: &TestEnv| env.json(["ps", "--all"])[0]["id"].as_str().expect("an id").to_owned();
    let done = ask(&mut env, "echo fine", "It says fine.");
    done.assert_code(0).assert_says(&format!("jobs: echo fine → exit 0 (pryx log {})", job(&env)));
    done.assert_out("It says fine.\n");
    let hides = ask(&mut env, "ls /no/such/place", "Done, all is in place.");
    hides.assert_code(0).assert_says("the answer doesn't say that the last step failed: exit 2: ls /no/such/place");
    for (command, answer) in [
        ("ls /no/such/place", "It failed: there is no such place."),
        ("ls /no/such/place", "There are three of them."),
        ("ls /", "Done."),
        ("grep nothing /etc/hostname", "Done: it isn't in there."),
    ] {
        let done = ask(&mut env, command, answer);
        assert!(!done.err().contains("doesn't say"), "{command}: {done}");
    }
}
