//! The connection of one command, made anew when it is lost. Whoever prints makes it; whoever types waits for it.

use super::connect::{self, Route};
use super::context::Context;
use super::failure::Failure;
use pryx_ipc::{Action, Client, ClientError, ErrorCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// How often in quick succession one command connects anew before it gives up: hands that die this often are broken, and
/// would be started for ever.
const RECONNECTS: u32 = 20;

/// A connection that held for so long was no part of such a succession.
const STEADY: Duration = Duration::from_secs(10);

/// A connection. Clones are the same.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    route: Route,
    client: watch::Sender<Client>,
    /// Whether it is being made anew.
    away: watch::Sender<bool>,
    give_up: Notify,
    reconnects: Mutex<Reconnects>,
}

/// What is left of a command's patience with hands that go away.
#[derive(Default)]
struct Reconnects {
    count: u32,
    last: Option<Instant>,
}

impl Reconnects {
    /// Whether one more is in order.
    fn allow(&mut self) -> bool {
        if self.last.is_some_and(|last| last.elapsed() > STEADY) {
            self.count = 0;
        }
        self.count += 1;
        self.count <= RECONNECTS
    }
}

impl Link {
    /// Over a connection that is there.
    pub fn new(context: &Context, client: Client) -> Self {
        Self(Arc::new(Inner {
            route: context.route.clone(),
            client: watch::channel(client).0,
            away: watch::channel(false).0,
            give_up: Notify::new(),
            reconnects: Mutex::default(),
        }))
    }

    /// The connection as it is now.
    pub fn client(&self) -> Client {
        self.0.client.borrow().clone()
    }

    /// Whether it is lost and not yet there again.
    pub fn is_away(&self) -> bool {
        *self.0.away.borrow()
    }

    /// Ends the attempts to make it anew: the person doesn't want to wait.
    pub fn give_up(&self) {
        self.0.give_up.notify_waiters();
    }

    fn reconnects(&self) -> std::sync::MutexGuard<'_, Reconnects> {
        self.0.reconnects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After a failed request: makes it anew if the hands went away. Only for requests that may safely be sent again: they
    /// have an idempotency key, or change nothing.
    ///
    /// # Errors
    /// The one given; or that there can be no connection, or waiting for it was given up.
    pub async fn renew(&self, context: &Context, error: ClientError) -> Result<Client, Failure> {
        if !is_lost(&error) || !self.reconnects().allow() {
            return Err(error.into());
        }
        let given_up = self.0.give_up.notified();
        if let Some(host) = self.0.route.host() {
            // In raw mode a line must begin where the terminal's does.
            let words = format!("\r\nthe connection to {host} was lost; connecting again · Ctrl-C leaves\r");
            context.talk(&context.style.warn(&words));
        }
        self.0.away.send_replace(true);
        let client = tokio::select! {
            client = connect::again(&self.0.route) => client?,
            () = given_up => return Err(Failure::new("left while there was no connection; the job goes on without us")
                .hint(format!("`{}` lists it", self.0.route.command("ps"))).code(super::exit::INTERRUPTED)),
        };
        self.reconnects().last = Some(Instant::now());
        self.0.client.send_replace(client.clone());
        self.0.away.send_replace(false);
        Ok(client)
    }

    /// Sends what may safely be sent again, over as many connections as it takes. Somebody else makes them anew.
    ///
    /// # Errors
    /// When the hands answer with an error.
    pub async fn call<A: Action + Clone>(&self, action: A) -> Result<A::Reply, ClientError> {
        let mut newest = self.0.client.subscribe();
        loop {
            let client = newest.borrow_and_update().clone();
            match client.call(action.clone()).await {
                Err(error) if is_lost(&error) => newest.changed().await.map_err(|_| error)?,
                other => return other,
            }
        }
    }
}

/// Whether an error says that the connection, not the request, is at fault.
fn is_lost(error: &ClientError) -> bool {
    match error {
        ClientError::Lost | ClientError::Unreachable { .. } => true,
        ClientError::Answer(answer) => answer.code == ErrorCode::ShuttingDown,
        _ => false,
    }
}
