//! A stack leaves nothing behind when it is dropped, when its owner panics, and when its owner is killed.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stack::{Error, Part, Stack};

/// The addresses of the stack's parts.
fn addresses(stack: &Stack) -> Vec<String> {
    let parts = [Part::Postgres, Part::Redis, Part::Ingest, Part::Notifier, Part::Nginx];
    parts.map(|part| stack.direct(part).replace("http://", "")).to_vec()
}

fn responds(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}

#[test]
fn dropping_a_stack_removes_everything() {
    let stack = Stack::start().expect("the stack should start");
    let (addresses, folder) = (addresses(&stack), stack.folder().to_path_buf());
    assert!(addresses.iter().all(|address| responds(address)));
    drop(stack);
    assert!(!addresses.iter().any(|address| responds(address)));
    assert!(!folder.exists());
}

#[test]
fn a_panic_of_the_owner_removes_everything() {
    let (send, receive) = std::sync::mpsc::channel();
    let owner = std::thread::spawn(move || {
        let stack = Stack::start().expect("the stack should start");
        send.send((addresses(&stack), stack.folder().to_path_buf())).expect("the test should receive the addresses");
        panic!("on purpose");
    });
    let (addresses, folder) = receive.recv().expect("the stack should start");
    assert!(owner.join().is_err());
    assert!(!addresses.iter().any(|address| responds(address)));
    assert!(!folder.exists());
}

#[test]
fn killing_the_owner_stops_everything() {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_stack"))
        .args(["with", "sh", "-c", "echo $BASE_URL; exec sleep 600"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the owner should start");
    let mut line = String::new();
    BufReader::new(owner.stdout.take().expect("stdout should be piped"))
        .read_line(&mut line)
        .expect("the owner should print an address");
    let address = line.trim().replace("http://", "");
    assert!(responds(&address));
    owner.kill().expect("the owner should be killed");
    owner.wait().expect("the owner should exit");
    // The owner cannot clean up after SIGKILL; the remaining processes must stop anyway.
    let deadline = Instant::now() + Duration::from_secs(60);
    while responds(&address) {
        assert!(Instant::now() < deadline, "nginx should stop within a minute");
        std::thread::yield_now();
    }
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port should be free");
    let port = taken.local_addr().expect("the listener should have an address").port();
    let folder = std::env::temp_dir().join(format!("mandrill-listener-taken-{}", std::process::id()));
    let refused = Stack::start_in(&folder, port).map(drop);
    std::fs::remove_dir_all(&folder).expect("the folder should be removed");
    assert!(matches!(refused, Err(Error::PortTaken(number)) if number == port), "{refused:?}");
}
