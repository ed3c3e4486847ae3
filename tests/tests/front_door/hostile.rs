//! Clients that send incomplete, malformed or oversized requests.

use std::io::{Read, Write};
use std::net::TcpStream;

use front_door::delivery::event;
use front_door::{ApiClient, Database, Mandrill, until};
use stack::{Part, Stack};

/// Sends raw bytes to ingest, bypassing nginx, and returns the response.
fn raw(stack: &Stack, request: &[u8]) -> String {
    let address = stack.direct(Part::Ingest).replace("http://", "");
    let mut stream = TcpStream::connect(address).expect("the server should accept the connection");
    stream.write_all(request).expect("the request should be sent");
    stream.shutdown(std::net::Shutdown::Write).expect("the write side should close");
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    String::from_utf8_lossy(&response).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_and_malformed_requests_do_not_block_deliveries() {
    let stack = Stack::start().expect("the stack should start");
    let mandrill = Mandrill::of(&stack);
    let head = "POST /webhook/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let cut_off =
        raw(&stack, format!("{head}X-Mandrill-Signature: AAAA\r\nContent-Length: 1000\r\n\r\nmandrill_events=%5B").as_bytes());
    assert!(cut_off.is_empty() || cut_off.starts_with("HTTP/1.1 400"), "{cut_off}");
    let unsigned = raw(&stack, format!("{head}Content-Length: 33554433\r\n\r\n").as_bytes());
    assert!(unsigned.starts_with("HTTP/1.1 401"), "ingest should respond before it reads the body: {unsigned}");
    for garbage in [&b"\x16\x03\x01\x02\x00\x01"[..], b"GET", b"\r\n\r\n\r\n", b"POST /webhook/ HTTP/9.9\r\n\r\n"] {
        let response = raw(&stack, garbage);
        assert!(response.is_empty() || response.starts_with("HTTP/1.1 4"), "{response}");
    }
    let idle: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = TcpStream::connect(stack.direct(Part::Ingest).replace("http://", ""))
                .expect("the server should accept the connection");
            stream.write_all(head.as_bytes()).expect("half a header should be sent");
            stream
        })
        .collect();
    assert_eq!(mandrill.deliver(&[event("open", "m1")]).await.status, 200);
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_sent_request_does_not_delay_shutdown() {
    let mut stack = Stack::start().expect("the stack should start");
    let mut stream =
        TcpStream::connect(stack.direct(Part::Ingest).replace("http://", "")).expect("the server should accept the connection");
    stream.write_all(b"POST /webhook/ HTTP/1.1\r\nHost: x\r\nX-Mandrill-Sig").expect("half a header should be sent");
    stack.stop(Part::Ingest);
    assert!(stack.pid(Part::Ingest).is_none());
    let log = std::fs::read_to_string(stack.folder().join("logs/ingest.log")).expect("the log should be readable");
    assert!(log.contains("ingest stopped"), "ingest should exit on its own without being killed:\n{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_33_mib_body_is_refused_while_other_deliveries_succeed() {
    let stack = Stack::start().expect("the stack should start");
    let (mandrill, admin) = (Mandrill::of(&stack), ApiClient::admin(&stack).await);
    let huge = mandrill.post(vec![b'x'; 33 << 20], Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    let batch = [event("open", "m1")];
    let (huge, neighbour) = tokio::join!(huge, mandrill.deliver(&batch));
    assert_eq!(huge.problem(), (413, "too_large".to_owned()));
    assert_eq!(neighbour.status, 200);
    assert_eq!(admin.all("/api/events").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_get_503_while_the_memory_budget_is_exhausted() {
    let stack =
        Stack::start_with(&[("WEBHOOK_MEMORY", "400000"), ("WEBHOOK_MAX_BODY", "200000")]).expect("the stack should start");
    let mut mandrill = Mandrill::of(&stack);
    mandrill.to = format!("{}/webhook/", stack.direct(Part::Ingest));
    // A delivery that never completes holds the entire memory budget for unverified bodies.
    let mut stream =
        TcpStream::connect(stack.direct(Part::Ingest).replace("http://", "")).expect("the server should accept the connection");
    let head =
        "POST /webhook/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Mandrill-Signature: AAAA\r\n";
    write!(stream, "{head}Content-Length: 200000\r\n\r\nmandrill_events={}", "x".repeat(40_000))
        .expect("half a body should be sent");
    let refused = until("the budget is exhausted", || async {
        let response = mandrill.deliver(&[event("open", "m1")]).await;
        (response.status == 503).then_some(response)
    })
    .await;
    assert_eq!(refused.problem(), (503, "no_room".to_owned()));
    assert_ne!(refused.header("retry-after"), "");
    drop(stream);
    until("the budget is free again", || async { (mandrill.deliver(&[event("open", "m1")]).await.status == 200).then_some(()) })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_commits_after_its_client_disconnects() {
    let stack = Stack::start().expect("the stack should start");
    let mandrill = Mandrill::of(&stack);
    let (mut database, mut locker) = (Database::of(&stack).await, Database::of(&stack).await);
    // The lock prevents a commit before the client disconnects.
    locker.run("begin; lock table event_keys in access exclusive mode").await;
    let value = serde_json::json!([event("open", "m1")]).to_string();
    let escaped: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let form = format!("mandrill_events={escaped}");
    let mut stream =
        TcpStream::connect(stack.direct(Part::Ingest).replace("http://", "")).expect("the server should accept the connection");
    let signature = mandrill.sign(&[("mandrill_events", value.as_bytes())]);
    let head = "POST /webhook/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded";
    write!(stream, "{head}\r\nX-Mandrill-Signature: {signature}\r\nContent-Length: {}\r\n\r\n{form}", form.len())
        .expect("the request should be sent");
    let waiting = "select count(*) from pg_locks where not granted and relation = 'event_keys'::regclass";
    database.until("the commit waits for the lock", waiting).await;
    drop(stream);
    locker.run("commit").await;
    database.until("the event is stored", "select count(*) from events").await;
}

/// The peak resident memory of a process in bytes.
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process should run");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the status should contain VmHWM");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("the value should be a number") * 1024
}

/// Limit for the debug build, in bytes. `make bench` reports the peak of the release build, which stays below 256 MiB. Debug code is slower, so more
/// deliveries are pending at the same time, and fragmentation varies by tens of MiB from run to run.
const MEMORY_LIMIT: u64 = 384 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_under_large_deliveries() {
    let stack = Stack::start().expect("the stack should start");
    let mut mandrill = Mandrill::of(&stack);
    mandrill.to = format!("{}/webhook/", stack.direct(Part::Ingest));
    // 32 connections with full batches, then 8 with large emails: several times the memory budget. Deliveries that receive a 503
    // are retried.
    let batches = (0..32).map(|connection| {
        let mandrill = mandrill.clone();
        tokio::spawn(async move {
            let batch: Vec<_> = (0..1000).map(|n| event("send", &format!("{connection}-{n}-{}", "x".repeat(400)))).collect();
            let text = serde_json::Value::from(batch).to_string();
            until("a batch is accepted", || async { mandrill.is_accepted(&text).await.then_some(()) }).await;
        })
    });
    futures::future::join_all(batches).await.into_iter().for_each(|done| done.expect("every delivery should be accepted"));
    let mails = (0..8).map(|connection| {
        let mandrill = mandrill.clone();
        tokio::spawn(async move {
            let content = "QUJD".repeat((20 << 20) / 4);
            let mail = serde_json::json!([{"event": "inbound", "ts": 1, "msg": {"headers": {"Message-Id": connection.to_string()}, "text": content}}]);
            let text = mail.to_string();
            until("a mail is accepted", || async { mandrill.is_accepted(&text).await.then_some(()) }).await;
        })
    });
    futures::future::join_all(mails).await.into_iter().for_each(|done| done.expect("every delivery should be accepted"));
    let peak = peak_memory(stack.pid(Part::Ingest).expect("ingest should run"));
    assert!(peak <= MEMORY_LIMIT, "{} MiB", peak >> 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_sent_requests_block_neither_deliveries_nor_shutdown() {
    let mut stack = Stack::start().expect("the stack should start");
    let address = stack.direct(Part::Ingest).replace("http://", "");
    let mut mandrill = Mandrill::of(&stack);
    mandrill.to = format!("http://{address}/webhook/");
    let head = "POST /webhook/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let half = |request: String| {
        let mut stream = TcpStream::connect(&address).expect("the server should accept the connection");
        stream.write_all(request.as_bytes()).expect("half a request should be sent");
        stream
    };
    // Each declares a body of the maximum size but sends only a few bytes of it.
    let body = format!("{head}X-Mandrill-Signature: AAAA\r\nContent-Length: 33554432\r\n\r\nmandrill_events=%5B");
    let idle: Vec<TcpStream> = (0..500).map(|n| half(if n % 2 == 0 { body.clone() } else { head.to_owned() })).collect();
    for n in 0..20 {
        assert_eq!(mandrill.deliver(&[event("open", &format!("m{n}"))]).await.status, 200, "the service should keep working");
    }
    stack.stop(Part::Ingest);
    let log = std::fs::read_to_string(stack.folder().join("logs/ingest.log")).expect("the log should be readable");
    assert!(log.contains("ingest stopped"), "ingest should exit on its own without being killed:\n{log}");
    drop(idle);
}
