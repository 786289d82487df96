//! Going on with a session: the same history behind the same marks, and first an end for the turn that was cut off.

use super::{Brain, Running, Setup};
use crate::agent::{Agent, Input};
use crate::context::place_of;
use crate::driver::Connect;
use crate::event::{Event, Payload, SessionResumed, Status};
use crate::store::{OpenTurn, Record, Resumed, Store, StoreError};
use pryx_terms::{CallKey, SessionId};
use std::path::PathBuf;
use tokio::sync::mpsc;

/// A turn that was cut off, and the directory it worked in.
pub(super) struct CutOff {
    turn: OpenTurn,
    workspace: PathBuf,
}

impl Brain {
    /// Goes on with a session and tells so. The turn that was cut off with its process, if there is one, is brought to
    /// its end before the next one: what its call came to is asked of the hands, which run nothing twice.
    ///
    /// # Errors
    /// When there is no such session, another process goes on with it, or the store can't be read or written.
    pub async fn resume(
        setup: Setup,
        session: &SessionId,
        store: Store,
        connect: Connect,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, StoreError> {
        let lock = store.take(session)?;
        let Resumed { boundary, workspace: before, turns, history, rows, open } = store.load(session)?;
        let unmarked = boundary.is_none();
        let boundary = boundary.unwrap_or_else(|| CallKey::generate().as_str().to_owned());
        let workspace = setup.surroundings.workspace();
        let mut brain = Self::new(setup, session.clone(), lock, store, connect, events, boundary.clone());
        let mut window = brain.agent.window().clone();
        window.fill(&history);
        if let Some(counted) = brain.store.counted(session, &brain.model.to_string())? {
            window.remember(&history, counted);
        }
        brain.agent = Agent::restored(brain.model.to_string(), history, window);
        brain.rows = rows;
        brain.cut_off = open.map(|turn| CutOff { turn, workspace: before });
        let resumed = SessionResumed { model: brain.model.to_string(), workspace, turns };
        let mut records = vec![Record::Event(Payload::SessionResumed(resumed))];
        if unmarked {
            records.push(Record::Boundary(boundary));
        }
        for event in brain.keep(None, records)?.events {
            brain.surface.show(event, None).await;
        }
        Ok(brain)
    }

    /// Ends the turn that was cut off. Gives its status when the person stopped that: then they want no next one.
    pub(super) async fn settle(&mut self, running: &mut Running<'_>) -> Result<Option<Status>, StoreError> {
        let Some(CutOff { mut turn, workspace }) = self.cut_off.take() else { return Ok(None) };
        let (host, workspace) = place_of(&workspace);
        if host.is_none() && !workspace.is_dir() {
            // The hands would answer that it is no directory, which says nothing about what was done in it.
            turn.calls.iter_mut().for_each(|call| call.recent = false);
        }
        let next = std::mem::replace(&mut running.turn, turn.id.clone());
        running.cwd = Some(workspace);
        let status = self.drive(Input::TakeUp(turn), running).await?;
        running.turn = next;
        running.cwd = None;
        Ok(running.stopped.then_some(status))
    }
}
