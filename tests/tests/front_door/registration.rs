//! `ingest webhook` against a simulated Mandrill API that checks the stack's webhook URL.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use front_door::MandrillApi;
use serde_json::{Value, json};
use stack::Stack;

/// An address that no server listens on.
const UNREACHABLE: &str = "http://127.0.0.1:1";
const ALL: [&str; 12] = [
    "send",
    "deferral",
    "hard_bounce",
    "soft_bounce",
    "delivered",
    "open",
    "click",
    "spam",
    "unsub",
    "reject",
    "blacklist",
    "whitelist",
];

/// Runs `ingest webhook …` without a stack and returns the exit code and combined output.
fn webhook(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let mut command = Stack::program("ingest").expect("the service should be built");
    let command = command.arg("webhook").args(arguments).envs(environment.iter().copied());
    let output = command.output().expect("the command should run");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("the command should exit"), String::from_utf8(text).expect("the output should be UTF-8"))
}

/// Returns the rest of the line that begins with `name`.
fn line<'a>(output: &'a str, name: &str) -> &'a str {
    output
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_else(|| panic!("no line begins with `{name}`: {output}"))
        .trim()
}

#[test]
fn webhook_add_registers_once_and_stores_the_key() {
    let (api, stack) = (MandrillApi::start(), Stack::start().expect("the stack should start"));
    let old = &stack.settings().webhook_keys;
    let file = stack.folder().join("settings.env");
    fs::write(&file, format!("PORT=1\nWEBHOOK_KEYS={old}\nLOG=info\n")).expect("the file should be written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the mode should be set");
    let file = file.to_str().expect("the path should be UTF-8");

    let output =
        stack.ingest_with(&["webhook", "add", "--event", "open"], &api.environment()).expect("the webhook should be added");
    let webhooks = api.webhooks();
    let [created] = webhooks.as_slice() else { panic!("expected one webhook: {webhooks:?}") };
    let key = created["auth_key"].as_str().expect("auth_key should be a string");
    assert_eq!(api.checks(), ["HEAD 200"], "Mandrill should check the URL of the stack");
    assert_eq!(created["url"], stack.webhook_url());
    assert_eq!(created["events"], json!(["open"]));
    assert_eq!(created["description"], "Mandrill Listener");
    assert_eq!(line(&output, "webhook "), format!("1001 added: {}", stack.webhook_url()));
    assert_eq!(line(&output, "key "), key);
    assert_eq!(line(&output, "WEBHOOK_KEYS="), format!("…,{key}"), "the other key should not be shown");

    let arguments = ["webhook", "add", "--store", file];
    let output = stack.ingest_with(&arguments, &api.environment()).expect("the webhook should be updated");
    assert!(line(&output, "webhook ").starts_with("1001 updated: "), "{output}");
    assert_eq!(line(&output, "key "), key);
    let webhooks = api.webhooks();
    assert_eq!(webhooks.len(), 1, "the webhook should not be added twice");
    assert_eq!(webhooks[0]["events"], json!(ALL));
    let stored = format!("PORT=1\nWEBHOOK_KEYS={old},{key}\nLOG=info\n");
    assert_eq!(fs::read_to_string(file).expect("the file should be readable"), stored);
    assert_eq!(fs::metadata(file).expect("the file should be readable").permissions().mode() & 0o777, 0o600);

    // Changes that a user makes in Mandrill are kept.
    api.change(|webhooks| {
        webhooks[0]["events"].as_array_mut().expect("events should be an array").push(json!("sms_open"));
        webhooks[0]["description"] = json!("Ours");
        webhooks[0]["auth_key"] = Value::Null;
    });
    let error = stack.ingest_with(&arguments, &api.environment()).expect_err("a missing key should fail the command").to_string();
    assert!(error.contains("webhook 1001 unchanged: ") && error.contains("did not return the webhook's key"), "{error}");
    api.change(|webhooks| webhooks[0]["auth_key"] = json!(key));
    let output = stack.ingest_with(&arguments, &api.environment()).expect("the command should succeed without changes");
    assert!(output.contains("webhook 1001 unchanged: ") && output.contains("already contains the key"), "{output}");
    assert_eq!(fs::read_to_string(file).expect("the file should be readable"), stored);
    let methods: Vec<String> = api.calls().into_iter().map(|(method, _)| method).collect();
    assert_eq!(methods, ["list", "add", "list", "update", "list", "info", "list"]);

    let error = stack
        .ingest_with(&["webhook", "add", "--event", "opens"], &api.environment())
        .expect_err("an unknown event should be refused");
    assert!(error.to_string().contains("hard_bounce"), "the error should list the events: {error}");
}

