//! What a model is not shown, if the person wants it so: keys, passwords, addresses. The session keeps them.

use super::ModelRequest;
use crate::message::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Takes secrets out of requests, and remembers how many messages had some.
#[derive(Debug, Default)]
pub(super) struct Discreet {
    told: AtomicUsize,
}

impl Discreet {
    /// The request without them, and how many messages had to be changed for the first time.
    pub fn hide(&self, request: &mut ModelRequest) -> usize {
        let clean = |message: &Message| {
            let mut clean = message.clone();
            clean.redact();
            clean
        };
        let messages: Vec<Message> = request.messages.iter().map(clean).collect();
        let changed = messages.iter().zip(request.messages.iter()).filter(|(clean, whole)| clean != whole).count();
        request.messages = Arc::new(messages);
        changed.saturating_sub(self.told.swap(changed, Ordering::Relaxed))
    }
}
