//! Clients for the end-to-end tests: they deliver as Mandrill does, sign in as a browser does, and follow the live feed as the
//! dashboard does.
//!
//! Nothing here is shared with the services. Signing and the frames are implemented a second time, from the documentation.

pub mod api_client;
pub mod database;
pub mod delivery;
pub mod identity_provider;
pub mod live;
pub mod mandrill_api;
pub mod proxy;
pub mod raw;
pub mod rng;
pub mod wait;

pub use api_client::{ApiClient, ApiResponse};
pub use database::Database;
pub use delivery::Mandrill;
pub use identity_provider::IdentityProvider;
pub use live::{Follower, Socket};
pub use mandrill_api::MandrillApi;
pub use proxy::{Proxy, ProxyMode};
pub use raw::RawSocket;
pub use rng::Rng;
pub use wait::until;
