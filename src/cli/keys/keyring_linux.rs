//! The Secret Service (GNOME Keyring, KWallet, KeePassXC) over D-Bus, as freedesktop.org specifies it. A bus may take a
//! connection and never answer, so everything happens on a thread that is waited for two seconds.

use pryx_terms::Secret;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zbus::message::Body;
use zbus::{Connection, ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

/// How long a keyring is waited for. One that works takes a tenth of a second; a dead bus would hang for ever.
const PATIENCE: Duration = Duration::from_secs(2);

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const NOWHERE: &str = "/";

/// What a keyring lists an item by.
type Attributes = HashMap<String, String>;

/// A secret on the wire: session, parameters, value, type.
type Wire = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// The key of a provider.
///
/// # Errors
/// When there is no keyring, or it is locked, or it doesn't answer in time.
pub(super) fn get(home: &Path, provider: &str, address: &str) -> Result<Option<Secret>, String> {
    let attributes = whole(home, provider, address);
    bounded(async move { Keyring::open().await?.get(&attributes).await })
}

/// Keeps a key in place of those of the same provider, and reads it again: some keyrings take what they can't give back.
///
/// # Errors
/// As [`get`].
pub(super) fn set(home: &Path, provider: &str, address: &str, key: &Secret) -> Result<(), String> {
    let (all, attributes, key) = (of_provider(home, provider), whole(home, provider, address), key.clone());
    let label = format!("pryx: key for {provider}");
    bounded(async move {
        let keyring = Keyring::open().await?;
        keyring.delete(&all).await?;
        keyring.set(&attributes, &label, &key).await?;
        match keyring.get(&attributes).await? {
            Some(kept) if kept == key => Ok(()),
            _ => Err("it doesn't give back what it was given".to_owned()),
        }
    })
}

/// Forgets a key.
///
/// # Errors
/// As [`get`].
pub(super) fn delete(home: &Path, provider: &str) -> Result<(), String> {
    let attributes = of_provider(home, provider);
    bounded(async move { Keyring::open().await?.delete(&attributes).await })
}

/// Another home is another pryx.
fn of_provider(home: &Path, provider: &str) -> Attributes {
    let home = home.display().to_string();
    [("application", "pryx"), ("provider", provider), ("home", &home)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// Whoever writes another address into `keys.json` finds no key for it.
fn whole(home: &Path, provider: &str, address: &str) -> Attributes {
    let mut attributes = of_provider(home, provider);
    attributes.insert("address".to_owned(), address.to_owned());
    attributes
}

/// The session's bus; none where nobody started one, as over ssh.
fn bus() -> Option<String> {
    let told = std::env::var("DBUS_SESSION_BUS_ADDRESS").ok().filter(|address| !address.is_empty());
    let usual = || {
        let uid = rustix::process::getuid().as_raw();
        let socket = PathBuf::from(format!("/run/user/{uid}/bus"));
        socket.exists().then(|| format!("unix:path={}", socket.display()))
    };
    told.or_else(usual)
}

/// Does it on a thread of its own. One that hangs ends with the process.
fn bounded<T: Send + 'static>(work: impl Future<Output = Result<T, String>> + Send + 'static) -> Result<T, String> {
    let (done, wait) = std::sync::mpsc::channel();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let result = match runtime {
            Ok(runtime) => runtime.block_on(work),
            Err(error) => Err(error.to_string()),
        };
        // Nobody waits any more after the deadline.
        let _ = done.send(result);
    };
    std::thread::Builder::new().name("keyring".to_owned()).spawn(run).map_err(|error| error.to_string())?;
    wait.recv_timeout(PATIENCE).unwrap_or_else(|_| Err("it doesn't answer".to_owned()))
}

/// An open session with the service.
struct Keyring {
    bus: Connection,
    session: OwnedObjectPath,
}

fn words(error: impl std::fmt::Display) -> String {
    pryx_terms::visible(&error.to_string()).chars().take(200).collect()
}

impl Keyring {
    async fn open() -> Result<Self, String> {
        let address = bus().ok_or("there is no session bus")?;
        let bus = zbus::connection::Builder::address(address.as_str()).build().await.map_err(words)?;
        let mut keyring = Self { bus, session: ObjectPath::from_static_str_unchecked(NOWHERE).into() };
        let body = keyring.call(ROOT, "Service", "OpenSession", &("plain", Variant::from(""))).await?;
        let (_, session): (OwnedVariant, OwnedObjectPath) = body.deserialize().map_err(words)?;
        keyring.session = session;
        Ok(keyring)
    }

    async fn call<B>(&self, path: &str, interface: &str, method: &str, body: &B) -> Result<Body, String>
    where
        B: serde::ser::Serialize + zbus::zvariant::DynamicType,
    {
        let interface = format!("org.freedesktop.Secret.{interface}");
        let reply = self.bus.call_method(Some(SERVICE), path, Some(interface.as_str()), method, body).await;
        Ok(reply.map_err(words)?.body())
    }

    /// The items with these attributes that are open. A locked one would need a window to ask in.
    async fn items(&self, attributes: &Attributes) -> Result<Vec<OwnedObjectPath>, String> {
        let body = self.call(ROOT, "Service", "SearchItems", &(attributes,)).await?;
        let (open, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = body.deserialize().map_err(words)?;
        if open.is_empty() && !locked.is_empty() { Err("it is locked".to_owned()) } else { Ok(open) }
    }

    async fn get(&self, attributes: &Attributes) -> Result<Option<Secret>, String> {
        let Some(item) = self.items(attributes).await?.into_iter().next() else { return Ok(None) };
        let body = self.call(item.as_str(), "Item", "GetSecret", &(&self.session,)).await?;
        let ((_, _, value, _),): (Wire,) = body.deserialize().map_err(words)?;
        String::from_utf8(value).map(|key| Some(Secret::new(key))).map_err(|_| "it holds no text".to_owned())
    }

    async fn set(&self, attributes: &Attributes, label: &str, key: &Secret) -> Result<(), String> {
        let body = self.call(ROOT, "Service", "ReadAlias", &("default",)).await?;
        let (collection,): (OwnedObjectPath,) = body.deserialize().map_err(words)?;
        if collection.as_str() == NOWHERE {
            return Err("it has no default collection".to_owned());
        }
        let properties: HashMap<&str, Variant<'_>> = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Variant::from(label)),
            ("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes.clone())),
        ]);
        let secret = (&self.session, Vec::<u8>::new(), key.expose().as_bytes(), "text/plain");
        let body = self.call(collection.as_str(), "Collection", "CreateItem", &(properties, secret, true)).await?;
        let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = body.deserialize().map_err(words)?;
        if prompt.as_str() == NOWHERE { Ok(()) } else { Err("it is locked".to_owned()) }
    }

    async fn delete(&self, attributes: &Attributes) -> Result<(), String> {
        for item in self.items(attributes).await? {
            self.call(item.as_str(), "Item", "Delete", &()).await?;
        }
        Ok(())
    }
}
