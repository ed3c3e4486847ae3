//! Client for the OpenID Connect provider: authorization code flow with PKCE, state and nonce.
//!
//! Source: OpenID Connect Core 1.0 §3.1, RFC 7636.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse,
};
use reqwest::redirect;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::config::Secret;
use shared::origin::Origins;
use shared::tls::AuthorityFile;
use tokio::sync::Mutex;

use crate::api::accounts::email::is_email;
use crate::api::accounts::oidc::groups::Groups;

/// The path that the provider redirects back to.
const CALLBACK: &str = "/api/session/oidc/callback";
/// Timeout for each request to the provider.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the provider's metadata and keys are cached.
const METADATA_TTL: Duration = Duration::from_secs(5 * 60);
/// Maximum length in bytes of a subject, the provider's id for a user. OpenID Connect allows 255.
const MAX_SUBJECT_LENGTH: usize = 255;

/// Settings for sign-in through an OpenID Connect provider, in addition to passwords.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Single sign-on")]
pub struct Oidc {
    /// Issuer of an OpenID Connect provider, such as `https://login.example.com/realms/staff`. If unset, users sign in with a password only. Register `/api/session/oidc/callback` on the first of `PUBLIC_ORIGINS` as the redirect URI.
    #[arg(long, env = "OIDC_ISSUER", default_value = "")]
    pub oidc_issuer: String,

    /// Client id of this service at the provider.
    #[arg(long, env = "OIDC_CLIENT_ID", default_value = "")]
    pub oidc_client_id: String,

    /// Client secret of this service at the provider. Unset for a public client.
    #[arg(long, env = "OIDC_CLIENT_SECRET", hide_env_values = true, default_value = "")]
    pub oidc_client_secret: Secret,

    /// File with the certificate authorities (PEM) that sign the provider's certificate. If unset, the public authorities count.
    #[arg(long, env = "OIDC_CA_FILE", default_value = "")]
    pub oidc_ca_file: AuthorityFile,

    /// Provider name shown on the sign-in button.
    #[arg(long, env = "OIDC_NAME", default_value = "single sign-on")]
    pub oidc_name: String,

    /// How to handle people who have no account: `refuse`, or `viewer` to create one with that role. Existing accounts are matched by verified email address.
    #[arg(long, env = "OIDC_NEW_USERS", value_enum, default_value_t = NewUsers::Refuse)]
    pub oidc_new_users: NewUsers,

    /// Roles and restrictions for groups at the provider: `GROUP=ROLE` or `GROUP=ROLE:RESTRICTION`, separated by semicolons or line breaks, such as `support=operator; agency=viewer:subaccount=eu&addresses=masked`. They are applied at each sign-in; a user in none of the groups sees no events. If unset, admins decide.
    #[arg(long, env = "OIDC_GROUPS", default_value = "")]
    pub oidc_groups: Groups,

    /// Claim of the ID token that lists the groups.
    #[arg(long, env = "OIDC_GROUPS_CLAIM", default_value = "groups")]
    pub oidc_groups_claim: String,

    /// Scopes to ask the provider for, besides `openid`, separated by blanks. Some providers list the groups only with a scope of their own.
    #[arg(long, env = "OIDC_SCOPES", default_value = "email")]
    pub oidc_scopes: String,
}

/// How to handle people who sign in at the provider but have no account here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NewUsers {
    /// Reject them until an admin adds them.
    Refuse,
    /// Create an account with the role `viewer`.
    Viewer,
}

