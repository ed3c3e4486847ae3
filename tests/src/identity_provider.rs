//! An OpenID Connect provider: sends everybody back at once as whoever the test says, checks what it is told as the standards
//! demand, and signs with a key of its own (ES256).

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

/// The running provider. Dropping it ends it.
pub struct IdentityProvider {
    /// Its issuer, for `OIDC_ISSUER`.
    pub issuer: String,
    state: Arc<State>,
    server: JoinHandle<()>,
}

struct State {
    issuer: String,
    key: EcdsaKeyPair,
    /// What the next token says beside what it must.
    claims: Mutex<Value>,
    /// Codes that were given and not yet redeemed, with what they were asked for.
    codes: Mutex<HashMap<String, HashMap<String, String>>>,
    /// Signs with a key that nobody published.
    forges: Mutex<bool>,
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityProvider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl IdentityProvider {
    /// Knows nobody yet.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let issuer = format!("http://{}/staff", listener.local_addr().expect("an address"));
        let state = Arc::new(State {
            issuer: issuer.clone(),
            key: new_key(),
            claims: Mutex::default(),
            codes: Mutex::default(),
            forges: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let routes = warp::path("staff")
            .and(warp::path::tail())
            .and(warp::header::optional::<String>("authorization"))
            .and(warp::query::raw().or(warp::any().map(String::new)).unify())
            .and(warp::body::bytes())
            .map(move |path: warp::path::Tail, proof, query: String, body: bytes::Bytes| {
                shared.answer(path.as_str(), proof, &query, &body)
            });
        let server = tokio::spawn(warp::serve(routes).incoming(listener).run());
        Self { issuer, state, server }
    }

    /// The variables with which the service finds it.
    pub fn environment(&self) -> [(&str, &str); 3] {
        [("OIDC_ISSUER", &self.issuer), ("OIDC_CLIENT_ID", CLIENT.0), ("OIDC_CLIENT_SECRET", CLIENT.1)]
    }

    /// Whoever comes next is this; what is given here goes over what a token says by itself.
    pub fn vouch_for(&self, claims: Value) {
        *lock(&self.state.claims) = claims;
    }

    /// From now on signs with a key that it has not published.
    pub fn forge(&self) {
        *lock(&self.state.forges) = true;
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl State {
    fn answer(&self, path: &str, proof: Option<String>, query: &str, body: &[u8]) -> Response {
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
            "authorize" => self.send_back(query),
            "token" => self.redeem(proof, body).unwrap_or_else(|error| {
                warp::reply::with_status(warp::reply::json(&json!({"error": error})), StatusCode::BAD_REQUEST).into_response()
            }),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    fn send_back(&self, query: &str) -> Response {
        let asked = pairs(query.as_bytes());
        assert_eq!(asked["client_id"], CLIENT.0);
        assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        let mut codes = lock(&self.codes);
        let code = format!("code-{}", codes.len());
        let back = format!("{}?code={code}&state={}", asked["redirect_uri"], asked["state"]);
        codes.insert(code, asked);
        let mut response = StatusCode::FOUND.into_response();
        response.headers_mut().insert("location", back.parse().expect("an address"));
        response
    }

    fn redeem(&self, proof: Option<String>, body: &[u8]) -> Result<Response, &'static str> {
        let given = pairs(body);
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let client = BASE64_STANDARD.encode(format!("{}:{}", encode(CLIENT.0), encode(CLIENT.1)));
        if proof != Some(format!("Basic {client}")) {
            return Err("invalid_client");
        }
        // A code is good for one time.
        let asked = lock(&self.codes).remove(&given["code"]).ok_or("invalid_grant")?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&given["code_verifier"]));
        if given["redirect_uri"] != asked["redirect_uri"] || challenge != asked["code_challenge"] {
            return Err("invalid_grant");
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT.0, "iat": now, "exp": now + 300, "nonce": asked["nonce"], "email_verified": true,
        });
        let claimed = lock(&self.claims).clone();
        claims.as_object_mut().expect("claims").extend(claimed.as_object().expect("claims").clone());
        let token = json!({"access_token": "of no use", "token_type": "Bearer", "id_token": self.sign(&claims)});
        Ok(warp::reply::json(&token).into_response())
    }

    fn sign(&self, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "ES256", "kid": "one"})), part(claims));
        let forged = lock(&self.forges).then(new_key);
        let signature = forged.as_ref().unwrap_or(&self.key).sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

fn new_key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).expect("a key")
}

fn pairs(form: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(form).into_owned().collect()
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
