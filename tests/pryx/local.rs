//! Model servers on this machine, found by what each of them answers, listed, told by the doctor and used without a word of
//! configuration.

use super::env::TestEnv;
use super::site::{Page, Site, json};
use super::stub::{Chunking, Format, KEY, Stub, Turn};
use serde_json::{Value, json};
use std::time::Duration;

/// A server that answers requests for one path with one document.
fn serving(path: &'static str, document: Value) -> Site {
    Site::start(move |visit, _| -> Page {
        if visit.path == path { json(200, &document) } else { (404, String::new(), String::new()) }
    })
}

fn ollama() -> Site {
    let model = |name: &str| json!({"name": name, "model": name, "digest": "500a1f067a9f", "size": 5_225_388_164_u64});
    serving("/api/tags", json!({ "models": [model("qwen3:8b"), model("llama3.2:latest")] }))
}

fn vllm() -> Site {
    serving(
        "/v1/models",
        json!({"object": "list", "data": [{"id": "Qwen/Qwen3-8B", "owned_by": "vllm", "max_model_len": 40_960}]}),
    )
}

fn studio() -> Site {
    serving(
        "/api/v0/models",
        json!({"object": "list", "data": [
            {"id": "google/gemma-3", "type": "vlm", "state": "loaded", "max_context_length": 131_072, "loaded_context_length": 8_192},
            {"id": "nomic-embed", "type": "embeddings", "state": "not-loaded", "max_context_length": 2_048}]}),
    )
}

fn llama() -> Site {
    Site::start(|visit, _| match visit.path.as_str() {
        "/v1/models" => json(
            200,
            &json!({"data": [{"id": "gemma.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 131_072}}]}),
        ),
        "/props" => json(200, &json!({"default_generation_settings": {"n_ctx": 4_096}, "total_slots": 1})),
        "/v1/chat/completions" => {
            let said = json!({"choices": [{"index": 0, "delta": {"content": "Here."}, "finish_reason": "stop"}]});
            (200, "content-type: text/event-stream\r\n".to_owned(), format!("data: {said}\n\ndata: [DONE]\n\n"))
        }
        _ => (404, String::new(), String::new()),
    })
}

#[test]
fn all_four_are_found_listed_and_told() {
    let (ollama, llama, studio, vllm) = (ollama(), llama(), studio(), vllm());
    let mut env = TestEnv::new();
    env.set("OLLAMA_HOST", ollama.url(""));
    env.set("LLAMA_CPP_BASE_URL", llama.url("/v1"));
    env.set("LMSTUDIO_BASE_URL", studio.url("/v1"));
    env.set("VLLM_BASE_URL", vllm.url("/v1"));
    let listed = env.pryx(["models"]).run();
    listed.assert_code(0);
    for (name, window) in [
        ("ollama/qwen3:8b", "?"),
        ("ollama/llama3.2:latest", "?"),
        ("llama-cpp/gemma.gguf", "4096"),
        ("lmstudio/google/gemma-3", "8192"),
        ("vllm/Qwen/Qwen3-8B", "40k"),
    ] {
        let line = listed.out().lines().find(|line| line.starts_with(name)).map(str::to_owned);
        let line = line.unwrap_or_else(|| panic!("{name}: {listed}"));
        assert_eq!(line.split_whitespace().nth(1), Some(window), "{line}");
    }
    assert!(!listed.out().contains("nomic-embed"), "what makes vectors can't answer: {listed}");
    listed.assert_says(&format!("Ollama at {} (2 models)", ollama.url("")));
    let found = env.json(["models"]);
    let kinds: Vec<_> =
        found["local"].as_array().expect("servers").iter().map(|one| one["server"]["kind"].clone()).collect();
    assert_eq!(kinds, ["ollama", "llama-cpp", "lm-studio", "vllm"]);
    let doctor = env.ok(["doctor"]);
    for words in ["llama.cpp at", "LM Studio at", "vLLM at", "pryx model set ollama/qwen3:8b"] {
        assert!(doctor.contains(words), "{words}: {doctor}");
    }
}

#[test]
fn one_is_used_without_a_key_and_asked_how_much_it_reads() {
    let llama = llama();
    let mut env = TestEnv::new();
    env.set("LLAMA_CPP_BASE_URL", llama.url("/v1"));
    env.pryx(["run", "--model", "llama-cpp/gemma.gguf", "hello"]).run().assert_code(0).assert_out("Here.\n");
    let paths: Vec<String> = llama.visits().into_iter().map(|visit| visit.path).collect();
    assert_eq!(paths, ["/v1/models", "/props", "/v1/chat/completions"]);
    assert!(llama.visits().iter().all(|visit| !visit.head.to_lowercase().contains("authorization")));
}

#[test]
fn one_that_wants_a_key_gets_its_own() {
    let stub = Stub::start(Format::OpenAi, Chunking::Whole, [Turn::says("Here.")]);
    let mut env = TestEnv::new();
    env.set("VLLM_BASE_URL", &stub.variables()[0].1);
    env.set("VLLM_API_KEY", KEY);
    env.pryx(["run", "--model", "vllm/Qwen/Qwen3-8B", "hello"]).run().assert_code(0).assert_out("Here.\n");
}

#[test]
fn something_else_on_a_port_is_no_model_server_and_costs_little() {
    let page = Site::start(|_, _| (200, "content-type: text/html\r\n".to_owned(), "<html>my own site".to_owned()));
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut env = TestEnv::new();
    env.set("LLAMA_CPP_BASE_URL", page.url("/v1"));
    env.set("VLLM_BASE_URL", format!("http://{}/v1", silent.local_addr().expect("an address")));
    let done = env.pryx(["models"]).run();
    done.assert_code(0).assert_out("");
    assert!(!done.err().contains("on this machine:") && done.took < Duration::from_secs(10), "{done}");
    assert_eq!(env.json(["models"])["local"], json!([]));
    assert!(env.ok(["doctor"]).contains("no model server runs here"));
}
