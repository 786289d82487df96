//! Systems without Unix processes: the same two doors, which say so.

/// The daemon.
pub mod daemon {
    use crate::{DaemonError, HandsConfig};

    /// Says that there are no hands here.
    ///
    /// # Errors
    /// Always.
    pub async fn run(
        _config: HandsConfig,
        _listening: impl FnOnce(),
        _shutdown: impl Future<Output = ()>,
    ) -> Result<(), DaemonError> {
        Err(DaemonError::Unsupported)
    }
}

/// The keeper.
pub mod keeper {
    use std::path::Path;

    /// Answers its starter that there are no keepers here.
    #[must_use]
    pub fn main(_job_dir: &Path, _socket: &Path) -> u8 {
        1
    }
}
