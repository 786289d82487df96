//! Where the two sides meet: a Unix socket in a private directory, a named pipe on Windows.

use interprocess::local_socket::tokio::Listener as LocalListener;
use interprocess::local_socket::tokio::Stream as LocalStream;
use interprocess::local_socket::traits::StreamCommon;
use interprocess::local_socket::traits::tokio::{Listener as _, Stream as _};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, Name, ToFsName};
use std::io;
use std::path::Path;

/// A connection between a client and the hands.
pub type PeerStream = LocalStream;

/// Who is on the other end, as the kernel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its process at the time of connecting; absent over stdio and where the system doesn't tell.
    pub pid: Option<u32>,
}

/// A bound socket.
pub struct Listener {
    inner: LocalListener,
}

impl Listener {
    /// The next peer that runs under our own user id. Others are hung up on.
    ///
    /// # Errors
    /// When the system can't accept (out of file descriptors, say).
    pub async fn accept(&self) -> io::Result<(PeerStream, Peer)> {
        loop {
            let stream = self.inner.accept().await?;
            if let Some(peer) = same_user(&stream)? {
                return Ok((stream, peer));
            }
        }
    }
}

#[cfg(unix)]
fn same_user(stream: &LocalStream) -> io::Result<Option<Peer>> {
    let creds = stream.peer_creds()?;
    // Root may talk to anybody's hands on its machine anyway, yet it has its own: only equality counts.
    let own = own_uid()?;
    Ok((creds.euid() == Some(own)).then(|| Peer { pid: creds.pid().and_then(|p| u32::try_from(p).ok()) }))
}

/// Our own effective user id, from a socket pair's credentials: the same source as for a peer's.
#[cfg(unix)]
fn own_uid() -> io::Result<u32> {
    static OWN: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    if let Some(uid) = OWN.get() {
        return Ok(*uid);
    }
    let (one, _other) = tokio::net::UnixStream::pair()?;
    let uid = one.peer_cred()?.uid();
    Ok(*OWN.get_or_init(|| uid))
}

/// On Windows the pipe's default access list admits its creator alone.
#[cfg(windows)]
fn same_user(stream: &LocalStream) -> io::Result<Option<Peer>> {
    let creds = stream.peer_creds()?;
    Ok(Some(Peer { pid: creds.pid() }))
}

fn name(path: &Path) -> io::Result<Name<'_>> {
    path.to_fs_name::<GenericFilePath>()
}

/// Binds the socket. The caller holds the lock that makes it the only server, has made the directory private,
/// and has removed a dead predecessor's socket.
///
/// # Errors
/// When the path is taken, too long (about 100 bytes), or not writable.
pub fn listen(path: &Path) -> io::Result<Listener> {
    let options = ListenerOptions::new().name(name(path)?).reclaim_name(false);
    // Elsewhere the 0700 directory alone keeps others out: macOS can't set a socket's mode before it is bound.
    #[cfg(target_os = "linux")]
    let options = interprocess::os::unix::local_socket::ListenerOptionsExt::mode(options, 0o600);
    Ok(Listener { inner: options.create_tokio()? })
}

/// Connects to a socket.
///
/// # Errors
/// As the system says: nobody listens, no such file, no permission.
pub async fn connect(path: &Path) -> io::Result<PeerStream> {
    LocalStream::connect(name(path)?).await
}
