//! `ingest webhook`: against an API that speaks as Mandrill's, and the stack as the address that it checks.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use front_door::MandrillApi;
use serde_json::{Value, json};
use stack::Stack;

/// Nobody listens there.
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

/// Runs `ingest webhook …` without a stack; the exit code, and everything that it said.
fn webhook(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let mut command = Stack::program("ingest").expect("the service is built");
    let command = command.arg("webhook").args(arguments).envs(environment.iter().copied());
    let output = command.output().expect("it runs");
    let output = [output.stdout, output.stderr].concat();
    (output.status.code().expect("an exit code"), String::from_utf8(output).expect("text"))
}

/// What follows `name` in the line that begins with it.
fn line<'a>(output: &'a str, name: &str) -> &'a str {
    output.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no line of `{name}` in: {output}")).trim()
}

#[test]
fn webhook_add_registers_once_and_stores_the_key() {
    let (api, stack) = (MandrillApi::start(), Stack::start().expect("a stack"));
    let old = &stack.settings().webhook_keys;
    let file = stack.folder().join("settings.env");
    fs::write(&file, format!("PORT=1\nWEBHOOK_KEYS={old}\nLOG=info\n")).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    let file = file.to_str().expect("a name");

    let output = stack.ingest_with(&["webhook", "add", "--event", "open"], &api.environment()).expect("added");
    let webhooks = api.webhooks();
    let [created] = webhooks.as_slice() else { panic!("one webhook: {webhooks:?}") };
    let key = created["auth_key"].as_str().expect("a key");
    assert_eq!(api.checks(), ["HEAD 200"], "Mandrill reaches our own stack");
    assert_eq!(created["url"], stack.webhook_url());
    assert_eq!(created["events"], json!(["open"]));
    assert_eq!(created["description"], "Mandrill Listener");
    assert_eq!(line(&output, "webhook "), format!("1001 added: {}", stack.webhook_url()));
    assert_eq!(line(&output, "key "), key);
    assert_eq!(line(&output, "WEBHOOK_KEYS="), format!("…,{key}"), "the other key is not shown");

    let arguments = ["webhook", "add", "--store", file];
    let output = stack.ingest_with(&arguments, &api.environment()).expect("updated");
    assert!(output.contains("was there already, and is updated"), "{output}");
    assert_eq!(line(&output, "key "), key);
    let webhooks = api.webhooks();
    assert_eq!(webhooks.len(), 1, "no twin");
    assert_eq!(webhooks[0]["events"], json!(ALL));
    let stored = format!("PORT=1\nWEBHOOK_KEYS={old},{key}\nLOG=info\n");
    assert_eq!(fs::read_to_string(file).expect("the file"), stored);
    assert_eq!(fs::metadata(file).expect("the file").permissions().mode() & 0o777, 0o600);

    // What somebody chose in Mandrill meanwhile is not undone.
    api.change(|webhooks| {
        webhooks[0]["events"].as_array_mut().expect("events").push(json!("sms_open"));
        webhooks[0]["description"] = json!("Ours");
        webhooks[0]["auth_key"] = Value::Null;
    });
    let error = stack.ingest_with(&arguments, &api.environment()).expect_err("no key").to_string();
    assert!(error.contains("stays as it is") && error.contains("did not tell the webhook's key"), "{error}");
    api.change(|webhooks| webhooks[0]["auth_key"] = json!(key));
    let output = stack.ingest_with(&arguments, &api.environment()).expect("nothing to do");
    assert!(output.contains("stays as it is") && output.contains("held the key already"), "{output}");
    assert_eq!(fs::read_to_string(file).expect("the file"), stored);
    let methods: Vec<String> = api.calls().into_iter().map(|(method, _)| method).collect();
    assert_eq!(methods, ["list", "add", "list", "update", "list", "info", "list"]);

    let error = stack.ingest_with(&["webhook", "add", "--event", "opens"], &api.environment()).expect_err("no such event");
    assert!(error.to_string().contains("hard_bounce"), "the kinds are named: {error}");
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
    assert!(output.contains("`ingest webhook add` makes one"), "{output}");

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
    assert_eq!(lines[2].join(" "), "gets: open click");
    assert_eq!(lines[3].join(" "), "key not in WEBHOOK_KEYS, url not in WEBHOOK_URLS");
    assert_eq!(lines[4].join(" "), format!("last error: POST to {masked} failed with 500: [31m oops"));
    assert_eq!(lines[5], ["1002", "?", "?", "never", "https://other.example.com/"]);
    assert_eq!(lines[7].join(" "), "key not told by Mandrill, url not in WEBHOOK_URLS");
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
        (&["list"], &not_the_api, api_key, &["404", "not as Mandrill's API does"]),
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
    let stack = Stack::start().expect("a stack");
    let output = stack.ingest(&["webhook", "test"]).expect("everything is right");
    for question in ["HEAD", "POST [], signed with test-webhook", "POST [], signed with key `key-1`"] {
        assert_eq!(line(&output, question), "200 OK");
    }

    let without_slash = stack.webhook_url().trim_end_matches('/').to_owned();
    let error = stack.ingest(&["webhook", "test", "--url", &without_slash]).expect_err("another address").to_string();
    assert_eq!(line(&error, "HEAD"), "200 OK");
    assert_eq!(line(&error, "POST [], signed with test-webhook"), "401 Unauthorized wrong_signature");
    assert!(error.contains("do not hold this address, character by character"), "{error}");
    assert!(error.contains("2 of 3 answers"), "{error}");

    let keys = format!("{},new=k3y-Two_22chars_ghijKL", stack.settings().webhook_keys);
    let error = stack.ingest_with(&["webhook", "test"], &[("WEBHOOK_KEYS", &keys)]).expect_err("an unknown key").to_string();
    assert_eq!(line(&error, "POST [], signed with key `new`"), "401 Unauthorized wrong_signature");
    assert!(error.contains("does not know this key") && error.contains("1 of 4 answers"), "{error}");
    assert!(!error.contains("k3y-Two"), "{error}");

    let (code, output) = webhook(&["test", "--url", "http://user:hunter2@127.0.0.1:1/webhook/"], &[]);
    assert_eq!(code, 1, "{output}");
    assert!(line(&output, "HEAD").starts_with("no answer: ") && output.contains("nobody answers"), "{output}");
    assert!(output.contains("http://***@127.0.0.1:1/") && !output.contains("hunter2"), "{output}");
}
