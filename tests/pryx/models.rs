//! The catalog of models as a person meets it: lists, choosing, providers that need no code, and fetching without ever
//! being waited for.

use super::env::{PATIENCE, TestEnv, wait_until};
use super::site::{Site, json};
use super::stub::{Chunking, Format, KEY, Stub, Turn};
use serde_json::{Value, json};

/// A catalog as models.dev serves it, with a provider that pryx was not written for.
fn catalog(stub: &Stub) -> Value {
    let (_, base) = &stub.variables()[0];
    json!({
        "newcomer": {
            "id": "newcomer", "name": "New Comer", "env": ["NEWCOMER_API_KEY"], "npm": "@ai-sdk/openai-compatible",
            "api": base, "models": {
                "big/one": {
                    "name": "Big One", "tool_call": true, "reasoning": false, "limit": {"context": 131_072, "output": 8_192},
                    "modalities": {"input": ["text", "image"], "output": ["text"]}, "cost": {"input": 0.15, "output": 0.6}
                },
                "small": {"name": "Small", "tool_call": false, "limit": {"context": 4_096, "output": 1_024}}
            }
        },
        "elsewhere": {"id": "elsewhere", "env": ["E_KEY"], "npm": "@ai-sdk/amazon-bedrock", "models": {"m": {}}}
    })
}

fn served(stub: &Stub) -> Site {
    let page = catalog(stub);
    Site::start(move |visit, _| match visit.path.as_str() {
        "/api.json" if visit.head.to_lowercase().contains("if-none-match: \"one\"") => {
            (304, String::new(), String::new())
        }
        "/api.json" => {
            let (status, headers, body) = json(200, &page);
            (status, headers + "etag: \"one\"\r\n", body)
        }
        _ => (404, String::new(), String::new()),
    })
}

#[test]
fn a_provider_of_the_catalog_needs_no_code() {
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::runs("echo over there"), Turn::says("It went.")]);
    let site = served(&stub);
    let mut env = TestEnv::new();
    env.set("PRYX_CATALOG_URL", site.url("/api.json"));
    env.set("NEWCOMER_API_KEY", KEY);
    // Nobody has heard of it yet: this once the catalog is waited for.
    let done = env.pryx(["run", "--model", "newcomer/big/one", "say it"]).run();
    done.assert_code(0).assert_out("It went.\n").assert_says("fetching the catalog");
    assert_eq!(stub.received()[0].body["model"], "big/one");
    assert_eq!(stub.received()[0].path, "/v1/chat/completions");
    assert!(!stub.tool_results().concat().contains(KEY));
}

#[test]
fn the_key_of_such_a_provider_reaches_no_command() {
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::runs("env"), Turn::says("Done.")]);
    let site = served(&stub);
    let mut env = TestEnv::new();
    env.set("PRYX_CATALOG_URL", site.url("/api.json"));
    env.set("NEWCOMER_API_KEY", KEY);
    env.pryx(["run", "--model", "newcomer/big/one", "show the environment"]).run().assert_code(0);
    let shown = stub.tool_results().concat();
    assert!(shown.contains("PATH=") && !shown.contains(KEY) && !shown.contains("NEWCOMER"), "{shown}");
}

#[test]
fn the_list_has_limits_prices_and_abilities() {
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::says("x")]);
    let site = served(&stub);
    let mut env = TestEnv::new();
    env.set("PRYX_CATALOG_URL", site.url("/api.json"));
    let none = env.pryx(["models"]).run();
    none.assert_code(0).assert_out("").assert_says("no model can be asked now");
    env.set("NEWCOMER_API_KEY", KEY);
    let listed = env.ok(["models"]);
    let line = listed.lines().find(|line| line.contains("newcomer/big/one")).expect("the model").to_owned();
    for part in ["131k", "8192", "$0.15", "$0.6", "tools vision"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let unpriced = listed.lines().find(|line| line.contains("newcomer/small")).expect("the other").to_owned();
    assert_eq!(unpriced.matches('?').count(), 2, "an unknown price is not zero: {unpriced}");
    assert!(env.ok(["models", "--can", "vision", "--search", "newcomer"]).lines().count() == 2);
    let found = env.json(["models", "--search", "big ONE"]);
    assert_eq!(found["models"][0]["info"]["prices"], json!({"input": 150_000, "output": 600_000}));
    assert_eq!(found["catalog"]["origin"], "fetched");
    let providers = env.json(["models", "--providers"]);
    let one = |name: &str| {
        providers.as_array().and_then(|all| all.iter().find(|p| p["provider"] == name)).cloned().expect("a provider")
    };
    assert_eq!((&one("newcomer")["models"], &one("elsewhere")["supported"]), (&json!(2), &json!(false)));
    env.pryx(["models", "--provider", "nobody"]).run().assert_code(2).assert_one_clear_error();
    // Everything after the first was read from the cache.
    assert_eq!(site.visits().len(), 1);
    env.ok(["models", "--refresh"]);
    let again = &site.visits()[1];
    assert!(again.method == "GET" && again.body.is_empty() && again.head.contains("\"one\""), "{again:?}");
}

