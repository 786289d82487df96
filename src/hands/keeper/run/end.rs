//! The end of the command: its exit status, what it still wrote, and the record of it.

use super::{Keeper, LAST_OUTPUT};
use crate::keeper::client::Change;
use crate::keeper::log::Progress;
use crate::keeper::procs;
use crate::keeper::record;
use crate::keeper::stop::{Stopping, go_on_if_suspended};
use pryx_terms::{JobState, Outcome, Seen, StopReason, StreamBytes, Timestamp};
use rustix::process::WaitOptions;
use std::time::{Duration, Instant};

impl Keeper {
    pub(super) fn stop(&mut self, grace: Duration, by: String, reason: StopReason) {
        if !self.children_left {
            return;
        }
        match &mut self.stopping {
            Some(stopping) => stopping.hurry(grace),
            None => self.stopping = Some(Stopping::begin(&self.tree, grace, by, reason)),
        }
        self.timeout_at = None;
    }

    /// Takes the exit status of the command, and of every orphan it left.
    pub(super) fn reap(&mut self) {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
                Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == self.pid => {
                    go_on_if_suspended(pid, status);
                    if let Some(outcome) = outcome(status) {
                        let outcome = Some((outcome, Timestamp::now()));
                        (self.outcome, self.reaped) = (outcome.clone(), outcome);
                        self.timeout_at = None;
                        self.input.close("the command has ended");
                    }
                }
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => {
                    self.children_left = false;
                    break;
                }
            }
        }
        self.count_survivors();
        if cfg!(not(target_os = "linux")) && self.pid_is_reaped() {
            let rest = self.living();
            self.children_left = !rest.is_empty();
            self.watch.watch(&rest);
        }
    }

    pub(super) fn record_has_ended(&self) -> bool {
        matches!(self.record.state, JobState::Ended { .. })
    }

    pub(super) fn pid_is_reaped(&self) -> bool {
        self.outcome.is_some() || matches!(self.record.state, JobState::Ended { .. })
    }

    pub(super) fn living(&self) -> Vec<procs::Proc> {
        let mut rest = procs::descendants(self.tree.root);
        rest.retain(|p| !p.zombie);
        rest
    }

    /// Records the end, once everything that the command wrote is in its logs.
    pub(super) fn try_to_end(&mut self) {
        let stop_goes_on = self.children_left && self.stopping.as_ref().is_some_and(|s| !s.is_stuck());
        if self.outcome.is_none() || stop_goes_on || !self.drain() {
            return self.drain_the_last();
        }
        self.shell_died();
        let Some((outcome, ended)) = self.outcome.take() else { return };
        let survivors = if self.children_left { self.living() } else { Vec::new() };
        let survivors = survivors.iter().filter_map(|p| u32::try_from(p.pid).ok()).collect();
        let stopped = self.stopping.as_ref().map(Stopping::cause);
        self.record.state = JobState::Ended { outcome, ended, survivors, stopped, seen: Some(Seen::Waitpid) };
        self.count();
        self.write_record();
        self.observer.ended();
        self.tell(Change::Pulse);
        self.tell(Change::Ended);
    }

    /// What survivors wrote before they ended, too.
    pub(super) fn drain_the_last(&mut self) {
        if !self.children_left {
            self.drain();
        }
    }

    /// Reads what is there now. False while a log can't be written.
    pub(super) fn drain(&mut self) -> bool {
        for index in 0..self.logs.len() {
            let start = self.logs[index].bytes();
            loop {
                match self.logs[index].pump() {
                    Progress::More if self.children_left && self.logs[index].bytes() - start > LAST_OUTPUT => break,
                    Progress::More => {}
                    Progress::Empty | Progress::Closed => break,
                    Progress::Paused => {
                        self.note_pause();
                        return false;
                    }
                }
            }
        }
        true
    }

    pub(super) fn count(&mut self) {
        if let Some(command) = self.shell.as_mut().and_then(|shell| shell.current.as_mut())
            && let Some(bytes) = self.logs.first().and_then(|log| log.tee_bytes())
        {
            command.set_bytes(bytes);
        }
        self.record.output =
            self.logs.iter().map(|log| StreamBytes { stream: log.stream, bytes: log.bytes() }).collect();
    }

    /// Tells everybody how much there is now.
    pub(super) fn notice(&mut self) {
        self.count();
        self.notice_at = None;
        self.noticed = Instant::now();
        self.tell(Change::Grew);
    }

    pub(super) fn write_record(&self) {
        // With a full disk it fails; the next change writes it again, and clients are told anyway.
        let _ = record::write(&self.place.job_dir, &self.record);
    }
}

fn outcome(status: rustix::process::WaitStatus) -> Option<Outcome> {
    if let Some(code) = status.exit_status() {
        return Some(Outcome::Exited { code: u8::try_from(code & 0xff).unwrap_or_default() });
    }
    status.terminating_signal().map(|signal| Outcome::Signaled { signal })
}
