//! A stack leaves nothing running when it is dropped, when its owner panics, and when its owner is killed.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stack::{Error, Part, Stack};

fn addresses(stack: &Stack) -> Vec<String> {
    let parts = [Part::Postgres, Part::Redis, Part::Ingest, Part::Notifier, Part::Nginx];
    parts.map(|part| stack.direct(part).replace("http://", "")).to_vec()
}

fn is_listening(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}

#[test]
fn dropping_a_stack_stops_every_part() {
    let stack = Stack::start().expect("the stack starts");
    let (addresses, folder) = (addresses(&stack), stack.folder().to_path_buf());
    assert!(addresses.iter().all(|address| is_listening(address)));
    drop(stack);
    assert!(!addresses.iter().any(|address| is_listening(address)));
    assert!(!folder.exists());
}

#[test]
fn a_panic_of_the_owner_stops_every_part() {
    let (send, receive) = std::sync::mpsc::channel();
    let owner = std::thread::spawn(move || {
        let stack = Stack::start().expect("the stack starts");
        send.send((addresses(&stack), stack.folder().to_path_buf())).expect("the test is receiving");
        panic!("on purpose");
    });
    let (addresses, folder) = receive.recv().expect("the owner sent the addresses");
    assert!(owner.join().is_err());
    assert!(!addresses.iter().any(|address| is_listening(address)));
    assert!(!folder.exists());
}

#[test]
fn killing_the_owner_stops_every_part() {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_stack"))
        .args(["with", "sh", "-c", "echo $BASE_URL; exec sleep 600"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("`stack with` starts");
    let mut line = String::new();
    BufReader::new(owner.stdout.take().expect("stdout is piped")).read_line(&mut line).expect("an address is printed");
    let address = line.trim().replace("http://", "");
    assert!(is_listening(&address));
    owner.kill().expect("the owner is killed");
    owner.wait().expect("the owner has exited");
    // The reaper ends the processes that the owner left behind.
    let deadline = Instant::now() + Duration::from_secs(60);
    while is_listening(&address) {
        assert!(Instant::now() < deadline, "nginx is still running");
        std::thread::yield_now();
    }
}

#[test]
fn the_error_names_a_port_that_is_in_use() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("a local address").port();
    let folder = std::env::temp_dir().join(format!("mandrill-listener-port-in-use-{}", std::process::id()));
    let result = Stack::start_in(&folder, port, &[]).map(drop);
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
    assert!(matches!(result, Err(Error::PortTaken(number)) if number == port), "{result:?}");
}
