//! Clients for the end-to-end tests: they post deliveries like Mandrill, sign in like a browser, and follow the live feed like
//! the dashboard.
//!
//! No code is shared with the services. Signing and frame handling are reimplemented here from the documentation.

pub mod api_client;
pub mod authority;
pub mod database;
pub mod delivery;
pub mod disk;
pub mod identity_provider;
pub mod live;
pub mod mandrill_api;
pub mod object_storage;
pub mod posting;
pub mod proxy;
pub mod raw;
pub mod readyz;
pub mod rng;
pub mod socket_owner;
pub mod tls_terminator;
pub mod wait;

pub use api_client::{ApiClient, ApiResponse};
pub use authority::{Authority, Identity};
pub use database::Database;
pub use delivery::Mandrill;
pub use disk::SmallDisk;
pub use identity_provider::IdentityProvider;
pub use live::{Follower, Socket};
pub use mandrill_api::MandrillApi;
pub use object_storage::ObjectStorage;
pub use posting::Posting;
pub use proxy::{Proxy, ProxyMode};
pub use raw::RawSocket;
pub use readyz::until_readyz;
pub use rng::Rng;
pub use tls_terminator::TlsTerminator;
pub use wait::until;
