//! Keeping the catalog fresh: once a day it is fetched again, if it changed. Nobody waits for it; a failure costs nothing
//! but an older catalog.

use super::pack::{MAX_FILE, Pack};
use crate::web::{self, Get};
use pryx_terms::Timestamp;
use std::borrow::Cow;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How old the data may be before they are fetched again.
const DAILY: Duration = Duration::from_secs(24 * 60 * 60);

/// Older data may hold wrong prices: who asks for the list waits for a fetch, and is told when that fails.
const OLD: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a try in vain, or one that was cut off with its process, keeps others from trying.
const PAUSE: Duration = Duration::from_secs(10 * 60);

/// How long a fetch may take. On a slow line the data take a minute; then another day's try may do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Largest answer read. In 2026 it has about 3 MB.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Where the catalog is fetched from and kept.
#[derive(Debug, Clone)]
pub struct Refresh {
    /// The address of an `api.json`.
    pub url: String,
    /// The file it's kept in. Beside it, with `.tried` behind its name, one whose time is that of the last try.
    pub cache: PathBuf,
}

/// Whether it's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The data are of today, or somebody tries already.
    No,
    /// They are older than a day.
    Yes,
    /// They are a week old, or were never fetched.
    Overdue,
}

/// What a fetch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// There were newer data.
    Newer,
    /// The data here are the newest.
    Same,
}

/// Why the catalog could not be refreshed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// No usable answer.
    #[error("the catalog of models can't be fetched from {url}: {why}")]
    Unanswered {
        /// From where.
        url: String,
        /// Why.
        why: String,
    },
    /// The answer was something else.
    #[error("that is no catalog of models: {0}")]
    NotTheCatalog(String),
    /// It can't be kept.
    #[error("the catalog of models can't be kept in {}: {why}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
}

/// The fetched catalog, if there is one that can be read.
pub(super) fn cached(file: &Path) -> Option<Pack> {
    let mut bytes = Vec::new();
    fs::File::open(file).ok()?.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= MAX_FILE).then(|| Pack::open(Cow::Owned(bytes)))?
}

impl Refresh {
    /// Whether it's time to fetch, by the files' times.
    #[must_use]
    pub fn due(&self, now: SystemTime) -> Due {
        let age = |file: &Path| {
            let changed = fs::metadata(file).and_then(|meta| meta.modified()).ok()?;
            // A time in the future is one of a clock that was set back: as good as now.
            Some(now.duration_since(changed).unwrap_or_default())
        };
        let Some(age_of_data) = age(&self.cache) else {
            return if self.tried_lately(age(&self.tried())) { Due::No } else { Due::Overdue };
        };
        match age_of_data {
            old if old < DAILY || self.tried_lately(age(&self.tried())) => Due::No,
            old if old < OLD => Due::Yes,
            _ => Due::Overdue,
        }
    }

    fn tried_lately(&self, age: Option<Duration>) -> bool {
        age.is_some_and(|age| age < PAUSE)
    }

    fn tried(&self) -> PathBuf {
        let mut name = self.cache.clone().into_os_string();
        name.push(".tried");
        name.into()
    }

    /// Fetches, on a thread of its own: the process needn't wait for it, and its end ends it.
    pub fn in_background(self) {
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            // What went wrong is told to who asks for the list; the next try is in some minutes.
            let _ = runtime.map(|runtime| runtime.block_on(self.run()));
        };
        // Without threads to be had there is no catalog to be had either.
        let _ = std::thread::Builder::new().name("catalog".to_owned()).spawn(work);
    }

    /// Fetches the data, if they are newer than those that are here.
    ///
    /// # Errors
    /// When they can't be had, read or kept. What was here stays.
    pub async fn run(&self) -> Result<Refreshed, RefreshError> {
        // A missing mark only means that another process tries too.
        let _ = fs::write(self.tried(), b"");
        let here = cached(&self.cache);
        let tag = here.as_ref().and_then(Pack::etag).map(|tag| ("if-none-match", tag.to_owned()));
        let headers: Vec<_> = tag.into_iter().chain([("accept", "application/json".to_owned())]).collect();
        let get = Get { url: &self.url, headers: &headers, form: None, limit: PATIENCE, most: MAX_ANSWER };
        let unanswered = |why| RefreshError::Unanswered { url: self.url.clone(), why };
        let got = web::get(get).await.map_err(|error| unanswered(error.to_string()))?;
        match got.status {
            200 => {
                let packed = super::pack(&got.body, Timestamp::now(), got.etag)?;
                self.keep(&packed).map_err(|why| RefreshError::Write { path: self.cache.clone(), why })?;
                Ok(Refreshed::Newer)
            }
            304 if here.is_some() => {
                // Its time says when it was last known to be the newest.
                let now = SystemTime::now();
                let marked = fs::File::options().append(true).open(&self.cache).and_then(|file| file.set_modified(now));
                marked.map_err(|why| RefreshError::Write { path: self.cache.clone(), why })?;
                Ok(Refreshed::Same)
            }
            status => Err(unanswered(format!("it answered {status}"))),
        }
    }

    /// Whole or not at all: another process may read it meanwhile.
    fn keep(&self, packed: &[u8]) -> std::io::Result<()> {
        let mut part = self.cache.clone().into_os_string();
        part.push(format!(".{}", std::process::id()));
        let part = PathBuf::from(part);
        let written = fs::File::create(&part).and_then(|mut file| {
            file.write_all(packed)?;
            file.sync_all()?;
            fs::rename(&part, &self.cache)
        });
        if written.is_err() {
            // The disk may be full: what was begun only takes room.
            let _ = fs::remove_file(&part);
        }
        written
    }
}
