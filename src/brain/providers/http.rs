//! One provider over HTTP: the request goes out, the stream comes in, and what fails is tried again. Tools run only
//! after a whole answer, so that no try can do one twice; what was shown of a broken one is told to be void.

use super::error::{Fault, Kind, ProviderError, looks_like_page, shown_url};
use super::limiter::Limiter;
use super::sse::SseEvent;
use super::thinking::is_about_thinking;
use super::{Content, Decode, ModelEvent, ModelRequest, client, ollama, retry, wire};
use crate::message::{Api, Message, ModelAnswer};
use crate::model::ProviderConfig;
use pryx_terms::Timestamp;
use reqwest::header;
use reqwest::{Client, Response, Url};
use std::error::Error as _;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long a connection may take. Beyond, the network is down or a firewall swallows the packets.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a server may think before it answers at all. A model on a slow machine reads a long prompt for minutes.
const FIRST_BYTE: Duration = Duration::from_secs(300);

/// How long a stream may be silent. Models that reason out of sight send nothing meanwhile.
const IDLE: Duration = Duration::from_secs(300);

/// How long counts may be awaited after the answer is whole. Some servers never end their stream.
const AFTER_THE_END: Duration = Duration::from_secs(2);

/// The first wait before another try.
const RETRY: Duration = Duration::from_secs(1);

/// How long another try may be waited for while another model could answer instead.
const HURRY: Duration = Duration::from_secs(10);

/// Most bytes of one answer. The longest real ones are near one, frames and all; an endless one would fill memory.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Most bytes read of an answer that is an error.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// How long the body of an error may take.
const ERROR_BODY: Duration = Duration::from_secs(5);

/// How long a provider is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the head of the answer.
    pub first_byte: Duration,
    /// For the next piece of it.
    pub idle: Duration,
    /// Before the second try; the wait doubles with each.
    pub retry: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: CONNECT, first_byte: FIRST_BYTE, idle: IDLE, retry: RETRY }
    }
}

/// A provider that is reached over HTTP.
pub(super) struct HttpProvider {
    config: ProviderConfig,
    patience: Patience,
    limiter: Arc<Limiter>,
    /// Made at the first request: loading the machine's certificates takes milliseconds.
    client: OnceLock<Client>,
    /// The model has to be asked without something; found out by being refused once.
    plain: AtomicBool,
    /// How many ways to say how hard to think the model refused.
    refused_thoughts: AtomicUsize,
    /// The largest window that was needed so far: a smaller one would make Ollama load the model again.
    window: AtomicU32,
}

/// How hard to try.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tries {
    /// Not again after a failure.
    pub(super) once: bool,
    /// Another model waits to be asked: no long waits.
    pub(super) hurry: bool,
}

/// What was tried in vain, and whether the person saw a part of an answer.
pub(super) struct Failed {
    pub(super) error: ProviderError,
    pub(super) shown: bool,
    pub(super) tries: u32,
}

impl HttpProvider {
    pub(super) fn new(config: ProviderConfig, patience: Patience, limiter: Arc<Limiter>) -> Self {
        Self {
            config,
            patience,
            limiter,
            client: OnceLock::new(),
            plain: AtomicBool::new(false),
            refused_thoughts: AtomicUsize::new(0),
            window: AtomicU32::new(0),
        }
    }

    pub(super) fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    pub(super) fn config(&self) -> &ProviderConfig {
        &self.config
    }

