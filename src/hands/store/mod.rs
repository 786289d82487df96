//! `hands.db`: what the hands must remember over a crash: audit, approvals, grants, calls, jobs.
//!
//! One connection behind a lock is the one writer. Calls are short (a row is tens of microseconds) and may be made
//! from async code directly. Whoever reads a [`StoreError`] refuses the act: the gate fails closed.

mod approvals;
mod audit;
mod calls;
mod choices;
mod grants;
mod jobs;
mod schema;

pub use approvals::{ApprovalRow, Resolved};
pub use audit::{AuditCheck, AuditEntry, AuditFault, AuditFilter, AuditKind, AuditRow};
pub use calls::{CallStart, CallState};
pub use jobs::JobFilter;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a statement waits for another process that holds the file (a backup, a reader that checkpoints).
/// Without it such a moment is an error; much longer and an act would hang instead of being refused.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);

/// What can be wrong with `hands.db`. All of them mean: nothing runs until somebody has looked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or its directory can't be used.
    #[error("can't open {path}: {source}; check its owner and permissions")]
    Open {
        /// The database.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// A newer pryx has been here. The file is left as it is.
    #[error("{path} was written by a newer pryx (format {found}, this one knows {known}); run the newer pryx")]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The file is no database, or a damaged one.
    #[error(
        "{path} is damaged ({detail}); move it away to start afresh, its records of jobs and approvals are then gone"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// SQLite's word.
        detail: String,
    },
    /// A statement failed.
    #[error("hands.db: {0}")]
    Sql(#[from] rusqlite::Error),
    /// A row holds what this version can't read.
    #[error("hands.db: a row of {table} can't be read: {detail}")]
    Row {
        /// Its table.
        table: &'static str,
        /// What is wrong with it.
        detail: String,
    },
}

impl StoreError {
    fn row(table: &'static str, error: impl std::fmt::Display) -> Self {
        Self::Row { table, detail: error.to_string() }
    }
}

/// The hands' database. Clones share one connection.
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    path: Arc<PathBuf>,
}

impl Store {
    /// Opens or creates the file (mode 0600) and brings it to the current format.
    ///
    /// # Errors
    /// When it can't be opened, is damaged, or was written by a newer version; it is then not changed.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let damaged = |error: rusqlite::Error| explain(path, error);
        create_private(path).map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        schema::refuse_newer(path)?;
        let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(damaged)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(damaged)?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;")
            .map_err(damaged)?;
        schema::migrate(&mut connection).map_err(damaged)?;
        let store = Self { connection: Arc::new(Mutex::new(connection)), path: Arc::new(path.to_owned()) };
        store.forget_old_calls()?;
        Ok(store)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held can't leave a half-written row: SQLite rolled it back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads, or writes a single statement.
    fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        work(&self.lock()).map_err(|error| self.explain(error))
    }

    /// Writes in one transaction that takes the write lock at once: it can't fail half way with "database is locked".
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run(&mut self.lock()).map_err(|error| self.explain(error))
    }

    fn explain(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Sql(error) => explain(&self.path, error),
            other => other,
        }
    }
}

fn explain(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged { path: path.to_owned(), detail: error.to_string() }
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            StoreError::Open { path: path.to_owned(), source: std::io::Error::other(error.to_string()) }
        }
        _ => StoreError::Sql(error),
    }
}

/// Makes the file before SQLite does, so that it is never readable by others; its WAL takes over the mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    {
        options.open(path).map(drop)
    }
}

#[cfg(test)]
mod tests;