#[test]
fn a_catalog_that_can_not_be_had_is_no_obstacle() {
    let site = Site::start(|_, _| (200, String::new(), "<html>a hotel's page".to_owned()));
    let mut env = TestEnv::new();
    env.set("PRYX_CATALOG_URL", site.url("/api.json"));
    let done = env.pryx(["models", "--all"]).run();
    done.assert_code(0).assert_says("no catalog of models");
    assert!(done.out().contains("anthropic/claude-sonnet-5"), "{done}");
    env.pryx(["models", "--refresh"]).run().assert_code(1).assert_one_clear_error();
}

#[test]
fn a_turn_never_waits_for_the_catalog() {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::says("Here.")]);
    // Takes the request and says nothing for as long as the test runs.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut env = TestEnv::new();
    stub.serve(&mut env);
    env.set("PRYX_CATALOG_URL", format!("http://{}/api.json", silent.local_addr().expect("an address")));
    env.pryx(["run", "hello"]).run().assert_code(0).assert_out("Here.\n");
    assert!(env.pryx_home().join("models.cache.tried").exists(), "it was tried in the background");
}

#[test]
fn it_is_fetched_behind_a_turn() {
    let stub = Stub::start(Format::Anthropic, Chunking::Whole, [Turn::runs("sleep 1"), Turn::says("Here.")]);
    let other = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::says("x")]);
    let site = served(&other);
    let mut env = TestEnv::new();
    stub.serve(&mut env);
    env.set("PRYX_CATALOG_URL", site.url("/api.json"));
    let running = env.pryx(["run", "hello"]).start();
    let cache = env.pryx_home().join("models.cache");
    wait_until("the catalog is there", PATIENCE, || cache.exists());
    running.wait().assert_code(0);
    assert_eq!(site.visits().len(), 1);
}

#[test]
fn a_model_is_chosen_and_the_settings_keep_their_comments() {
    let env = TestEnv::new();
    let file = env.pryx_home().join("config.toml");
    env.ok(["model", "set", "anthropic/claude-sonnet-5"]);
    std::fs::write(&file, "# mine\nschema = 1\nmodel = \"x/y\" # old\n").expect("settings");
    let done = env.pryx(["model", "set", "anthropic/claude-opus-5"]).run();
    done.assert_code(0).assert_says("ANTHROPIC_API_KEY is not set");
    let text = std::fs::read_to_string(&file).expect("settings");
    assert!(text.starts_with("# mine\nschema = 1\nmodel = \"anthropic/claude-opus-5\""), "{text}");
    assert!(std::fs::read_to_string(env.pryx_home().join("config.toml.bak")).expect("the old").contains("x/y"));
    let shown = env.pryx(["model", "--json"]).var("ANTHROPIC_API_KEY", KEY).run();
    let shown: Value = serde_json::from_str(&shown.assert_code(0).out()).expect("JSON");
    assert_eq!(shown["model"], "anthropic/claude-opus-5");
    assert_eq!((&shown["info"]["context"], &shown["key"]), (&json!(1_000_000), &json!("ANTHROPIC_API_KEY")));
    for bad in ["nonsense", "nobody/m", "/"] {
        env.pryx(["model", "set", bad]).run().assert_code(2).assert_one_clear_error();
    }
    std::fs::write(&file, "modle = 1\n").expect("settings");
    env.pryx(["model", "set", "anthropic"]).run().assert_code(2).assert_says("config.toml:1:1");
    assert_eq!(std::fs::read_to_string(&file).expect("settings"), "modle = 1\n");
    // The hands can be stopped again.
    std::fs::remove_file(&file).expect("settings");
}

