//! An HTTP client that keeps a session cookie like a browser.

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use stack::Stack;

use crate::wait::until;

/// A response whose body has been read.
#[derive(Debug)]
pub struct ApiResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl ApiResponse {
    pub(crate) async fn fetch(request: RequestBuilder) -> Self {
        Self::read(request).await.expect("the server should respond")
    }

    /// Sends a request. Returns `None` if the connection fails.
    pub async fn try_fetch(request: RequestBuilder) -> Option<Self> {
        Self::read(request).await.ok()
    }

    async fn read(request: RequestBuilder) -> reqwest::Result<Self> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Self { status, headers, text: response.text().await? })
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("the body should be JSON: {} {}", self.status, self.text))
    }

    /// The status and the code of a problem document.
    pub fn problem(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        let content_type =
            self.headers.get("content-type").and_then(|content_type| content_type.to_str().ok()).unwrap_or_default();
        assert_eq!(content_type, "application/problem+json", "{}", self.text);
        (self.status.as_u16(), code)
    }

    /// The value of a header, or an empty string if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A client for the stack's public address.
#[derive(Debug, Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    /// The base URL.
    pub address: String,
    /// The session cookie as `name=value`, once signed in.
    pub cookie: Option<String>,
    /// The API token, for a client that uses one.
    pub token: Option<String>,
}

impl ApiClient {
    /// A client that is not signed in.
    pub fn new(stack: &Stack) -> Self {
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("the HTTP client should build");
        Self { http, address: stack.address(), cookie: None, token: None }
    }

    /// A client that uses an API token.
    pub fn with_token(stack: &Stack, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::new(stack) }
    }

    /// Creates a token of this admin to read with, with more settings, and returns a client that uses it.
    pub async fn reader(&self, stack: &Stack, more: &Value) -> Self {
        let mut token = json!({"name": "a reader", "scopes": ["read"]});
        token.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let created = self.post("/api/tokens", &token).await;
        assert_eq!(created.status, 201, "{}", created.text);
        Self::with_token(stack, created.json()["token"].as_str().expect("a token"))
    }

    /// A client that is signed in as the stack's admin.
    pub async fn admin(stack: &Stack) -> Self {
        let mut client = Self::new(stack);
        let settings = stack.settings();
        assert_eq!(client.sign_in(&settings.admin_email, &settings.admin_password).await.status, 200);
        client
    }

    /// Adds a viewer with this e-mail address and returns a client signed in as that user.
    pub async fn viewer(stack: &Stack, email: &str) -> Self {
        let password = "a viewer's password";
        stack.ingest(&["user", "add", email, "--password", password]).expect("the viewer should be added");
        let mut client = Self::new(stack);
        assert_eq!(client.sign_in(email, password).await.status, 200);
        client
    }

    /// Signs in and keeps the cookie on success.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> ApiResponse {
        let response = self.post("/api/session", &json!({"email": email, "password": password})).await;
        self.keep_cookie(&response);
        response
    }

    /// Stores the cookie if the response sets one.
    pub fn keep_cookie(&mut self, response: &ApiResponse) {
        if let Some((cookie, _)) = response.header("set-cookie").split_once(';') {
            self.cookie = Some(cookie.to_owned());
        }
    }

    /// Builds a request with the session cookie or the token, and no other headers.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.address));
        match (&self.cookie, &self.token) {
            (Some(cookie), _) => request.header("cookie", cookie),
            (None, Some(token)) => request.bearer_auth(token),
            (None, None) => request,
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> ApiResponse {
        ApiResponse::fetch(request).await
    }

    pub async fn get(&self, path: &str) -> ApiResponse {
        ApiResponse::fetch(self.request(Method::GET, path)).await
    }

    /// Posts JSON with the header that the dashboard sends.
    pub async fn post(&self, path: &str, body: &Value) -> ApiResponse {
        ApiResponse::fetch(self.request(Method::POST, path).header("x-requested-with", "fetch").json(body)).await
    }

    /// Sends JSON via PATCH, PUT or DELETE with the header that the dashboard sends.
    pub async fn change(&self, method: Method, path: &str, body: &Value) -> ApiResponse {
        ApiResponse::fetch(self.request(method, path).header("x-requested-with", "fetch").json(body)).await
    }

    /// Reads all pages of a list.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut list = PagedList::new(path);
        while let Some(address) = list.next() {
            list.add_page(&self.get(&address).await);
        }
        list.items
    }

    /// Reads all pages of a list, retrying each request until it returns 200.
    pub async fn all_with_retry(&self, path: &str) -> Vec<Value> {
        let mut list = PagedList::new(path);
        while let Some(address) = list.next() {
            let response = until("a page is returned", || async {
                ApiResponse::try_fetch(self.request(Method::GET, &address)).await.filter(|response| response.status == 200)
            });
            list.add_page(&response.await);
        }
        list.items
    }
}

/// A list that is read one page at a time.
struct PagedList<'a> {
    path: &'a str,
    items: Vec<Value>,
    cursor: Option<String>,
}

impl<'a> PagedList<'a> {
    fn new(path: &'a str) -> Self {
        Self { path, items: Vec::new(), cursor: Some(String::new()) }
    }

    /// The path of the next page, if there is one.
    fn next(&self) -> Option<String> {
        let separator = if self.path.contains('?') { '&' } else { '?' };
        self.cursor.as_ref().map(|cursor| format!("{}{separator}limit=200&cursor={cursor}", self.path))
    }

    fn add_page(&mut self, response: &ApiResponse) {
        let mut page = response.json();
        self.items.append(
            page["items"].as_array_mut().unwrap_or_else(|| panic!("the response should have `items`: {}", response.text)),
        );
        self.cursor = page["next"].as_str().map(str::to_owned);
    }
}
