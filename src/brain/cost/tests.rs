//! Sums over calls that were really kept.

use super::*;
use crate::event::{ModelUsage, Payload, SessionStarted};
use crate::store::{Owner, Record};
use std::path::Path;

pub(super) fn store(dir: &Path) -> Store {
    Store::open(&dir.join("brain.db")).unwrap()
}

pub(super) fn session(id: &str) -> SessionId {
    SessionId::parse(id).unwrap()
}

pub(super) fn begin(store: &Store, id: &str) {
    let owner = Owner { session: session(id), surface: "cli".into() };
    let started = SessionStarted { model: "a/b".into(), workspace: "/w".into() };
    store.append(&owner, None, vec![Record::Event(Payload::SessionStarted(started))]).unwrap();
}

pub(super) fn spend(store: &Store, id: &str, model: &str, cost_micros: Option<u64>) {
    let owner = Owner { session: session(id), surface: "cli".into() };
    let tokens = Usage { input_tokens: Some(10), output_tokens: Some(3), ..Usage::default() };
    let usage = ModelUsage { model: model.into(), tokens, cost_micros };
    store.append(&owner, None, vec![Record::Event(Payload::ModelUsage(usage))]).unwrap();
}

fn keys(shares: &[Share]) -> Vec<(&str, u64, u64)> {
    shares.iter().map(|share| (share.key.as_str(), share.spent.micros, share.spent.unknown)).collect()
}

#[test]
fn sums_by_model_session_and_day() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    for id in ["s1", "s2"] {
        begin(&store, id);
    }
    for (id, model, cost) in
        [("s1", "a/b", Some(1_000)), ("s1", "c/d", Some(7)), ("s2", "a/b", Some(500)), ("s2", "x/y", None)]
    {
        spend(&store, id, model, cost);
    }
    let utc = TimeZone::UTC;
    let by = |by| store.shares(by, None, &utc).unwrap();
    assert_eq!(keys(&by(By::Model)), [("a/b", 1_500, 0), ("c/d", 7, 0), ("x/y", 0, 1)]);
    assert_eq!(keys(&by(By::Session)), [("s1", 1_007, 0), ("s2", 500, 1)]);
    let today = Timestamp::now().to_zoned(utc.clone()).date().to_string();
    assert_eq!(keys(&by(By::Day)), [(today.as_str(), 1_507, 1)]);
    let all = store.spent(None, None).unwrap();
    assert_eq!((all.calls, all.unknown, all.micros, all.tokens.input_tokens), (4, 1, 1_507, Some(40)));
    assert_eq!(store.spent(None, Some(&session("s1"))).unwrap().micros, 1_007);
    let later = Timestamp::now() + jiff::SignedDuration::from_secs(60);
    assert_eq!(store.spent(Some(later), None).unwrap(), Spent::default());
}

#[test]
fn a_day_begins_where_the_person_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    begin(&store, "s1");
    spend(&store, "s1", "a/b", Some(1));
    let late: Timestamp = "2026-11-20T23:30:00.5Z".parse().unwrap();
    store.with(|db| db.execute("UPDATE usage SET at = ?1", [late.to_string()])).unwrap();
    let east = TimeZone::fixed(jiff::tz::offset(5));
    assert_eq!(keys(&store.shares(By::Day, None, &east).unwrap()), [("2026-11-21", 1, 0)]);
    assert_eq!(keys(&store.shares(By::Day, None, &TimeZone::UTC).unwrap()), [("2026-11-20", 1, 0)]);
    // The border is exact, with and without a fraction.
    let at = |text: &str| store.spent(Some(text.parse().unwrap()), None).unwrap().calls;
    assert_eq!([at("2026-11-20T23:30:00Z"), at("2026-11-20T23:30:00.5Z"), at("2026-11-20T23:30:01Z")], [1, 1, 0]);
}

#[test]
fn what_a_deleted_session_cost_stays_spent() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    begin(&store, "s1");
    spend(&store, "s1", "a/b", Some(42));
    store.delete_session(&session("s1")).unwrap();
    assert_eq!(store.spent(None, None).unwrap().micros, 42);
    assert_eq!(store.shares(By::Session, None, &TimeZone::UTC).unwrap()[0].title, None);
}
