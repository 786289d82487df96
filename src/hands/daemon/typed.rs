//! How much of whose input was typed. A client whose connection is lost in the middle of it doesn't know; with its key
//! it may send the same again, and what arrived before is not typed twice.

use crate::jobs::{InputError, Job};
use pryx_ipc::{InputPart, SendInput};
use pryx_terms::CallKey;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex as Quick, PoisonError};
use tokio::sync::Mutex;

/// Keys that are remembered, the newest. A window or a command has one for its life; without an end of this list, hands
/// that run for months would remember them all.
const KEYS: usize = 512;

/// What arrived with a key.
#[derive(Debug, Default)]
struct Arrived {
    bytes: u64,
    end: bool,
}

/// All keys.
#[derive(Debug, Default)]
pub(crate) struct Typed(Quick<VecDeque<(CallKey, Arc<Mutex<Arrived>>)>>);

impl Typed {
    fn of(&self, key: &CallKey) -> Arc<Mutex<Arrived>> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, arrived)) = keys.iter().find(|(known, _)| known == key) {
            return Arc::clone(arrived);
        }
        if keys.len() >= KEYS {
            keys.pop_front();
        }
        let arrived = Arc::<Mutex<Arrived>>::default();
        keys.push_back((key.clone(), Arc::clone(&arrived)));
        arrived
    }

    /// Whether all of it has arrived before: then its answer is known, also when the job has ended since.
    pub async fn has(&self, data: &SendInput, part: &InputPart) -> bool {
        let known = {
            let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            keys.iter().find(|(known, _)| *known == part.key).map(|(_, arrived)| Arc::clone(arrived))
        };
        let Some(known) = known else { return false };
        let arrived = known.lock().await;
        arrived.bytes >= part.offset.saturating_add(data.data.0.len() as u64) && (arrived.end || !data.eof)
    }

    /// Types what is new of it. It goes on when the client that sent it is gone: half of it may be typed already, and
    /// whoever sends the same again waits for the rest.
    pub async fn add(&self, job: Job, data: &SendInput, part: &InputPart) -> Result<(), InputError> {
        let (arrived, id) = (self.of(&part.key), job.id().clone());
        let (data, offset) = (data.clone(), part.offset);
        let typing = tokio::spawn(async move {
            let mut arrived = arrived.lock().await;
            let bytes = &data.data.0;
            let known = usize::try_from(arrived.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
            let fresh = bytes.get(known..).unwrap_or_default();
            let eof = data.eof && !arrived.end;
            if fresh.is_empty() && !eof {
                return Ok(());
            }
            job.input(fresh, eof, data.window).await?;
            arrived.bytes = arrived.bytes.max(offset.saturating_add(bytes.len() as u64));
            arrived.end |= eof;
            Ok(())
        });
        typing.await.unwrap_or_else(|error| Err(InputError::Refused { job: id, reason: error.to_string() }))
    }
}
