//! What is known about models: limits, abilities, prices. The data are in the form of models.dev's `api.json`: bundled
//! with the program, refreshed in the background, and corrected by the user's settings.

mod info;

pub use info::{Abilities, MillionTokens, ModelInfo, PriceTier, Prices, Rates, Thinking};