#[test]
fn webhook_list_shows_mismatches_and_hides_secrets() {
    let api = MandrillApi::start();
    let (url, key) = ("https://user:hunter2@mail.example.com/webhook/", "k3y-One_22chars_abcdEF");
    let environment = |keys: &'static str, urls: &'static str| {
        [&api.environment()[..], &[("WEBHOOK_KEYS", keys), ("WEBHOOK_URLS", urls)]].concat()
    };
    let (code, output) = webhook(&["list"], &environment("", ""));
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("run `ingest webhook add` to add one"), "{output}");

    api.change(|webhooks| {
        webhooks.push(json!({
            "id": 1001, "url": url, "auth_key": key, "events": ["open", "click"], "created_at": "2026-11-24 10:00:00.123456",
            "last_sent_at": "2026-11-24 11:00:00", "batches_sent": 42, "events_sent": 1365,
            "last_error": format!("POST to {url} failed with 500: \u{1b}[31m\noops")
        }));
        webhooks.push(json!({"id": 1002, "url": "https://other.example.com/", "auth_key": null, "brand_new": []}));
    });
    let (code, output) = webhook(&["list"], &environment("", ""));
    assert_eq!(code, 0, "{output}");
    let lines: Vec<Vec<&str>> = output.lines().map(|line| line.split_whitespace().collect()).collect();
    let masked = "https://***@mail.example.com/webhook/";
    assert_eq!(lines[1], ["1001", "42", "1365", "2026-11-24", "11:00:00", masked]);
    assert_eq!(lines[2].join(" "), "receives: open click");
    assert_eq!(lines[3].join(" "), "key not in WEBHOOK_KEYS, url not in WEBHOOK_URLS");
    assert_eq!(lines[4].join(" "), format!("last error: POST to {masked} failed with 500: [31m oops"));
    assert_eq!(lines[5], ["1002", "?", "?", "never", "https://other.example.com/"]);
    assert_eq!(lines[7].join(" "), "key not reported by Mandrill, url not in WEBHOOK_URLS");
    let (_, configured) = webhook(&["list"], &environment(key, url));
    assert!(configured.contains("key in WEBHOOK_KEYS, url in WEBHOOK_URLS"), "{configured}");
    let [_, (_, api_key)] = api.environment();
    for secret in [key, api_key, "hunter2", "\u{1b}"] {
        assert!(!output.contains(secret) && !configured.contains(secret), "{output}{configured}");
    }
}

#[test]
fn webhook_commands_explain_mandrill_api_failures() {
    let api = MandrillApi::start();
    let [(_, api_url), (_, api_key)] = api.environment();
    let unreachable = format!("{UNREACHABLE}/api");
    let not_the_api = api_url.replace("/api/1.0", "/elsewhere");
    let table: [(&[&str], &str, &str, &[&str]); 7] = [
        (&["list"], api_url, "some-Wrong-key_22chars", &["MANDRILL_API_KEY is not a valid key", "401", "Invalid_Key"]),
        (&["list"], &unreachable, api_key, &["does not answer at http://127.0.0.1:1/api", "MANDRILL_API_URL", "refused"]),
        (&["list"], "nonsense", api_key, &["does not answer at nonsense", "MANDRILL_API_URL"]),
        (&["list"], &not_the_api, api_key, &["404", "not a response of Mandrill's API"]),
        (&["list"], api_url, "", &["MANDRILL_API_KEY is empty"]),
        (&["add"], api_url, api_key, &["set WEBHOOK_URLS"]),
        (&["add", "--url", "ftp://example.com/"], api_url, api_key, &["is not an http or https address"]),
    ];
    for (arguments, url, key, messages) in table {
        let (code, output) = webhook(arguments, &[("MANDRILL_API_URL", url), ("MANDRILL_API_KEY", key)]);
        assert_eq!(code, 1, "{output}");
        assert!(messages.iter().all(|text| output.contains(text)), "{messages:?}: {output}");
        assert!(key.is_empty() || !output.contains(key), "{output}");
    }
    let (code, output) = webhook(&["list"], &[]);
    assert_eq!(code, 64, "{output}");
    assert!(output.contains("MANDRILL_API_KEY"), "{output}");

    let (code, output) = webhook(&["add", "--url", &format!("{UNREACHABLE}/webhook/")], &api.environment());
    assert_eq!(code, 1, "{output}");
    assert!(output.contains("must answer from the internet") && output.contains("ValidationError"), "{output}");
    assert_eq!(api.checks(), ["HEAD 0", "POST 0"]);
    assert_eq!(api.webhooks(), Vec::<Value>::new());
}

#[test]
fn webhook_test_sends_the_requests_mandrill_sends() {
    let stack = Stack::start().expect("the stack should start");
    let output = stack.ingest(&["webhook", "test"]).expect("all checks should pass");
    for probe in ["HEAD", "POST [], signed with test-webhook", "POST [], signed with key `key-1`"] {
        assert_eq!(line(&output, probe), "200 OK");
    }

    let without_slash = stack.webhook_url().trim_end_matches('/').to_owned();
    let error = stack.ingest(&["webhook", "test", "--url", &without_slash]).expect_err("another URL should fail").to_string();
    assert_eq!(line(&error, "HEAD"), "200 OK");
    assert_eq!(line(&error, "POST [], signed with test-webhook"), "401 Unauthorized wrong_signature");
    assert!(error.contains("do not contain this address, character by character"), "{error}");
    assert!(error.contains("2 of 3 requests failed"), "{error}");

    let keys = format!("{},new=k3y-Two_22chars_ghijKL", stack.settings().webhook_keys);
    let error =
        stack.ingest_with(&["webhook", "test"], &[("WEBHOOK_KEYS", &keys)]).expect_err("an unknown key should fail").to_string();
    assert_eq!(line(&error, "POST [], signed with key `new`"), "401 Unauthorized wrong_signature");
    assert!(error.contains("does not know this key") && error.contains("1 of 4 requests failed"), "{error}");
    assert!(!error.contains("k3y-Two"), "{error}");

    let (code, output) = webhook(&["test", "--url", "http://user:hunter2@127.0.0.1:1/webhook/"], &[]);
    assert_eq!(code, 1, "{output}");
    assert!(line(&output, "HEAD").starts_with("no answer: ") && output.contains("no server answers"), "{output}");
    assert!(output.contains("http://***@127.0.0.1:1/") && !output.contains("hunter2"), "{output}");
}
