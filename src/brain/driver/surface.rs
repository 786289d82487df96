//! The surface as the driver sees it: takes events, and may say something at any moment.

use super::{Op, until};
use crate::event::Event;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long a surface that takes no events may hold up a turn that is to stop.
const STALLED_SURFACE: Duration = Duration::from_millis(200);

/// The surface's end of the events, and what it said while it was not listened to.
pub(super) struct Surface {
    events: Option<mpsc::Sender<Event>>,
    pub(super) early: VecDeque<Op>,
}

impl Surface {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        Self { events: Some(events), early: VecDeque::new() }
    }

    /// Hands out an event. What the surface says meanwhile is kept for the turn; when it wants the turn stopped and
    /// still takes nothing, it is cut off: its events are in the store.
    pub(super) async fn show(&mut self, event: Event, mut ops: Option<&mut mpsc::Receiver<Op>>) {
        let Some(events) = self.events.clone() else { return };
        let mut patience = None;
        loop {
            tokio::select! {
                biased;
                place = events.reserve() => {
                    match place {
                        Ok(place) => place.send(event),
                        Err(_) => self.events = None,
                    }
                    return;
                }
                op = hear(&mut ops) => {
                    match &op {
                        None => ops = None,
                        Some(Op::Cancel) => patience = Some(Instant::now() + STALLED_SURFACE),
                        Some(Op::Resolve { .. } | Op::Spend(_)) => {}
                    }
                    self.early.extend(op);
                }
                () = until(patience) => {
                    self.events = None;
                    return;
                }
            }
        }
    }
}

async fn hear(ops: &mut Option<&mut mpsc::Receiver<Op>>) -> Option<Op> {
    match ops {
        Some(ops) => ops.recv().await,
        None => std::future::pending().await,
    }
}
