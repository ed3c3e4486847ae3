//! Parses any request body as a signed form.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../target_body.rs"]
mod target;

fuzz_target!(|body: &[u8]| target::body(body));
