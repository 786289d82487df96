//! The brain: the only part that talks to a model, and the only part that remembers conversations. It runs nothing;
//! what has to be done on the machine is asked of the hands over `pryx-ipc`.
//!
//! A surface opens a [`Store`], picks a model with [`choose`], begins a session with [`Brain::start`] and asks with
//! [`Brain::run_turn`]. What happens comes as [`event::Event`]s; what a person says goes back as [`Op`]s.

mod agent;
mod catalog;
mod clean;
mod compact;
mod context;
mod cost;
mod device;
mod driver;
pub mod event;
mod fill;
mod image;
mod local;
mod message;
mod model;
mod names;
pub mod planner;
mod providers;
mod sessions;
mod store;
mod think;
mod tokens;
mod toolbox;
mod trace;
mod web;
mod window;

pub use agent::MAX_STEPS;
pub use catalog::{
    Abilities, Catalog, Due, Entry as CatalogEntry, MillionTokens, ModelInfo, Origin, PriceTier, Prices, Rates,
    Refresh, RefreshError, Refreshed, Service, Thinking, pack as pack_catalog,
};
pub use context::{Surroundings, place_of, workspace_of};
pub use cost::{Budget, By, Period, Share, Spent};
pub use device::{DeviceCode, DeviceLogin, LoginError, Token};
pub use driver::{Answerer, Ask, Brain, COMPACT, Connect, HandsError, Op, Setup};
pub use fill::Fill;
pub use image::{BadImage, Image, MAX_IMAGE_BYTES, MAX_IMAGES};
pub use local::{LocalKind, LocalModel, LocalPlace, LocalServer, local_servers};
pub use message::Api;
pub use model::{
    ANTHROPIC, ANTHROPIC_BASE_URL, BadModelSpec, Chooser, GEMINI, GEMINI_BASE_URL, Limits, ModelSpec, OFFLINE, OLLAMA,
    OPENAI, OPENAI_BASE_URL, ProviderConfig, choose, defaults, ollama_address,
};
pub use providers::{Candidate, Patience, Route, Traffic};
pub use sessions::{Entry, Hit, Kind, Listing, Piece, Session, Transcript};
pub use store::{Store, StoreError};
pub use think::{BadThink, Think};
pub use trace::{Span, Speed};
