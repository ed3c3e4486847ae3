//! Sign-in with an OpenID Connect provider.

use front_door::{ApiClient, ApiResponse, IdentityProvider};
use reqwest::Method;
use serde_json::{Value, json};
use stack::Stack;

/// A browser that signs in with the provider.
struct Browser {
    client: ApiClient,
    /// The origin that the provider redirects back to.
    origin: String,
}

impl Browser {
    fn new(stack: &Stack) -> Self {
        Self { client: ApiClient::new(stack), origin: stack.address() }
    }

    /// Follows the redirects to the provider and back, and returns the callback path.
    async fn start_sign_in(&mut self, next: &str) -> String {
        let started = self.client.get(&format!("/api/session/oidc?next={next}")).await;
        assert_eq!(started.status, 303, "{}", started.text);
        self.client.keep_cookie(&started);
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("the HTTP client should build");
        let callback = http.get(started.header("location")).send().await.expect("the server should respond");
        let callback = callback.headers()["location"].to_str().expect("location should be ASCII").to_owned();
        let path = callback.strip_prefix(&self.origin).unwrap_or_else(|| panic!("the provider should redirect back: {callback}"));
        path.to_owned()
    }

    async fn finish_sign_in(&mut self, path: &str) -> ApiResponse {
        let response = self.client.get(path).await;
        assert_eq!(response.status, 303, "{}", response.text);
        response
    }

    /// Completes the sign-in and returns the location of the last redirect.
    async fn sign_in(&mut self) -> String {
        let path = self.start_sign_in("/stats").await;
        let response = self.finish_sign_in(&path).await;
        let session = response.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        if let Some((cookie, _)) =
            session.filter_map(|cookie| cookie.split_once(';')).find(|(cookie, _)| cookie.starts_with("sid="))
        {
            self.client.cookie = Some(cookie.to_owned());
        }
        response.header("location").to_owned()
    }

    async fn email(&self) -> Value {
        self.client.get("/api/session").await.json()["user"]["email"].clone()
    }
}

