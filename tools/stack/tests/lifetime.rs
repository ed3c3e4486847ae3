//! A stack leaves no processes running when it is dropped, when its owner panics, or when its owner is killed.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stack::ports::Port;
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
    // The reaper stops the processes that the owner left behind.
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

#[test]
fn simulate_finds_the_stack_of_up_in_a_folder_with_a_space() {
    let port = Port::free().expect("a port is free");
    let folder = std::env::temp_dir().join(format!("mandrill-listener-{} up", std::process::id()));
    let stack_command = |command: &str, variables: &[(&str, &OsStr)]| {
        let mut stack = Command::new(env!("CARGO_BIN_EXE_stack"));
        stack.arg(command).env_remove("PORT").env_remove("STACK_DIR").envs(variables.iter().copied()).stdout(Stdio::piped());
        stack
    };
    let (by_port, by_folder) = (OsString::from(port.number().to_string()), folder.clone().into_os_string());
    let mut owner = stack_command("up", &[("PORT", &by_port), ("STACK_DIR", &by_folder)]).spawn().expect("`stack up` starts");
    let output = BufReader::new(owner.stdout.take().expect("stdout is piped"));
    let ready = output.lines().map_while(Result::ok).find(|line| line.contains("is ready"));
    assert!(ready.is_some(), "`stack up` becomes ready");

    let simulate = |variables: &[(&str, &OsStr)]| stack_command("simulate", variables).output().expect("`stack simulate` runs");
    for variables in [("PORT", by_port.as_os_str()), ("STACK_DIR", by_folder.as_os_str())] {
        assert!(simulate(&[variables]).status.success(), "{variables:?}");
    }
    let other = simulate(&[("PORT", &by_port), ("STACK_DIR", OsStr::new("/nowhere"))]);
    assert!(String::from_utf8_lossy(&other.stdout).contains("no such stack is running; correct PORT and STACK_DIR"));

    rustix::process::kill_process(rustix::process::Pid::from_child(&owner), rustix::process::Signal::INT)
        .expect("`stack up` runs");
    assert!(owner.wait().expect("`stack up` ends").success());
    assert!(!simulate(&[("PORT", &by_port)]).status.success(), "a stopped stack should not be found");
    std::fs::remove_dir_all(stack::paths::reachable(folder)).expect("the data can be removed");
}
