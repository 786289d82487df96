//! On whose behalf a peer speaks: worked out from its ancestors, never from what it says.
//!
//! A keeper is the subreaper of its job, so everything that an agent's command started, daemonised processes
//! included, descends from that keeper. The hands are a subreaper too: what an agent leaves by killing its own keeper
//! turns up directly below them.

use crate::jobs::{Jobs, KeeperOf};
use crate::keeper::procs;
use pryx_ipc::Peer;
use pryx_terms::{Actor, SessionId};

/// Readings of the ancestors before giving up: each that fails means that one of them ended meanwhile.
const TRIES: usize = 8;

/// Who speaks.
pub(crate) fn of(peer: Peer, jobs: &Jobs) -> Actor {
    let Some(pid) = peer.pid.and_then(|pid| i32::try_from(pid).ok()) else {
        // Where the kernel doesn't tell, nested calls can't be told apart; on Linux it always tells.
        return if cfg!(target_os = "linux") { agent(None) } else { Actor::Person };
    };
    let Some(chain) = (0..TRIES).find_map(|_| procs::ancestors(pid)) else {
        // It is gone, or its ancestry never holds still. Nobody we know, so the one with fewer rights.
        return agent(None);
    };
    let keepers = jobs.keepers();
    // A keeper may keep several jobs: a terminal and the commands in it. One of an agent's is enough.
    let known = |pid: i32| keepers.iter().filter(move |keeper| i32::try_from(keeper.pid) == Ok(pid));
    if known(pid).next().is_some() {
        // A keeper has nothing to say itself: it has connected one of its own, which is in a sandbox, and only those of an
        // agent have that way out.
        return agent(known(pid).find_map(agent_of).flatten());
    }
    let mut sessions = chain.iter().flat_map(|proc| known(proc.pid)).filter_map(agent_of);
    if let Some(session) = sessions.next() {
        return agent(session);
    }
    if is_orphan(pid, &chain, &keepers) { agent(None) } else { Actor::Person }
}

fn agent(session: Option<SessionId>) -> Actor {
    Actor::Agent { session }
}

fn agent_of(keeper: &KeeperOf) -> Option<Option<SessionId>> {
    match &keeper.actor {
        Actor::Person => None,
        Actor::Agent { session } => Some(session.clone().or_else(|| keeper.session.clone())),
    }
}

/// Whether it hangs below the hands without a keeper between: the keeper was killed.
fn is_orphan(pid: i32, chain: &[procs::Proc], keepers: &[KeeperOf]) -> bool {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let below = match chain.iter().position(|proc| proc.pid == own) {
        None => return false,
        Some(0) => pid,
        Some(at) => chain[at - 1].pid,
    };
    pid != own && !keepers.iter().any(|keeper| i32::try_from(keeper.pid) == Ok(below))
}