    pub(super) async fn ask(
        &self,
        request: &ModelRequest,
        sink: &mpsc::Sender<ModelEvent>,
        tries: Tries,
    ) -> Result<ModelAnswer, Failed> {
        let (mut failed, mut waited) = (0, Duration::ZERO);
        let mut request = request.clone();
        request.thoughts.drain(..self.refused_thoughts.load(Ordering::Relaxed).min(request.thoughts.len()));
        loop {
            let mut shown = false;
            let mut error = match self.try_once(&request, sink, &mut shown).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if let Some((code, why)) = wire::wants_plain(self.config.api, &error)
                && !self.plain.swap(true, Ordering::Relaxed)
            {
                let message = format!("{} {why}: asking so", request.model);
                let _ = sink.send(ModelEvent::Notice { code, message }).await;
                continue;
            }
            if error.kind == Kind::BadRequest && !request.thoughts.is_empty() && is_about_thinking(&error.message) {
                request.thoughts.remove(0);
                self.refused_thoughts.fetch_add(1, Ordering::Relaxed);
                let how = if request.thoughts.is_empty() { "without" } else { "in another way" };
                let message = format!("{} refused how it was asked to think: asking {how}", request.model);
                let _ = sink.send(ModelEvent::Notice { code: "thinking_changed", message }).await;
                continue;
            }
            if error.kind == Kind::BadRequest && request.messages.iter().any(Message::has_image) {
                let hint = "the model may not see pictures: choose another with --model, or leave --image out";
                error.hint = Some(hint.to_owned());
            }
            let wait = retry::wait(error.kind, failed, self.patience.retry)
                .filter(|wait| !(tries.once || tries.hurry && waited + *wait > HURRY));
            failed += 1;
            let Some(wait) = wait else {
                if failed > 1 {
                    error.message.push_str(&format!("; tried {failed} times"));
                }
                if shown && !tries.hurry {
                    error.message.push_str("; what was shown of it is not the whole answer");
                }
                return Err(Failed { error, shown, tries: failed });
            };
            let mut message = format!("{error}: trying again in {}", seconds(wait));
            let mut code = "provider_retry";
            if shown {
                code = "answer_restarted";
                message.push_str("; the answer begins again, and what was shown of it doesn't count");
            }
            let _ = sink.send(ModelEvent::Notice { code, message }).await;
            pause(wait, "to try again", sink).await;
            waited += wait;
        }
    }

    async fn try_once(
        &self,
        request: &ModelRequest,
        sink: &mpsc::Sender<ModelEvent>,
        shown: &mut bool,
    ) -> Result<ModelAnswer, ProviderError> {
        let tokens = request.guessed;
        let place = self.limiter.enter(tokens);
        if !place.wait().is_zero() {
            let (name, wait) = (&self.config.name, seconds(place.wait()));
            let message = format!("waiting {wait} for its turn: the settings limit how much {name} is asked");
            let _ = sink.send(ModelEvent::Notice { code: "rate_queue", message }).await;
            pause(place.wait(), "for the person's own limit", sink).await;
        }
        place.use_it();
        let mut response = self.send(request).await?;
        self.check(&mut response, request).await?;
        let decoder = wire::decoder(self.config.api, request);
        let answer = self.read(response, decoder, request, sink, shown).await?;
        let usage = answer.usage;
        let counts = [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens];
        if counts.iter().any(Option::is_some) {
            self.limiter.settle(tokens, counts.into_iter().flatten().fold(0, u64::saturating_add));
        }
        Ok(answer)
    }

