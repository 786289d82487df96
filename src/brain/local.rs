//! Model servers on this machine: Ollama, llama.cpp, LM Studio, vLLM. Each is asked for its models by the request that only it
//! answers as it does, so that something else on its port is not taken for it.

use crate::clean::line;
use crate::web::{self, Get};
use futures_util::future::join_all;
use pryx_terms::Secret;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// How long a server is waited for. One on this machine lists its models in some milliseconds; a port that swallows
/// everything would else make each list wait.
const PATIENCE: Duration = Duration::from_millis(700);

/// Most bytes of an answer. A thousand models of Ollama take half of it.
const MAX_ANSWER: usize = 1024 * 1024;

/// Most models that are taken of one server.
const MAX_MODELS: usize = 1000;

/// Longest name of a model.
const MAX_NAME: usize = 300;

/// The programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocalKind {
    /// Ollama.
    Ollama,
    /// llama.cpp's `llama-server`.
    LlamaCpp,
    /// LM Studio.
    LmStudio,
    /// vLLM.
    Vllm,
}

/// Where to look.
#[derive(Debug, Clone)]
pub struct LocalPlace {
    /// For what.
    pub kind: LocalKind,
    /// The address that models are asked at.
    pub base_url: String,
    /// A key, if one is set for it.
    pub key: Option<Secret>,
}

/// A server that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LocalServer {
    /// Which.
    pub kind: LocalKind,
    /// Where.
    pub base_url: String,
    /// What it can answer with.
    pub models: Vec<LocalModel>,
}

/// One of its models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LocalModel {
    /// As the server calls it.
    pub name: String,
    /// Tokens that it reads at once, if the server says so.
    pub context: Option<u64>,
}

impl LocalKind {
    /// Its name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Ollama => "Ollama",
            Self::LlamaCpp => "llama.cpp",
            Self::LmStudio => "LM Studio",
            Self::Vllm => "vLLM",
        }
    }

    /// Where it lists its models.
    fn list(self, base_url: &str) -> String {
        let base = base_url.trim_end_matches('/');
        let root = base.strip_suffix("/v1").or_else(|| base.strip_suffix("/api")).unwrap_or(base);
        match self {
            Self::Ollama => format!("{root}/api/tags"),
            Self::LmStudio => format!("{root}/api/v0/models"),
            Self::LlamaCpp | Self::Vllm => format!("{base}/models"),
        }
    }

    /// The models of an answer; nothing when it is another program's.
    fn models(self, answer: &Value) -> Option<Vec<LocalModel>> {
        let list = answer[if self == Self::Ollama { "models" } else { "data" }].as_array()?;
        let own = |one: &Value| match self {
            Self::Ollama => one["name"].is_string() && one["digest"].is_string(),
            Self::LlamaCpp => one["owned_by"] == "llamacpp",
            Self::LmStudio => one["state"].is_string() && one["type"].is_string(),
            Self::Vllm => one["owned_by"] == "vllm",
        };
        if !list.iter().all(own) || list.is_empty() && matches!(self, Self::LlamaCpp | Self::Vllm) {
            return None;
        }
        // What only makes vectors can't answer.
        let answers = list.iter().filter(|one| self != Self::LmStudio || one["type"] != "embeddings");
        let models = answers.filter_map(|one| {
            let name = one[if self == Self::Ollama { "name" } else { "id" }].as_str()?;
            let fit = !name.is_empty() && name == line(name, MAX_NAME) && !name.contains(' ');
            fit.then(|| LocalModel { name: name.to_owned(), context: self.context(one) })
        });
        Some(models.take(MAX_MODELS).collect())
    }

    /// What it reads at once as it runs now; what it was made for may be far more. Ollama is told with each request.
    fn context(self, one: &Value) -> Option<u64> {
        match self {
            Self::Ollama => None,
            Self::LlamaCpp => one["meta"]["n_ctx"].as_u64(),
            Self::LmStudio => one["loaded_context_length"].as_u64().or_else(|| one["max_context_length"].as_u64()),
            Self::Vllm => one["max_model_len"].as_u64(),
        }
        .filter(|context| *context > 0)
    }
}

/// Looks at all places at once; what runs, in the order of the places.
pub async fn local_servers(places: &[LocalPlace]) -> Vec<LocalServer> {
    join_all(places.iter().map(look)).await.into_iter().flatten().collect()
}

async fn look(place: &LocalPlace) -> Option<LocalServer> {
    let mut models = place.kind.models(&ask(place, &place.kind.list(&place.base_url)).await?)?;
    // A llama.cpp of before 2026 says it elsewhere.
    if place.kind == LocalKind::LlamaCpp
        && models.iter().any(|model| model.context.is_none())
        && let Some(props) = ask(place, &props(&place.base_url)).await
    {
        let context = props["default_generation_settings"]["n_ctx"].as_u64().filter(|context| *context > 0);
        for model in &mut models {
            model.context = model.context.or(context);
        }
    }
    Some(LocalServer { kind: place.kind, base_url: place.base_url.clone(), models })
}