#[test]
fn what_the_settings_say_about_a_model_wins() {
    let mut env = TestEnv::new();
    env.set("ANTHROPIC_API_KEY", KEY);
    env.ok(["model", "set", "anthropic"]);
    let file = env.pryx_home().join("config.toml");
    let text = "model = \"anthropic/claude-sonnet-5\"\n[models.\"anthropic/claude-sonnet-5\"]\ncontext = 9000\n";
    std::fs::write(&file, text).expect("settings");
    let info = env.json(["model"])["info"].clone();
    assert_eq!((&info["context"], &info["output"]), (&json!(9_000), &json!(128_000)));
    assert!(info["prices"].is_object());
    // At another address the same name may cost something else.
    env.set("ANTHROPIC_BASE_URL", "http://127.0.0.1:9");
    assert_eq!(env.json(["model"])["info"]["prices"], Value::Null);
    std::fs::write(&file, format!("{text}[providers.anthropic]\ncatalog = \"anthropic\"\n")).expect("settings");
    assert!(env.json(["model"])["info"]["prices"].is_object());
}

/// Three models of one provider: a cheap one, a dear one that sees, and one that nobody has a price for.
fn choice(stub: &Stub) -> Site {
    let (_, base) = &stub.variables()[0];
    let model = |vision: bool, cost: Value| {
        let input = if vision { json!(["text", "image"]) } else { json!(["text"]) };
        json!({"tool_call": true, "limit": {"context": 128_000, "output": 4_096}, "cost": cost,
            "modalities": {"input": input, "output": ["text"]}})
    };
    let page = json!({"shop": {"env": ["SHOP_KEY"], "npm": "@ai-sdk/openai-compatible", "api": base, "models": {
        "cheap": model(false, json!({"input": 0.1, "output": 0.2})),
        "seeing": model(true, json!({"input": 1, "output": 2})),
        "unpriced": model(true, Value::Null),
    }}});
    Site::start(move |_, _| json(200, &page))
}

#[test]
fn a_rule_chooses_and_says_why() {
    let turns = (0..6).map(|_| Turn { usage: Some((50, 40)), ..Turn::says("Here.") });
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, turns);
    let site = choice(&stub);
    let mut env = TestEnv::new();
    env.set("PRYX_CATALOG_URL", site.url("/api.json"));
    env.set("SHOP_KEY", KEY);
    env.ok(["models", "--refresh"]);
    let asked = |rule: &str| {
        let done = env.pryx(["run", "--json", "--model", rule, "hello"]).run();
        done.assert_code(0);
        let notice = done.events().into_iter().find(|event| event["payload"]["code"] == "model_chosen");
        let model = stub.received().last().map(|asked| asked.body["model"].clone()).unwrap_or_default();
        (model, notice.map(|notice| notice["payload"]["message"].to_string()).unwrap_or_default())
    };
    let (model, why) = asked("cheapest");
    assert_eq!(model, "cheap");
    assert!(why.contains("the cheapest ($0.1 in, $0.2 out) of 3"), "{why}");
    assert_eq!(asked("cheapest:vision").0, "seeing", "an unknown price is not the lowest");
    // Nothing was measured three times yet.
    let none = env.pryx(["run", "--model", "fastest:vision", "hello"]).run();
    none.assert_code(2).assert_one_clear_error().assert_says("nobody knows which is fastest");
    asked("shop/seeing");
    asked("shop/seeing");
    let (model, why) = asked("fastest");
    assert_eq!(model, "seeing", "the only one with three measured calls");
    assert!(why.contains("tokens a second over 3 calls"), "{why}");
    env.ok(["model", "set", "cheapest:128k@shop"]);
    assert_eq!(env.json(["model"])["model"], "shop/cheap");
    env.pryx(["run", "hello"]).run().assert_code(0);
    assert_eq!(stub.received().last().map(|asked| asked.body["model"].clone()), Some(json!("cheap")));
    for bad in ["cheapest:flight", "cheapest:900k", "cheapest@nobody"] {
        env.pryx(["run", "--model", bad, "hello"]).run().assert_code(2).assert_one_clear_error();
    }
}
