//! Jobs that ended under earlier hands and left processes behind: their keepers live on, and what descends from one is
//! still its job's, an agent's perhaps.

use super::adopt::GREETING;
use super::watch::Feed;
use super::{Jobs, KeeperOf, lock};
use crate::keeper::record;
use crate::store::StoreError;
use pryx_terms::{Actor, JobId, JobRecord};
use std::ffi::OsStr;
use std::path::PathBuf;

impl Jobs {
    /// Finds them by their keepers' sockets, which end with the keepers. To be called when those that run are known.
    pub(super) async fn find_leftovers(&self) -> Result<(), StoreError> {
        let entries = std::fs::read_dir(&self.inner.keepers_dir).into_iter().flatten().flatten();
        let sockets = entries.map(|entry| entry.path()).filter(|path| path.extension() == Some(OsStr::new("sock")));
        for socket in sockets {
            let id = socket.file_stem().and_then(OsStr::to_str).and_then(|name| JobId::parse(name).ok());
            if let Some(id) = id.filter(|id| self.live(id).is_none()) {
                self.leftover(id, socket).await?;
            }
        }
        Ok(())
    }

    /// A job whose keeper says nothing yet: its record says who it is, and what descends from it is its job's meanwhile.
    pub(super) fn note_silent(&self, row: &JobRecord) {
        let Ok(known) = record::read(&self.dir(&row.id)) else { return };
        let session = lock(&self.inner.shared).get(row.within.as_ref().unwrap_or(&row.id)).cloned();
        let shared = session.map(|session| (Actor::Agent { session: session.clone() }, session));
        let (actor, session) = shared.unwrap_or_else(|| (row.actor.clone(), row.session.clone()));
        lock(&self.inner.left).insert(row.id.clone(), KeeperOf { pid: known.keeper, actor, session });
    }

    async fn leftover(&self, id: JobId, socket: PathBuf) -> Result<(), StoreError> {
        let (feed, pid) = match tokio::time::timeout(GREETING, Feed::open(&socket, None)).await {
            Ok(Ok((feed, known))) => (Some(feed), Some(known.keeper)),
            // Nobody is there any more.
            Ok(Err(_)) => return Ok(()),
            // It is stopped, and says nothing; its record says who it is.
            Err(_) => (None, record::read(&self.dir(&id)).ok().map(|known| known.keeper)),
        };
        let Some(pid) = pid else { return Ok(()) };
        let keeper = match self.inner.store.job(&id)? {
            Some(row) => {
                self.recall_shared(&row);
                let session = lock(&self.inner.shared).remove(&id);
                lock(&self.inner.altered).remove(&id);
                let shared = session.map(|session| (Actor::Agent { session: session.clone() }, session));
                let (actor, session) = shared.unwrap_or((row.actor, row.session));
                KeeperOf { pid, actor, session }
            }
            // Nobody knows whose it was: so whose it is must not be taken for the person's.
            None => KeeperOf { pid, actor: Actor::Agent { session: None }, session: None },
        };
        lock(&self.inner.left).insert(id.clone(), keeper);
        let jobs = self.clone();
        tokio::spawn(async move {
            let feed = match feed {
                Some(feed) => Some(feed),
                None => Feed::open(&socket, None).await.ok().map(|(feed, _)| feed),
            };
            if let Some(feed) = feed {
                feed.until_gone().await;
            }
            lock(&jobs.inner.left).remove(&id);
        });
        Ok(())
    }
}