fn props(base_url: &str) -> String {
    let base = base_url.trim_end_matches('/');
    format!("{}/props", base.strip_suffix("/v1").unwrap_or(base))
}

async fn ask(place: &LocalPlace, url: &str) -> Option<Value> {
    let key = place.key.as_ref().map(|key| ("authorization", format!("Bearer {}", key.expose())));
    let headers: Vec<_> = key.into_iter().collect();
    let got = web::get(Get { url, headers: &headers, form: None, limit: PATIENCE, most: MAX_ANSWER }).await.ok()?;
    if got.status == 200 { serde_json::from_slice(&got.body).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::stub::{Say, Server, json, reply};

    async fn found(kind: LocalKind, answers: Vec<Say>) -> Option<LocalServer> {
        let server = Server::start(answers);
        let base_url = if kind == LocalKind::Ollama { server.address.clone() } else { server.address.clone() + "/v1" };
        let place = LocalPlace { kind, base_url, key: Some(Secret::new("k".into())) };
        let found = local_servers(&[place]).await.pop();
        let asked = server.requests().first().map(|request| request.contains("authorization: Bearer k"));
        assert_ne!(asked, Some(false), "its key was not sent");
        found
    }

    const OLLAMA: &str = r#"{"models": [{"name": "qwen3:8b", "model": "qwen3:8b", "digest": "5", "size": 5}]}"#;
    const LLAMA: &str =
        r#"{"models": [{}], "data": [{"id": "q.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 9}}]}"#;
    const STUDIO: &str = r#"{"data": [{"id": "a/b", "type": "llm", "state": "loaded", "max_context_length": 9, "loaded_context_length": 4},
        {"id": "e", "type": "embeddings", "state": "not-loaded"}]}"#;
    const VLLM: &str = r#"{"data": [{"id": "Qwen/Qwen3", "owned_by": "vllm", "max_model_len": 4096}]}"#;

    #[tokio::test]
    async fn each_program_is_known_by_its_own_answer() {
        use LocalKind::{LlamaCpp, LmStudio, Ollama, Vllm};
        let props = json("200 OK", r#"{"default_generation_settings": {"n_ctx": 8192}, "total_slots": 1}"#);
        for (kind, answers, name, context) in [
            (Ollama, vec![json("200 OK", OLLAMA)], "qwen3:8b", None),
            (LlamaCpp, vec![json("200 OK", LLAMA), props], "q.gguf", Some(8192)),
            (LmStudio, vec![json("200 OK", STUDIO)], "a/b", Some(4)),
            (Vllm, vec![json("200 OK", VLLM)], "Qwen/Qwen3", Some(4096)),
        ] {
            let models = found(kind, answers).await.unwrap().models;
            assert_eq!(models, [LocalModel { name: name.to_owned(), context }], "{kind:?}");
            for other in [Ollama, LlamaCpp, LmStudio, Vllm].into_iter().filter(|other| *other != kind) {
                let text = [OLLAMA, LLAMA, STUDIO, VLLM][kind as usize];
                assert_eq!(found(other, vec![json("200 OK", text)]).await, None, "{kind:?} is no {other:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_something_else_is_not_there() {
        let page = || reply("200 OK", "content-type: text/html\r\n", "<html>");
        for kind in [LocalKind::Ollama, LocalKind::LlamaCpp, LocalKind::LmStudio, LocalKind::Vllm] {
            for say in [page(), json("404 Not Found", "{}"), json("200 OK", "[]"), json("401 No", VLLM)] {
                assert_eq!(found(kind, vec![say]).await, None);
            }
        }
        let evil = r#"{"models": [{"name": "a\u001b[31mb", "digest": "5"}, {"name": "a b", "digest": "5"}]}"#;
        assert!(found(LocalKind::Ollama, vec![json("200 OK", evil)]).await.unwrap().models.is_empty());
    }

    #[tokio::test]
    async fn silent_ports_are_waited_for_at_once_and_not_long() {
        let servers: Vec<Server> = (0..4).map(|_| Server::start(vec![Say::Hang(Vec::new())])).collect();
        let place = |server: &Server| LocalPlace { kind: LocalKind::Vllm, base_url: server.address.clone(), key: None };
        let places: Vec<LocalPlace> = servers.iter().map(place).collect();
        let began = std::time::Instant::now();
        assert!(local_servers(&places).await.is_empty());
        assert!(began.elapsed() < PATIENCE * 3, "one after the other: {:?}", began.elapsed());
    }
}
