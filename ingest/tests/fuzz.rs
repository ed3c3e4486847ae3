//! Runs the fuzz target of `fuzz/` on the stable compiler: mutates its corpus for `FUZZ_SECONDS`, one minute in `make test`.
//!
//! Unlike libFuzzer, this test is not guided by coverage. It compensates with a corpus of every shape and with mutations that use
//! typical fragments of bodies. A failure prints its seed; `FUZZ_SEED` repeats the run.

use std::path::Path;
use std::time::{Duration, Instant};

#[path = "../../fuzz/target_body.rs"]
mod target;

/// Typical fragments of bodies.
const WORDS: [&str; 24] = [
    "mandrill_events=",
    "&",
    "=",
    "%",
    "%5B",
    "%5D",
    "%7B",
    "%7D",
    "%22",
    "%5C",
    "%5Cu0000",
    "%5Cud800",
    "+",
    ",",
    "%2C",
    ":",
    "null",
    "%22event%22%3A%22open%22",
    "%22msg%22%3A%5B%5D",
    "%22ts%22%3A1e400",
    "%22type%22%3A%22blacklist%22",
    "%ff",
    "%22_id%22%3A",
    "-9223372036854775808",
];

/// Mutates bodies with a splitmix64 generator, so that the same seed gives the same bodies.
struct Mutator(u64);

impl Mutator {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 32).expect("usize should hold 32 bits") % bound.max(1)
    }

    /// Applies one change: replaces a byte, inserts a word, removes or repeats a piece, splices in a piece of `other`, or
    /// truncates.
    fn mutate(&mut self, body: &mut Vec<u8>, other: &[u8]) {
        let (from, to) = (self.below(body.len() + 1), self.below(body.len() + 1));
        let (from, to) = (from.min(to), from.max(to).min(from + 64));
        match self.below(6) {
            0 if !body.is_empty() => {
                let at = self.below(body.len());
                body[at] = u8::try_from(self.below(256)).expect("the value should fit a byte");
            }
            1 => drop(body.splice(from..from, WORDS[self.below(WORDS.len())].bytes())),
            2 => drop(body.drain(from..to)),
            3 => {
                let piece = body[from..to].to_vec();
                body.splice(from..from, piece);
            }
            4 if !other.is_empty() => {
                let start = self.below(other.len());
                let piece = other[start..(start + 200).min(other.len())].to_vec();
                body.splice(from..to, piece);
            }
            _ => body.truncate(to.max(1)),
        }
    }
}

#[test]
fn any_body_is_parsed_without_panic_or_loss() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("FUZZ_SECONDS").unwrap_or(2);
    let seed = number("FUZZ_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("the clock should be after 1970");
        now.as_secs()
    });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/body");
    let mut corpus: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .expect("the corpus should be readable")
        .map(|entry| std::fs::read(entry.expect("the corpus should be readable").path()).expect("the body should be readable"))
        .collect();
    corpus.sort();
    assert!(corpus.len() >= 10, "the corpus should have every shape");
    for body in &corpus {
        target::body(body);
    }
    let mut mutator = Mutator(seed);
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0_u64;
    while Instant::now() < deadline {
        let mut body = corpus[mutator.below(corpus.len())].clone();
        let other = corpus[mutator.below(corpus.len())].clone();
        for _ in 0..=mutator.below(8) {
            mutator.mutate(&mut body, &other);
        }
        let copy = body.clone();
        if std::panic::catch_unwind(|| target::body(&copy)).is_err() {
            panic!("FUZZ_SEED={seed}, run {runs}: {:?}", String::from_utf8_lossy(&body));
        }
        runs += 1;
    }
    assert!(runs > 100, "expected more than 100 runs, got {runs}");
}