    async fn send(&self, request: &ModelRequest) -> Result<Response, ProviderError> {
        let url = self.parse(&wire::url(&self.config, request))?;
        let window = match self.config.limits.context {
            Some(window) => window,
            None if self.config.api == Api::Ollama => {
                let needed = ollama::window(request);
                self.window.fetch_max(needed, Ordering::Relaxed).max(needed)
            }
            None => 0,
        };
        let body = wire::body(self.config.api, request, self.plain.load(Ordering::Relaxed), window);
        let headers = wire::headers(&self.config)?;
        let client = self.client(&url)?;
        let sent = client.post(url).headers(headers).body(body.to_string()).send();
        match timeout(self.patience.first_byte, sent).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(self.silent(self.patience.first_byte)),
        }
    }

    fn parse(&self, url: &str) -> Result<Url, ProviderError> {
        let bad = |why: &str| {
            let shown = shown_url(&self.config.base_url);
            ProviderError::new(&self.config, Kind::Setup, format!("{shown:?} can't be used as an address: {why}"))
        };
        // The base alone first: with a path behind it, "http://" would seem to have a host.
        let base = Url::parse(&self.config.base_url).map_err(|error| bad(&error.to_string()))?;
        match base.scheme() {
            "http" | "https" if base.has_host() => Url::parse(url).map_err(|error| bad(&error.to_string())),
            _ => Err(bad("it begins with neither https:// nor http://")),
        }
    }

    fn client(&self, url: &Url) -> Result<&Client, ProviderError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let built = client::build(url, self.patience.connect).map_err(|error| {
            let message = format!("no connection to {} can be prepared: {}", self.config.name, words(&error));
            ProviderError::new(&self.config, Kind::Setup, message)
        })?;
        Ok(self.client.get_or_init(|| built))
    }

    /// Turns away what is no event stream.
    async fn check(&self, response: &mut Response, request: &ModelRequest) -> Result<(), ProviderError> {
        let status = response.status().as_u16();
        if !response.status().is_success() {
            let after = retry::retry_after(response.headers(), Timestamp::now());
            let body = error_body(response).await;
            return Err(ProviderError::from_status(&self.config, &request.model, status, after, &body));
        }
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        if kind.starts_with("text/html") {
            return Err(self.page());
        }
        if kind.starts_with("application/json") {
            let body = error_body(response).await;
            let said = serde_json::from_slice(&body).ok().and_then(|value| super::error::said(&value));
            return Err(match said {
                Some(said) => ProviderError::from_fault(
                    &self.config,
                    &request.model,
                    Fault::Reported { code: said.code, message: said.message },
                ),
                None => {
                    let message = format!("{} answered with JSON instead of a stream", self.config.name);
                    ProviderError::new(&self.config, Kind::NotTheApi, message)
                }
            });
        }
        Ok(())
    }

    async fn read(
        &self,
        mut response: Response,
        mut decoder: Box<dyn Decode>,
        request: &ModelRequest,
        sink: &mpsc::Sender<ModelEvent>,
        shown: &mut bool,
    ) -> Result<ModelAnswer, ProviderError> {
        let fault = |fault| ProviderError::from_fault(&self.config, &request.model, fault);
        let mut parser = wire::frames(self.config.api);
        let mut events: Vec<SseEvent> = Vec::new();
        let (mut total, mut any) = (0_usize, false);
        while !decoder.ended() {
            let patience = if decoder.complete() { AFTER_THE_END } else { self.patience.idle };
            let chunk = match timeout(patience, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break,
                // The answer is whole: how its connection ends doesn't matter.
                _ if decoder.complete() => break,
                Ok(Err(error)) => return Err(self.broken(&error)),
                Err(_) => return Err(self.silent(patience)),
            };
            if total == 0 && looks_like_page(&chunk) {
                return Err(self.page());
            }
            total += chunk.len();
            if total > MAX_ANSWER || parser.push(&chunk, &mut events).is_err() {
                let message = format!("{} sent more than any answer has", self.config.name);
                return Err(ProviderError::new(&self.config, Kind::TooLarge, message));
            }
            any |= !events.is_empty();
            for event in events.drain(..) {
                show(decoder.event(&event).map_err(fault)?, sink, shown).await;
            }
        }
        if !decoder.ended()
            && let Ok(Some(event)) = parser.finish()
        {
            any = true;
            match decoder.event(&event) {
                Ok(content) => show(content, sink, shown).await,
                // Half an event: the stream was cut within it.
                Err(Fault::Malformed(_)) => return Err(fault(Fault::Truncated)),
                Err(other) => return Err(fault(other)),
            }
        }
        if !any {
            let message = format!("{} sent an empty answer", self.config.name);
            return Err(ProviderError::new(&self.config, Kind::Empty, message));
        }
        decoder.finish().map_err(fault)
    }

    fn broken(&self, error: &reqwest::Error) -> ProviderError {
        let refused = causes(error)
            .filter_map(|source| source.downcast_ref::<std::io::Error>())
            .any(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
        let (name, url) = (&self.config.name, shown_url(&self.config.base_url));
        let message = if error.is_connect() {
            format!("{name} can't be reached at {url}: {}", words(error))
        } else {
            format!("the connection to {name} broke: {}", words(error))
        };
        ProviderError::new(&self.config, Kind::Connect { refused }, message)
    }

    fn silent(&self, after: Duration) -> ProviderError {
        let message = format!("{} said nothing for {}", self.config.name, seconds(after));
        ProviderError::new(&self.config, Kind::Timeout, message)
    }

    fn page(&self) -> ProviderError {
        let message = format!("{} answered with a web page", self.config.name);
        ProviderError::new(&self.config, Kind::NotTheApi, message)
    }
}

/// Waits, and tells that it does.
async fn pause(wait: Duration, why: &str, sink: &mpsc::Sender<ModelEvent>) {
    let _ = sink.send(ModelEvent::Waits(Some(why.to_owned()))).await;
    tokio::time::sleep(wait).await;
    let _ = sink.send(ModelEvent::Waits(None)).await;
}

async fn show(content: Content, sink: &mpsc::Sender<ModelEvent>, shown: &mut bool) {
    if let Content::Text(text) = content {
        *shown = true;
        // A closed sink means that the turn is over; this future is about to be dropped.
        let _ = sink.send(ModelEvent::Text(text)).await;
    }
}

async fn error_body(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = MAX_ERROR_BODY - body.len();
            body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if body.len() == MAX_ERROR_BODY {
                return;
            }
        }
    };
    // What came in time is enough to say what was wrong.
    let _ = timeout(ERROR_BODY, read).await;
    body
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

/// The innermost cause, which says it in the system's words; the layers around it repeat the address.
fn words(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| "the request failed".to_owned(), |cause| crate::clean::line(&cause.to_string(), 200))
}

pub(super) fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}
