//! Finds out which process has opened a connection.

use std::fs;

/// Whether the process `pid` has a socket that is connected from this port of the loopback interface.
pub fn has_socket(pid: u32, port: u16) -> bool {
    let Some(inode) = inode_of(port) else { return false };
    let target = format!("socket:[{inode}]");
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link.to_string_lossy() == target))
}

/// The inode of the socket with this local port, from the kernel's table of connections.
fn inode_of(port: u16) -> Option<String> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let local = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.get(1)?.ends_with(&local)).then(|| fields.get(9).map(ToString::to_string)).flatten()
    })
}
