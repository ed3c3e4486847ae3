//! A stack is gone when it is dropped, when its owner panics, and when its owner is killed.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stack::{Error, Part, Stack};

/// The addresses of a stack's parts.
fn addresses(stack: &Stack) -> Vec<String> {
    let parts = [Part::Postgres, Part::Redis, Part::Ingest, Part::Notifier, Part::Nginx];
    parts.map(|part| stack.direct(part).replace("http://", "")).to_vec()
}

fn answers(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}

#[test]
fn dropping_a_stack_removes_everything() {
    let stack = Stack::start().expect("a stack");
    let (addresses, folder) = (addresses(&stack), stack.folder().to_path_buf());
    assert!(addresses.iter().all(|address| answers(address)));
    drop(stack);
    assert!(!addresses.iter().any(|address| answers(address)));
    assert!(!folder.exists());
}

#[test]
fn a_panic_of_the_owner_removes_everything() {
    let (send, receive) = std::sync::mpsc::channel();
    let owner = std::thread::spawn(move || {
        let stack = Stack::start().expect("a stack");
        send.send((addresses(&stack), stack.folder().to_path_buf())).expect("the test listens");
        panic!("on purpose");
    });
    let (addresses, folder) = receive.recv().expect("a stack started");
    assert!(owner.join().is_err());
    assert!(!addresses.iter().any(|address| answers(address)));
    assert!(!folder.exists());
}

#[test]
fn killing_the_owner_stops_everything() {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_stack"))
        .args(["with", "sh", "-c", "echo $BASE_URL; exec sleep 600"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(owner.stdout.take().expect("its output")).read_line(&mut line).expect("an address");
    let address = line.trim().replace("http://", "");
    assert!(answers(&address));
    owner.kill().expect("it is killed");
    owner.wait().expect("it is gone");
    // The leash ends what it left, without being asked.
    let deadline = Instant::now() + Duration::from_secs(60);
    while answers(&address) {
        assert!(Instant::now() < deadline, "nginx is still there");
        std::thread::yield_now();
    }
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let folder = std::env::temp_dir().join(format!("mandrill-listener-taken-{}", std::process::id()));
    let refused = Stack::start_in(&folder, port).map(drop);
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
    assert!(matches!(refused, Err(Error::PortTaken(number)) if number == port), "{refused:?}");
}
