//! The OpenID Connect provider: where people are sent, and whom it vouches for when they come back.
//!
//! Authorization code flow with PKCE, state and nonce; source: OpenID Connect Core 1.0 §3.1, RFC 7636.

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardErrorResponse, TokenResponse,
};
use reqwest::redirect;
use shared::config::Secret;
use shared::origin::Origins;
use tokio::sync::Mutex;

use crate::api::accounts::users::is_email;

/// Where providers send people back to.
pub(crate) const CALLBACK: &str = "/api/session/oidc/callback";
/// How long the provider may take for each answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long its addresses and keys are used before they are asked for again.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// Bytes of the provider's name for somebody; OpenID Connect allows 255.
const LONGEST_SUBJECT: usize = 255;

/// Sign-in through an OpenID Connect provider, beside passwords.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Single sign-on")]
pub struct Oidc {
    /// The provider's issuer, as `https://login.example.com/realms/staff`. None: passwords alone. It must allow the address `/api/session/oidc/callback` at the first of `PUBLIC_ORIGINS`.
    #[arg(long, env = "OIDC_ISSUER", default_value = "")]
    pub oidc_issuer: String,

    /// What the provider calls this service.
    #[arg(long, env = "OIDC_CLIENT_ID", default_value = "")]
    pub oidc_client_id: String,

    /// What this service proves itself with; none for a public client.
    #[arg(long, env = "OIDC_CLIENT_SECRET", hide_env_values = true, default_value = "")]
    pub oidc_client_secret: Secret,

    /// What people call the provider; stands on the button.
    #[arg(long, env = "OIDC_NAME", default_value = "single sign-on")]
    pub oidc_name: String,

    /// What becomes of people who have no account: `refuse`, or `viewer` to give them one. Others are known by the address that the provider has verified.
    #[arg(long, env = "OIDC_NEW_USERS", value_enum, default_value_t = NewUsers::Refuse)]
    pub oidc_new_users: NewUsers,
}

/// What becomes of people whom the provider knows, and this service does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NewUsers {
    /// An admin has to invite them first.
    Refuse,
    /// They get an account as a viewer.
    Viewer,
}

/// Why a sign-in through the provider did not come to an end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    /// It does not answer, or not as a provider does.
    #[error("the provider's own description could not be read")]
    Discovery(#[source] anyhow::Error),
    /// It does not take the code.
    #[error("the provider gave no token for the code")]
    Exchange(#[source] anyhow::Error),
    /// What it says is not proved.
    #[error("the provider's token is not valid")]
    Token(#[source] anyhow::Error),
    /// It says not enough to know somebody by.
    #[error("the provider names no verified e-mail address")]
    NoVerifiedEmail,
}

/// One sign-in, from leaving to coming back; it is kept by the browser that began it.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// What the provider gives back.
    pub(crate) state: String,
    /// What its token must name.
    pub(crate) nonce: String,
    /// What proves that the code is redeemed by whoever asked for it.
    pub(crate) verifier: String,
}

/// Whom the provider vouches for.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Its lasting name for them.
    pub(crate) subject: String,
    /// Their address, which it has verified.
    pub(crate) email: String,
}

type CoreErrorResponse = StandardErrorResponse<CoreErrorResponseType>;
type Client = CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// The configured provider.
#[derive(Debug)]
pub struct Provider {
    name: String,
    /// What becomes of people without an account.
    pub(crate) new_users: NewUsers,
    pub(crate) issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    callback: RedirectUrl,
    http: reqwest::Client,
    description: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

impl Provider {
    /// From the settings; none if no issuer is given.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(config: Oidc, origins: &Origins) -> anyhow::Result<Option<Self>> {
        if config.oidc_issuer.is_empty() {
            return Ok(None);
        }
        let issuer = IssuerUrl::new(config.oidc_issuer)?;
        let is_here = matches!(issuer.url().host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        anyhow::ensure!(issuer.url().scheme() == "https" || is_here, "OIDC_ISSUER must begin with https://");
        anyhow::ensure!(!config.oidc_client_id.is_empty(), "OIDC_CLIENT_ID is needed with OIDC_ISSUER");
        let secret = config.oidc_client_secret.reveal();
        // Whoever could redirect us could make us ask for anything in our own network.
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).timeout(TIMEOUT).build()?;
        Ok(Some(Self {
            name: config.oidc_name,
            new_users: config.oidc_new_users,
            issuer,
            client_id: ClientId::new(config.oidc_client_id),
            client_secret: (!secret.is_empty()).then(|| ClientSecret::new(secret.to_owned())),
            callback: RedirectUrl::new(format!("{}{CALLBACK}", origins.first()))?,
            http,
            description: Mutex::default(),
        }))
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where somebody is sent to sign in, and what has to be kept until they are back.
    pub(crate) async fn begin(&self) -> Result<(String, Attempt), ProviderError> {
        let client = self.client().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let attempt = Attempt { state: state.into_secret(), nonce: nonce.secret().clone(), verifier: verifier.into_secret() };
        Ok((address.into(), attempt))
    }

    /// Whom the provider vouches for by this code.
    pub(crate) async fn finish(&self, attempt: Attempt, code: String) -> Result<Identity, ProviderError> {
        let client = self.client().await?;
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| ProviderError::Exchange(error.into()))?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier));
        let answer = request.request_async(&self.http).await.map_err(|error| ProviderError::Exchange(in_short(error)))?;
        let token = answer.id_token().ok_or_else(|| ProviderError::Token(anyhow::anyhow!("there is none")))?;
        let claims = token.claims(&client.id_token_verifier(), &Nonce::new(attempt.nonce));
        let claims = match claims {
            Ok(claims) => claims,
            Err(error) => {
                // It may sign with a new key: the next try asks for its keys again.
                *self.description.lock().await = None;
                return Err(ProviderError::Token(error.into()));
            }
        };
        let email = claims.email().filter(|_| claims.email_verified() == Some(true)).map(|email| email.as_str());
        let subject = claims.subject().as_str();
        let is_usable = !subject.is_empty() && subject.len() <= LONGEST_SUBJECT && !subject.contains('\0');
        match email {
            Some(email) if is_usable && is_email(email) => Ok(Identity { subject: subject.to_owned(), email: email.to_owned() }),
            _ => Err(ProviderError::NoVerifiedEmail),
        }
    }

    async fn client(&self) -> Result<Client, ProviderError> {
        let mut description = self.description.lock().await;
        let known = description.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, known)| known.clone());
        let known = match known {
            Some(known) => known,
            None => {
                let read = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http);
                let read = read.await.map_err(|error| ProviderError::Discovery(error.into()))?;
                *description = Some((Instant::now(), read.clone()));
                read
            }
        };
        let client = CoreClient::from_provider_metadata(known, self.client_id.clone(), self.client_secret.clone());
        Ok(client.set_redirect_uri(self.callback.clone()))
    }
}

/// Why no token was given, for the log: not what the provider says beside its code, which may name people.
fn in_short<E: std::error::Error + Send + Sync + 'static>(error: RequestTokenError<E, CoreErrorResponse>) -> anyhow::Error {
    match error {
        RequestTokenError::ServerResponse(answer) => anyhow::anyhow!("{}", answer.error()),
        other => other.into(),
    }
}
