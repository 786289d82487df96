//! Pictures: shown to a model that sees in the way that its format has, kept with the session, and refused in words.

use super::env::TestEnv;
use super::stub::{BOTH, Chunking, Format, Stub, Turn};
use serde_json::{Value, json};

/// What a PNG begins with, and something behind it. Nobody here looks further.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR, and so on";

/// The same as it's sent.
const SENT: &str = "iVBORw0KGgoAAAANSUhEUiwgYW5kIHNvIG9u";

fn with_picture() -> TestEnv {
    let env = TestEnv::new();
    std::fs::write(env.work().join("shot.png"), PICTURE).expect("a picture");
    env
}

#[test]
fn a_picture_is_shown_and_stays_with_the_session() {
    for format in BOTH {
        let mut env = with_picture();
        let stub = Stub::start(format, Chunking::Whole, [Turn::says("A crab."), Turn::says("Still a crab.")]);
        stub.serve(&mut env);
        let model = if format == Format::Anthropic { "anthropic/sees" } else { "openai/sees" };
        env.pryx(["--model", model, "what is this?", "--image", "shot.png"])
            .run()
            .assert_code(0)
            .assert_out("A crab.\n");
        env.pryx(["-c", "and now?"]).run().assert_code(0).assert_out("Still a crab.\n");
        for asked in stub.received() {
            let user = asked.body["messages"].as_array().expect("messages").iter().find(|m| m["role"] == "user");
            let blocks = user.expect("a request")["content"].as_array().cloned().expect("blocks");
            let shown = match format {
                Format::Anthropic => json!({"type": "base64", "media_type": "image/png", "data": SENT}),
                Format::OpenAi => json!({"url": format!("data:image/png;base64,{SENT}")}),
            };
            let of = |block: &Value| [&block["source"], &block["image_url"]].contains(&&shown);
            assert_eq!(blocks.iter().filter(|block| of(block)).count(), 1, "{blocks:?}");
        }
        let told = env.ok(["sessions", "show"]);
        assert!(told.contains("(a picture: image/png, "), "{told}");
        for format in ["md", "html"] {
            assert!(env.ok(["sessions", "export", "--format", format]).contains("a picture: image/png"));
        }
        assert!(env.ok(["sessions", "export", "--format", "json"]).contains(SENT), "the picture is kept");
    }
}

#[test]
fn what_can_not_be_shown_is_told_before_anything_is_sent() {
    let mut env = with_picture();
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::says("A crab.")]);
    stub.serve(&mut env);
    std::fs::create_dir_all(env.pryx_home()).expect("a home");
    let blind = "schema = 1\n[models.\"openai/blind\"]\nvision = false\n";
    std::fs::write(env.pryx_home().join("config.toml"), blind).expect("settings");
    std::fs::write(env.work().join("notes.txt"), "no picture").expect("a file");
    for (args, code, words) in [
        (vec!["what?", "--image", "notes.txt"], 2, "no PNG, JPEG, GIF or WebP"),
        (vec!["what?", "--image", "nowhere.png"], 2, "can't be read"),
        (vec!["--image", "shot.png"], 2, "there is no request"),
        (vec!["--model", "openai/blind", "what?", "--image", "shot.png"], 122, "can't see pictures"),
        (vec!["--model", "offline", "what?", "--image", "shot.png"], 122, "can't look at pictures"),
    ] {
        let done = env.pryx(&args).run();
        done.assert_code(code).assert_one_clear_error().assert_says(words);
    }
    let many: Vec<&str> = ["what?"].into_iter().chain(["--image", "shot.png"].repeat(7)).collect();
    env.pryx(&many).run().assert_code(2).assert_one_clear_error().assert_says("at most");
    assert_eq!(stub.received().len(), 0);
}