fn claims(subject: &str, email: &str) -> Value {
    json!({"sub": subject, "email": email})
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_users_are_linked_by_email_and_then_identified_by_subject() {
    let provider = IdentityProvider::start().await;
    let stack = Stack::start_with(&provider.environment()).expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let vera = ApiClient::viewer(&stack, "vera@example.com").await;
    assert_eq!(
        ApiClient::new(&stack).get("/api/session").await.json(),
        json!({"user": null, "single_sign_on": "single sign-on", "feed": null})
    );

    provider.set_claims(claims("v-1", "Vera@Example.com"));
    let mut browser = Browser::new(&stack);
    assert_eq!(browser.sign_in().await, "/stats");
    assert_eq!(browser.email().await, "vera@example.com");
    let audit = admin.get("/api/audit").await.json();
    assert_eq!(
        (&audit["items"][0]["action"], &audit["items"][0]["user_email"]),
        (&json!("user_linked"), &json!("vera@example.com"))
    );
    // The provider can change a user's e-mail address and reassign the old one to another user.
    provider.set_claims(claims("v-1", "vera.new@example.com"));
    let mut browser = Browser::new(&stack);
    assert_eq!(browser.sign_in().await, "/stats");
    assert_eq!(browser.email().await, "vera@example.com");
    provider.set_claims(claims("v-2", "vera@example.com"));
    assert_eq!(Browser::new(&stack).sign_in().await, "/sign-in?problem=oidc_unknown");
    // A user without an account is rejected.
    provider.set_claims(claims("w-1", "will@example.com"));
    assert_eq!(Browser::new(&stack).sign_in().await, "/sign-in?problem=oidc_unknown");
    // A disabled account is rejected.
    let id = vera.get("/api/session").await.json()["user"]["id"].clone();
    assert_eq!(admin.change(Method::PATCH, &format!("/api/users/{id}"), &json!({"disabled": true})).await.status, 200);
    provider.set_claims(claims("v-1", "vera@example.com"));
    assert_eq!(Browser::new(&stack).sign_in().await, "/sign-in?problem=oidc_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_users_become_viewers_if_configured() {
    let provider = IdentityProvider::start().await;
    let mut environment = provider.environment().to_vec();
    environment.extend([("OIDC_NEW_USERS", "viewer"), ("OIDC_NAME", "Example Staff")]);
    let stack = Stack::start_with(&environment).expect("the stack should start");
    assert_eq!(ApiClient::new(&stack).get("/api/session").await.json()["single_sign_on"], "Example Staff");
    provider.set_claims(claims("w-1", "will@example.com"));
    let mut browser = Browser::new(&stack);
    assert_eq!(browser.sign_in().await, "/stats");
    assert_eq!(browser.client.get("/api/session").await.json()["user"]["role"], "viewer");
    let audit = ApiClient::admin(&stack).await.get("/api/audit").await.json();
    let entry = &audit["items"][0];
    assert_eq!((&entry["action"], &entry["user_email"]), (&json!("user_added"), &json!("will@example.com")));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_tokens_and_callbacks_are_refused() {
    let provider = IdentityProvider::start().await;
    let stack = Stack::start_with(&provider.environment()).expect("the stack should start");
    let email = &stack.settings().admin_email;
    for (overrides, problem) in [
        (json!({"nonce": "another"}), "oidc_failed"),
        (json!({"aud": "another"}), "oidc_failed"),
        (json!({"azp": "another"}), "oidc_failed"),
        (json!({"iss": "http://127.0.0.1:1/staff"}), "oidc_failed"),
        (json!({"exp": 1_700_000_000}), "oidc_failed"),
        (json!({"email_verified": false}), "oidc_no_email"),
        (json!({"email_verified": null}), "oidc_no_email"),
        (json!({"email": null}), "oidc_no_email"),
        (json!({"email": "nobody"}), "oidc_no_email"),
        (json!({"email": "o\u{0}@example.com"}), "oidc_no_email"),
    ] {
        let mut claims = claims("a-1", email);
        claims
            .as_object_mut()
            .expect("claims should be an object")
            .extend(overrides.as_object().expect("claims should be an object").clone());
        provider.set_claims(claims);
        let mut browser = Browser::new(&stack);
        assert_eq!(browser.sign_in().await, format!("/sign-in?problem={problem}"), "{overrides}");
        assert_eq!(browser.email().await, Value::Null, "{overrides}");
    }

    provider.set_claims(claims("a-1", email));
    // A sign-in started by another browser, an unknown state, and an error from the provider.
    let mut browser = Browser::new(&stack);
    let path = browser.start_sign_in("/").await;
    let foreign = Browser::new(&stack).finish_sign_in(&path).await;
    assert_eq!(foreign.header("location"), "/sign-in?problem=oidc_expired");
    let other = path.replace("state=", "state=x");
    let expired = browser.finish_sign_in(&other).await;
    assert_eq!((expired.header("location"), expired.header("set-cookie")), ("/sign-in?problem=oidc_expired", ""));
    let refused = path.replace("code=", "error=access_denied&x=");
    assert_eq!(browser.finish_sign_in(&refused).await.header("location"), "/sign-in?problem=oidc_refused");
    // A code can be used only once.
    assert_eq!(browser.finish_sign_in(&path).await.header("location"), "/");
    assert_eq!(browser.finish_sign_in(&path).await.header("location"), "/sign-in?problem=oidc_failed");
    // `next` can only redirect within this site.
    let mut browser = Browser::new(&stack);
    let path = browser.start_sign_in("//evil.example.com").await;
    assert_eq!(browser.finish_sign_in(&path).await.header("location"), "/");
    let path = browser.start_sign_in("/stats?q=caf%C3%A9").await;
    assert_eq!(browser.finish_sign_in(&path).await.header("location"), "/stats?q=caf%C3%A9");
    // The token is signed with an unpublished key.
    provider.use_unpublished_key();
    assert_eq!(Browser::new(&stack).sign_in().await, "/sign-in?problem=oidc_failed");
    // The provider stops during the sign-in.
    let mut browser = Browser::new(&stack);
    let path = browser.start_sign_in("/").await;
    drop(provider);
    assert_eq!(browser.finish_sign_in(&path).await.header("location"), "/sign-in?problem=oidc_failed");
    let log = std::fs::read_to_string(stack.log(stack::Part::Ingest)).expect("the log should be readable");
    assert!(!log.contains("code-") && !log.contains(email.as_str()), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_at_another_origin_redirects_to_the_first_origin() {
    let provider = IdentityProvider::start().await;
    let mut environment = provider.environment().to_vec();
    environment.push(("PUBLIC_ORIGINS", "http://mail.example.com,http://127.0.0.1:1"));
    let stack = Stack::start_with(&environment).expect("the stack should start");
    let client = ApiClient::new(&stack);
    let location_at = async |host: &str| {
        let request = client.request(Method::GET, "/api/session/oidc?next=/stats").header("host", host);
        client.send(request).await.header("location").to_owned()
    };
    assert_eq!(location_at("127.0.0.1:1").await, "http://mail.example.com/api/session/oidc?next=%2Fstats");
    assert!(location_at("mail.example.com").await.starts_with(&provider.issuer));
    // An unknown Host, such as one rewritten by a proxy, does not cause a redirect loop.
    assert!(location_at("inside").await.starts_with(&provider.issuer));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_provider_links_users_by_email_again() {
    let (before, after) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let stack = Stack::start_with(&before.environment()).expect("the stack should start");
    let email = stack.settings().admin_email.clone();
    before.set_claims(claims("a-1", &email));
    assert_eq!(Browser::new(&stack).sign_in().await, "/stats");
    let replica = stack.replica_with("ingest", &after.environment()).expect("the replica should start");
    after.set_claims(claims("b-7", &email));
    let mut browser = Browser::new(&stack);
    browser.client.address = replica.address();
    assert_eq!(browser.sign_in().await, "/stats");
}

#[tokio::test(flavor = "multi_thread")]
async fn oidc_routes_return_404_without_a_provider() {
    let stack = Stack::start().expect("the stack should start");
    let client = ApiClient::new(&stack);
    assert_eq!(client.get("/api/session").await.json(), json!({"user": null, "single_sign_on": null, "feed": null}));
    for path in ["/api/session/oidc", "/api/session/oidc/callback?code=x&state=y"] {
        assert_eq!(client.get(path).await.problem(), (404, "not_found".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_decide_at_each_sign_in_what_a_user_may_do_and_see() {
    let provider = IdentityProvider::start().await;
    let mut environment = provider.environment().to_vec();
    let groups = "staff=operator; agency=viewer:subaccount=eu&tag=vip&addresses=masked; root=admin";
    environment.extend([("OIDC_NEW_USERS", "viewer"), ("OIDC_GROUPS", groups), ("OIDC_GROUPS_CLAIM", "roles")]);
    let stack = Stack::start_with(&environment).expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let sign_in = async |roles: Value| {
        provider.set_claims(json!({"sub": "w-1", "email": "will@example.com", "roles": roles}));
        let mut browser = Browser::new(&stack);
        assert_eq!(browser.sign_in().await, "/stats");
        browser.client
    };
    let user = async |client: &ApiClient| {
        let user = client.get("/api/session").await.json()["user"].clone();
        (user["role"].clone(), user["restriction"].clone(), user["addresses"].clone())
    };
    let of_agency = json!({"subaccounts": ["eu"], "tags": ["vip"], "domains": []});
    let nothing = json!({"subaccounts": [], "tags": [], "domains": []});
    let agency = sign_in(json!(["agency", "other"])).await;
    assert_eq!(user(&agency).await, (json!("viewer"), of_agency, json!("masked")));
    let staff = sign_in(json!("staff")).await;
    assert_eq!(user(&staff).await, (json!("operator"), Value::Null, json!("full")));
    // What the user is allowed now holds for the sessions of before, too.
    assert_eq!(user(&agency).await, user(&staff).await);
    assert_eq!(user(&sign_in(json!(["staff", "root"])).await).await.0, "admin");
    for none in [json!(["Agency"]), json!([]), json!({"agency": true}), json!(null)] {
        let nobody = sign_in(none).await;
        assert_eq!(user(&nobody).await, (json!("viewer"), nothing.clone(), json!("full")));
        assert_eq!(nobody.all("/api/events").await, Vec::<Value>::new());
    }
    let audited = admin.all("/api/audit").await;
    assert_eq!(audited.iter().filter(|entry| entry["action"] == "user_renewed").count(), 4, "{audited:?}");
    // The last admin keeps the role.
    let last = &stack.settings().admin_email;
    provider.set_claims(json!({"sub": "a-1", "email": last, "roles": ["agency"]}));
    let mut browser = Browser::new(&stack);
    assert_eq!(browser.sign_in().await, "/stats");
    assert_eq!(user(&browser.client).await.0, "admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_cannot_be_meant_stop_the_start() {
    let provider = IdentityProvider::start().await;
    let mut environment = provider.environment().to_vec();
    environment.push(("OIDC_GROUPS", "staff=boss"));
    let stack = Stack::start().expect("the stack should start");
    let refused = stack.ingest_with(&["serve"], &environment);
    assert!(format!("{refused:?}").contains("staff=boss"), "{refused:?}");
}