/// Why a sign-in through the provider failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    /// The provider did not respond, or its metadata is invalid.
    #[error("the provider's metadata could not be read")]
    Discovery(#[source] anyhow::Error),
    /// The provider rejected the authorization code.
    #[error("the provider issued no token for the authorization code")]
    Exchange(#[source] anyhow::Error),
    /// The ID token is missing, or its signature or claims are invalid.
    #[error("the provider's ID token is invalid")]
    Token(#[source] anyhow::Error),
    /// The ID token has no usable subject or no verified email address.
    #[error("the provider reported no verified email address")]
    NoVerifiedEmail,
}

/// A sign-in that is in progress at the provider. The browser keeps it in a cookie.
#[derive(Debug)]
pub(crate) struct PendingSignIn {
    /// Returned by the provider with the authorization code.
    pub(crate) state: String,
    /// Must match the nonce in the ID token.
    pub(crate) nonce: String,
    /// The PKCE code verifier, which proves that this service requested the code.
    pub(crate) verifier: String,
}

/// A user as identified by the provider.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The provider's permanent id for the user.
    pub(crate) subject: String,
    /// The email address, as verified by the provider.
    pub(crate) email: String,
    /// The names of the user's groups.
    pub(crate) groups: Vec<String>,
}

/// The claims of an ID token that the standard does not name.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OtherClaims(HashMap<String, Value>);

impl AdditionalClaims for OtherClaims {}

impl OtherClaims {
    /// The names in a claim that is a list or a single name.
    fn names(&self, claim: &str) -> Vec<String> {
        match self.0.get(claim) {
            Some(Value::String(name)) => vec![name.clone()],
            Some(Value::Array(names)) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    }
}

type CoreErrorResponse = StandardErrorResponse<CoreErrorResponseType>;
type IdTokens = IdTokenFields<
    OtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Client = openidconnect::Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    CoreErrorResponse,
    StandardTokenResponse<IdTokens, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The configured provider.
#[derive(Debug)]
pub struct Provider {
    name: String,
    pub(crate) new_users: NewUsers,
    pub(crate) groups: Groups,
    groups_claim: String,
    scopes: Vec<Scope>,
    pub(crate) issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    callback: RedirectUrl,
    http: reqwest::Client,
    metadata: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

impl Provider {
    /// Creates the client. Returns `None` if no issuer is configured.
    ///
    /// # Errors
    /// If the settings are invalid.
    pub fn new(config: Oidc, origins: &Origins) -> anyhow::Result<Option<Self>> {
        if config.oidc_issuer.is_empty() {
            return Ok(None);
        }
        let issuer = IssuerUrl::new(config.oidc_issuer)?;
        let is_local = matches!(issuer.url().host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        anyhow::ensure!(issuer.url().scheme() == "https" || is_local, "OIDC_ISSUER must begin with https://");
        anyhow::ensure!(!config.oidc_client_id.is_empty(), "OIDC_CLIENT_ID is required with OIDC_ISSUER");
        let secret = config.oidc_client_secret.reveal();
        // Following redirects would allow requests to arbitrary hosts on the internal network (SSRF).
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).timeout(TIMEOUT);
        let http = config.oidc_ca_file.trusted_by(http)?.build()?;
        Ok(Some(Self {
            name: config.oidc_name,
            new_users: config.oidc_new_users,
            groups: config.oidc_groups,
            groups_claim: config.oidc_groups_claim,
            scopes: config.oidc_scopes.split_whitespace().map(|scope| Scope::new(scope.to_owned())).collect(),
            issuer,
            client_id: ClientId::new(config.oidc_client_id),
            client_secret: (!secret.is_empty()).then(|| ClientSecret::new(secret.to_owned())),
            callback: RedirectUrl::new(format!("{}{CALLBACK}", origins.first()))?,
            http,
            metadata: Mutex::default(),
        }))
    }

    /// The provider name shown to users.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Starts a sign-in. Returns the URL to redirect the browser to, and the sign-in to keep until it returns.
    pub(crate) async fn begin(&self) -> Result<(String, PendingSignIn), ProviderError> {
        let client = self.client().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(self.scopes.iter().cloned())
            .set_pkce_challenge(challenge)
            .url();
        let pending =
            PendingSignIn { state: state.into_secret(), nonce: nonce.secret().clone(), verifier: verifier.into_secret() };
        Ok((address.into(), pending))
    }

    /// Exchanges the authorization code for an ID token and verifies it.
    pub(crate) async fn finish(&self, pending: PendingSignIn, code: String) -> Result<Identity, ProviderError> {
        let client = self.client().await?;
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| ProviderError::Exchange(error.into()))?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier));
        let response = request.request_async(&self.http).await.map_err(|error| ProviderError::Exchange(redact(error)))?;
        let token = response.id_token().ok_or_else(|| ProviderError::Token(anyhow::anyhow!("the response has no ID token")))?;
        let claims = token.claims(&client.id_token_verifier(), &Nonce::new(pending.nonce));
        let claims = match claims {
            Ok(claims) => claims,
            Err(error) => {
                // The provider may have rotated its keys. The next sign-in fetches them again.
                *self.metadata.lock().await = None;
                return Err(ProviderError::Token(error.into()));
            }
        };
        // OpenID Connect Core 1.0, section 3.1.3.7: the token was issued to another client.
        if claims.authorized_party().is_some_and(|party| *party != self.client_id) {
            return Err(ProviderError::Token(anyhow::anyhow!("the authorized party is another client")));
        }
        let email = claims.email().filter(|_| claims.email_verified() == Some(true)).map(|email| email.as_str());
        let subject = claims.subject().as_str();
        let is_usable = !subject.is_empty() && subject.len() <= MAX_SUBJECT_LENGTH && !subject.contains('\0');
        match email {
            Some(email) if is_usable && is_email(email) => {
                let groups = claims.additional_claims().names(&self.groups_claim);
                Ok(Identity { subject: subject.to_owned(), email: email.to_owned(), groups })
            }
            _ => Err(ProviderError::NoVerifiedEmail),
        }
    }

    /// The protocol client, with cached or freshly fetched metadata.
    async fn client(&self) -> Result<Client, ProviderError> {
        let mut cache = self.metadata.lock().await;
        let cached = cache.as_ref().filter(|(at, _)| at.elapsed() < METADATA_TTL).map(|(_, metadata)| metadata.clone());
        let metadata = match cached {
            Some(metadata) => metadata,
            None => {
                let discovered = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http);
                let metadata = discovered.await.map_err(|error| ProviderError::Discovery(error.into()))?;
                *cache = Some((Instant::now(), metadata.clone()));
                metadata
            }
        };
        let client = Client::from_provider_metadata(metadata, self.client_id.clone(), self.client_secret.clone());
        Ok(client.set_redirect_uri(self.callback.clone()))
    }
}

/// Reduces a provider's error response to its error code for logging, because the description may contain personal data.
fn redact<E: std::error::Error + Send + Sync + 'static>(error: RequestTokenError<E, CoreErrorResponse>) -> anyhow::Error {
    match error {
        RequestTokenError::ServerResponse(response) => anyhow::anyhow!("{}", response.error()),
        other => other.into(),
    }
}
