//! What tests do at the front door: deliver as Mandrill does, sign in as a browser does, follow the live feed as a page does.
//!
//! Nothing here is shared with the services: signing and the frames are written a second time, from the documentation.

pub mod database;
pub mod delivery;
pub mod dice;
pub mod identity_provider;
pub mod live;
pub mod mandrill_api;
pub mod proxy;
pub mod raw;
pub mod visitor;
pub mod wait;

pub use database::Database;
pub use delivery::Mandrill;
pub use dice::Dice;
pub use identity_provider::IdentityProvider;
pub use live::{Follower, Socket};
pub use mandrill_api::MandrillApi;
pub use proxy::{Mood, Proxy};
pub use raw::RawSocket;
pub use visitor::{Answer, Visitor};
pub use wait::until;
