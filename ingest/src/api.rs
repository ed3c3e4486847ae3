//! Handlers of the API: each decides who may ask, calls the store, and answers. No SQL stands here.

pub mod accounts;
pub mod events;
pub mod health;
pub mod notifications;
pub mod quarantine;
pub mod refusals;
pub mod system;
