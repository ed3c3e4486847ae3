//! Finds out which process has opened a connection.

use std::collections::HashMap;
use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// The kernel's table of connections takes long to read when there are thousands, so that it is not read more often than this.
const INTERVAL: Duration = Duration::from_millis(100);

/// The inode of the socket with each local port.
#[derive(Default)]
struct Inodes {
    by_port: HashMap<u16, String>,
    read_at: Option<Instant>,
}

static INODES: LazyLock<Mutex<Inodes>> = LazyLock::new(Mutex::default);

/// Whether the process `pid` has a socket that is connected from this port of the loopback interface.
pub async fn has_socket(pid: u32, port: u16) -> bool {
    let Some(inode) = inode_of(port).await else { return false };
    let target = format!("socket:[{inode}]");
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link.to_string_lossy() == target))
}

/// The inode of the socket with this local port, which was opened before this call.
async fn inode_of(port: u16) -> Option<String> {
    let asked = Instant::now();
    let mut inodes = INODES.lock().await;
    if inodes.read_at.is_none_or(|read_at| read_at < asked) {
        if let Some(read_at) = inodes.read_at {
            tokio::time::sleep_until((read_at + INTERVAL).into()).await;
        }
        let now = Instant::now();
        let by_port = tokio::task::spawn_blocking(read_inodes).await.unwrap_or_default();
        *inodes = Inodes { by_port, read_at: Some(now) };
    }
    inodes.by_port.get(&port).cloned()
}

fn read_inodes() -> HashMap<u16, String> {
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let socket = |line: &str| {
        let mut fields = line.split_whitespace();
        let (_, port) = fields.nth(1)?.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        // Sockets that are closed already have no inode. A port of a server has many.
        fields.nth(7).filter(|inode| *inode != "0").map(|inode| (port, inode.to_owned()))
    };
    table.lines().skip(1).filter_map(socket).collect()
}
