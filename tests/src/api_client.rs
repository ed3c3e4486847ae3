//! Somebody with a browser, signed in or not.

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use stack::Stack;

use crate::wait::until;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        Self::try_of(request).await.expect("an answer")
    }

    /// The answer, unless the connection broke.
    pub async fn try_of(request: RequestBuilder) -> Option<Self> {
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status(), response.headers().clone());
        Some(Self { status, headers, text: response.text().await.ok()? })
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }

    /// Status and problem code, for comparing.
    pub fn problem(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        let kind = self.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        assert_eq!(kind, "application/problem+json", "{}", self.text);
        (self.status.as_u16(), code)
    }

    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Somebody at the front door.
#[derive(Debug, Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    /// The front door.
    pub address: String,
    /// `name=value` of the session cookie, once signed in.
    pub cookie: Option<String>,
}

impl ApiClient {
    /// Not signed in.
    pub fn new(stack: &Stack) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { http, address: stack.address(), cookie: None }
    }

    /// Signed in as the stack's admin.
    pub async fn admin(stack: &Stack) -> Self {
        let mut client = Self::new(stack);
        let settings = stack.settings();
        assert_eq!(client.sign_in(&settings.admin_email, &settings.admin_password).await.status, 200);
        client
    }

    /// Signed in as a viewer of this address, who is added.
    pub async fn viewer(stack: &Stack, email: &str) -> Self {
        let password = "a viewer's password";
        stack.ingest(&["user", "add", email, "--password", password]).expect("the viewer is added");
        let mut client = Self::new(stack);
        assert_eq!(client.sign_in(email, password).await.status, 200);
        client
    }

    /// Signs in, and keeps the cookie if that worked.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        let answer = self.post("/api/session", &json!({"email": email, "password": password})).await;
        self.keep_cookie(&answer);
        answer
    }

    /// Keeps the cookie that an answer sets, if it sets one.
    pub fn keep_cookie(&mut self, answer: &Answer) {
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            self.cookie = Some(cookie.to_owned());
        }
    }

    /// A request with the cookie and nothing else.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.address));
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }

    /// What this request is answered with.
    pub async fn answer(&self, request: RequestBuilder) -> Answer {
        Answer::of(request).await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// POST of JSON, as the dashboard's own script sends it.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).header("x-requested-with", "fetch").json(body)).await
    }

    /// PATCH, PUT or DELETE of JSON, as the dashboard's own script sends it.
    pub async fn change(&self, method: Method, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(method, path).header("x-requested-with", "fetch").json(body)).await
    }

    /// Everything in a list, page by page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut list = ListOf::new(path);
        while let Some(address) = list.next() {
            list.take(&self.get(&address).await);
        }
        list.items
    }

    /// The same, each page asked for until it is answered with 200.
    pub async fn all_in_the_end(&self, path: &str) -> Vec<Value> {
        let mut list = ListOf::new(path);
        while let Some(address) = list.next() {
            let answer = until("a page", || async {
                Answer::try_of(self.request(Method::GET, &address)).await.filter(|answer| answer.status == 200)
            });
            list.take(&answer.await);
        }
        list.items
    }
}

/// A list that is being read page by page.
struct ListOf<'a> {
    path: &'a str,
    items: Vec<Value>,
    cursor: Option<String>,
}

impl<'a> ListOf<'a> {
    fn new(path: &'a str) -> Self {
        Self { path, items: Vec::new(), cursor: Some(String::new()) }
    }

    /// Where the next page is, if there is one.
    fn next(&self) -> Option<String> {
        let joint = if self.path.contains('?') { '&' } else { '?' };
        self.cursor.as_ref().map(|cursor| format!("{}{joint}limit=200&cursor={cursor}", self.path))
    }

    fn take(&mut self, answer: &Answer) {
        let mut page = answer.json();
        self.items.append(page["items"].as_array_mut().unwrap_or_else(|| panic!("no list: {}", answer.text)));
        self.cursor = page["next"].as_str().map(str::to_owned);
    }
}
