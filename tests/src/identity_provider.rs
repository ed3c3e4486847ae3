//! An OpenID Connect provider. It redirects every browser back immediately with the claims set by the test, validates requests as
//! the standards require, and signs with its own key (ES256).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use reqwest::StatusCode;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use warp::Filter;
use warp::reply::{Reply, Response};

const CLIENT: (&str, &str) = ("mandrill-listener", "a client's secret");

/// The running provider. Dropping it stops it.
pub struct IdentityProvider {
    /// The issuer, for `OIDC_ISSUER`.
    pub issuer: String,
    state: Arc<State>,
    server: JoinHandle<()>,
}

struct State {
    issuer: String,
    key: EcdsaKeyPair,
    /// Merged into the standard claims of the next token, overriding them.
    claims: Mutex<Value>,
    /// Issued codes that have not been redeemed yet, with the parameters of their authorization requests.
    codes: Mutex<HashMap<String, HashMap<String, String>>>,
    /// Whether to sign with a key that is not listed in `keys`.
    uses_unpublished_key: Mutex<bool>,
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityProvider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl IdentityProvider {
    /// Starts a provider with no additional claims.
    pub async fn start() -> Self {
        Self::start_at(async |port| format!("http://127.0.0.1:{port}")).await
    }

    /// Starts a provider that browsers and ingest reach at another address, which `address_of` returns for the provider's port.
    pub async fn start_at(address_of: impl AsyncFnOnce(u16) -> String) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port should be free");
        let port = listener.local_addr().expect("the listener should have an address").port();
        let issuer = format!("{}/staff", address_of(port).await);
        let state = Arc::new(State {
            issuer: issuer.clone(),
            key: new_key(),
            claims: Mutex::default(),
            codes: Mutex::default(),
            uses_unpublished_key: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let routes = warp::path("staff")
            .and(warp::path::tail())
            .and(warp::header::optional::<String>("authorization"))
            .and(warp::query::raw().or(warp::any().map(String::new)).unify())
            .and(warp::body::bytes())
            .map(move |path: warp::path::Tail, credentials, query: String, body: bytes::Bytes| {
                shared.respond(path.as_str(), credentials, &query, &body)
            });
        let server = tokio::spawn(warp::serve(routes).incoming(listener).run());
        Self { issuer, state, server }
    }

    /// The environment variables that configure ingest to use this provider.
    pub fn environment(&self) -> [(&str, &str); 3] {
        [("OIDC_ISSUER", &self.issuer), ("OIDC_CLIENT_ID", CLIENT.0), ("OIDC_CLIENT_SECRET", CLIENT.1)]
    }

    /// Sets claims for subsequent tokens. They override the standard claims.
    pub fn set_claims(&self, claims: Value) {
        *lock(&self.state.claims) = claims;
    }

    /// Signs subsequent tokens with an unpublished key.
    pub fn use_unpublished_key(&self) {
        *lock(&self.state.uses_unpublished_key) = true;
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl State {
    fn respond(&self, path: &str, credentials: Option<String>, query: &str, body: &[u8]) -> Response {
        match path {
            ".well-known/openid-configuration" => warp::reply::json(&json!({
                "issuer": self.issuer,
                "authorization_endpoint": format!("{}/authorize", self.issuer),
                "token_endpoint": format!("{}/token", self.issuer),
                "jwks_uri": format!("{}/keys", self.issuer),
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }))
            .into_response(),
            "keys" => {
                let point = self.key.public_key().as_ref();
                let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
                let key = json!({
                    "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "one",
                    "x": part(&point[1..33]), "y": part(&point[33..]),
                });
                warp::reply::json(&json!({"keys": [key]})).into_response()
            }
            "authorize" => self.authorize(query),
            "token" => self.redeem(credentials, body).unwrap_or_else(|error| {
                warp::reply::with_status(warp::reply::json(&json!({"error": error})), StatusCode::BAD_REQUEST).into_response()
            }),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    fn authorize(&self, query: &str) -> Response {
        let authorization = parse_pairs(query.as_bytes());
        assert_eq!(authorization["client_id"], CLIENT.0);
        assert_eq!((authorization["response_type"].as_str(), authorization["code_challenge_method"].as_str()), ("code", "S256"));
        assert!(authorization["scope"].split(' ').any(|scope| scope == "openid"));
        let mut codes = lock(&self.codes);
        let code = format!("code-{}", codes.len());
        let callback = format!("{}?code={code}&state={}", authorization["redirect_uri"], authorization["state"]);
        codes.insert(code, authorization);
        let mut response = StatusCode::FOUND.into_response();
        response.headers_mut().insert("location", callback.parse().expect("the redirect should be a valid header"));
        response
    }

    fn redeem(&self, credentials: Option<String>, body: &[u8]) -> Result<Response, &'static str> {
        let form = parse_pairs(body);
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let client = BASE64_STANDARD.encode(format!("{}:{}", encode(CLIENT.0), encode(CLIENT.1)));
        if credentials != Some(format!("Basic {client}")) {
            return Err("invalid_client");
        }
        // A code can be redeemed only once.
        let authorization = lock(&self.codes).remove(&form["code"]).ok_or("invalid_grant")?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
        if form["redirect_uri"] != authorization["redirect_uri"] || challenge != authorization["code_challenge"] {
            return Err("invalid_grant");
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock should be after 1970").as_secs();
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT.0, "iat": now, "exp": now + 300, "nonce": authorization["nonce"], "email_verified": true,
        });
        let overrides = lock(&self.claims).clone();
        claims.as_object_mut().expect("an object").extend(overrides.as_object().expect("claims should be an object").clone());
        let token = json!({"access_token": "unused", "token_type": "Bearer", "id_token": self.sign(&claims)});
        Ok(warp::reply::json(&token).into_response())
    }

    fn sign(&self, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "ES256", "kid": "one"})), part(claims));
        let unpublished_key = lock(&self.uses_unpublished_key).then(new_key);
        let signature = unpublished_key
            .as_ref()
            .unwrap_or(&self.key)
            .sign(&SystemRandom::new(), signed.as_bytes())
            .expect("signing should succeed");
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

fn new_key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key should be generated");
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).expect("the generated key should be valid")
}

fn parse_pairs(form: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(form).into_owned().collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
