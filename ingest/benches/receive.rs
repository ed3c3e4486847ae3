//! CPU cost of a full batch before the database: decoding the form, verifying the signature, parsing the events.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ingest::webhook::batch::Batch;
use ingest::webhook::event::ReadOptions;
use ingest::webhook::form::Form;
use ingest::webhook::signature::{Verifier, sign};
use serde_json::{Value, json};
use time::OffsetDateTime;

const KEY: &str = "main=k3y-One_22chars_abcdEF";
const URL: &str = "https://hooks.example.com/webhook/";

/// 1,000 opens of about 1.5 kB each, formatted as Mandrill posts them.
fn value() -> String {
    let events: Vec<Value> = (0..1000)
        .map(|n| {
            json!({"event": "open", "ts": 1_790_000_000 + n, "_id": format!("{n:032x}"), "ip": "198.51.100.7", "user_agent": "Mozilla/5.0 (Windows NT 10.0)",
                "user_agent_parsed": {"type": "Browser", "ua_family": "Chrome", "ua_url": "https://ua.example.com/", "mobile": false, "more": "x".repeat(400)},
                "location": {"country": "Spain", "city": "Madrid", "latitude": 40.4},
                "msg": {"_id": format!("{n:032x}"), "email": format!("person{n}@example.com"), "sender": "hello@shop.example.com", "subject": format!("Your order {n}"),
                    "tags": ["orders"], "metadata": {"customer": n}, "opens": [], "clicks": [], "smtp_events": [{"ts": 1, "diag": "250 OK", "more": "y".repeat(300)}]}})
        })
        .collect();
    Value::from(events).to_string().replace('/', "\\/")
}

fn receive(criterion: &mut Criterion) {
    let value = value();
    let escaped: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let body = format!("mandrill_events={escaped}").into_bytes();
    let keys: ingest::webhook::signature::Keys = KEY.parse().expect("the keys should be valid");
    let signature = sign(keys.first().expect("a key should be configured"), URL, value.as_bytes());
    let verifier = Verifier::new(keys, URL.parse().expect("the URL should be valid"));
    let form = Form::decode(body.clone()).expect("the form should be valid");
    let mut group = criterion.benchmark_group("1,000 events");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("decode", |bencher| {
        bencher.iter_batched(|| body.clone(), |body| Form::decode(black_box(body)), BatchSize::LargeInput)
    });
    group.bench_function("verify", |bencher| {
        bencher.iter(|| verifier.verify(black_box(signature.as_bytes()), &form).expect("the signature should be valid"))
    });
    let now = OffsetDateTime::now_utc();
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Batch::read(black_box(value.as_bytes()), ReadOptions::at(now)).events.len())
    });
    group.finish();
}

criterion_group!(benches, receive);
criterion_main!(benches);
