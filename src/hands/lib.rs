//! The hands: the only part that touches the machine. Whatever acts has passed the gate first.

pub mod gate;
pub mod store;
