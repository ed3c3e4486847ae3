//! Several Valkey or Redis servers: a master with two replicas and three sentinels, or a cluster of three masters with a replica each.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::{Error, ErrorContext};
use crate::paths;
use crate::ports::Port;
use crate::process::Process;
use crate::reaper::Reaper;
use crate::redis;
use crate::servers::Servers;
use crate::stack::temporary_folder;

/// The name under which the sentinels know the master.
const MASTER: &str = "feed";
/// A password that differs from the servers'.
const SENTINEL_PASSWORD: &str = "sentinels-only";
const PASSWORD: &str = "servers-only";
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A running group. Dropping it stops every server.
#[derive(Debug)]
pub struct RedisGroup {
    // Fields are dropped in this order: the servers must stop before the reaper removes the directory.
    members: Vec<Member>,
    sentinels: Vec<Member>,
    folder: PathBuf,
    servers: Servers,
    reaper: Arc<Reaper>,
}

/// A server of a group.
#[derive(Debug)]
struct Member {
    port: Port,
    /// The port that others are told, such as that of a proxy.
    announced: u16,
    bus: Option<Bus>,
    folder: PathBuf,
    arguments: Vec<&'static str>,
    password: &'static str,
    process: Option<Process>,
}

/// The port over which the nodes of a cluster talk to each other.
#[derive(Debug)]
struct Bus {
    announced: u16,
    /// The address from which the node connects to the others.
    source: Ipv4Addr,
    _port: Port,
}

impl RedisGroup {
    /// Starts a master, two replicas and three sentinels. `announce` is told the master's port and returns the port under which the others
    /// reach it, such as that of a proxy.
    ///
    /// # Errors
    /// Returns an error if a server does not become ready.
    pub fn sentinels(announce: impl FnOnce(u16) -> u16) -> Result<Self, Error> {
        let mut group = Self::empty()?;
        let folder = group.folder.clone();
        let ports = [Port::free()?, Port::free()?, Port::free()?];
        let master = announce(ports[0].number());
        for port in ports {
            let is_master = group.members.is_empty();
            let announced = if is_master { master } else { port.number() };
            let mut settings =
                format!("masterauth {PASSWORD}\nreplica-announce-port {announced}\nreplica-announce-ip 127.0.0.1\n");
            settings += "repl-diskless-sync yes\nrepl-diskless-sync-delay 0\n";
            if !is_master {
                settings += &format!("replicaof 127.0.0.1 {master}\n");
            }
            group.members.push(Member::new(&folder, port, announced, &settings, PASSWORD)?);
        }
        for _ in 0..3 {
            let port = Port::free()?;
            let announced = port.number();
            let settings = format!(
                "sentinel monitor {MASTER} 127.0.0.1 {master} 2\nsentinel auth-pass {MASTER} {PASSWORD}\n\
                 sentinel sentinel-pass {SENTINEL_PASSWORD}\nsentinel down-after-milliseconds {MASTER} 1000\n\
                 sentinel failover-timeout {MASTER} 3000\n"
            );
            let mut sentinel = Member::new(&folder, port, announced, &settings, SENTINEL_PASSWORD)?;
            sentinel.arguments.push("--sentinel");
            group.sentinels.push(sentinel);
        }
        group.start_all()?;
        let ports = group.ports();
        wait_for("the replicas follow the master", || ports.iter().filter(|port| is_linked_replica(**port)).count() == 2)?;
        for sentinel in &group.sentinels {
            wait_for("the sentinels know each other and the replicas", || {
                let info = redis::reply(sentinel.port.number(), SENTINEL_PASSWORD, "INFO sentinel");
                info.is_ok_and(|info| info.contains("slaves=2,sentinels=3"))
            })?;
        }
        Ok(group)
    }

    /// Starts a cluster of three masters and three replicas. `announce` receives the port of each server and of its cluster bus, and returns the
    /// ports that the server announces to the others, such as those of proxies.
    ///
    /// # Errors
    /// Returns an error if a server does not become ready.
    pub fn cluster(mut announce: impl FnMut(u16, u16) -> (u16, u16)) -> Result<Self, Error> {
        let mut group = Self::empty()?;
        let folder = group.folder.clone();
        for number in 0..6 {
            let (port, bus) = (Port::free()?, Port::free()?);
            let (announced, announced_bus) = announce(port.number(), bus.number());
            let source = Ipv4Addr::new(127, 0, 0, 11 + number);
            let settings = format!(
                "cluster-enabled yes\ncluster-port {}\ncluster-node-timeout 1500\ncluster-replica-validity-factor 0\n\
                 masterauth {PASSWORD}\nbind-source-addr {source}\n\
                 cluster-announce-ip 127.0.0.1\ncluster-announce-port {announced}\ncluster-announce-bus-port {announced_bus}\n\
                 repl-diskless-sync yes\nrepl-diskless-sync-delay 0\n",
                bus.number()
            );
            let mut member = Member::new(&folder, port, announced, &settings, PASSWORD)?;
            member.bus = Some(Bus { announced: announced_bus, source, _port: bus });
            group.members.push(member);
        }
        group.start_all()?;
        group.form_cluster()?;
        Ok(group)
    }

    fn form_cluster(&self) -> Result<(), Error> {
        const SLOTS: [(u16, u16); 3] = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];
        let run = |port: u16, command: &str| redis::reply(port, PASSWORD, command).context("forming the cluster");
        let ports = self.ports();
        for (index, port) in ports.iter().enumerate() {
            run(*port, &format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1))?;
            if let Some((first, last)) = SLOTS.get(index) {
                run(*port, &format!("CLUSTER ADDSLOTSRANGE {first} {last}"))?;
            }
            let first = &self.members[0];
            let bus = first.bus.as_ref().map_or(0, |bus| bus.announced);
            run(*port, &format!("CLUSTER MEET 127.0.0.1 {} {bus}", first.announced))?;
        }
        let knows_all = |port: &u16| run(*port, "CLUSTER INFO").is_ok_and(|info| info.contains("cluster_known_nodes:6"));
        wait_for("the nodes know each other", || ports.iter().all(knows_all))?;
        for (replica, master) in ports[3..].iter().zip(&ports[..3]) {
            let id = run(*master, "CLUSTER MYID")?;
            wait_for("a replica accepts its master", || {
                run(*replica, &format!("CLUSTER REPLICATE {id}")).is_ok_and(|reply| reply == "OK")
            })?;
        }
        wait_for("the cluster is complete", || {
            ports[3..].iter().all(|port| is_linked_replica(*port))
                && ports.iter().all(|port| run(*port, "CLUSTER INFO").is_ok_and(|info| info.contains("cluster_state:ok")))
        })
    }

    fn empty() -> Result<Self, Error> {
        let (folder, reaper) = temporary_folder()?;
        paths::create_dir(&folder)?;
        Ok(Self { members: Vec::new(), sentinels: Vec::new(), folder, servers: Servers::find()?, reaper: Arc::new(reaper) })
    }

    fn start_all(&mut self) -> Result<(), Error> {
        for member in self.members.iter_mut().chain(&mut self.sentinels) {
            member.start(&self.servers, &self.reaper)?;
        }
        Ok(())
    }

    fn ports(&self) -> Vec<u16> {
        self.members.iter().map(|member| member.port.number()).collect()
    }

    /// The settings with which the services find this group.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let list = |members: &[Member]| {
            members.iter().map(|member| format!("127.0.0.1:{}", member.announced)).collect::<Vec<_>>().join(",")
        };
        let own = if self.sentinels.is_empty() {
            vec![("REDIS_CLUSTER", list(&self.members[..2]))]
        } else {
            vec![
                ("REDIS_SENTINELS", list(&self.sentinels)),
                ("REDIS_SENTINEL_MASTER", MASTER.to_owned()),
                ("REDIS_SENTINEL_PASSWORD", SENTINEL_PASSWORD.to_owned()),
            ]
        };
        [("REDIS_URL", String::new()), ("REDIS_PASSWORD", PASSWORD.to_owned())].into_iter().chain(own).collect()
    }

    /// The ports of the sentinels.
    pub fn sentinel_ports(&self) -> Vec<u16> {
        self.sentinels.iter().map(|sentinel| sentinel.port.number()).collect()
    }

    /// Suspends a sentinel: it takes connections, but does not respond.
    pub fn freeze_sentinel(&self, index: usize) {
        self.signal_sentinel(index, Signal::STOP);
    }

    /// Resumes a suspended sentinel.
    pub fn thaw_sentinel(&self, index: usize) {
        self.signal_sentinel(index, Signal::CONT);
    }

    fn signal_sentinel(&self, index: usize, signal: Signal) {
        if let Some(process) = self.sentinels.get(index).and_then(|sentinel| sentinel.process.as_ref()) {
            process.signal(signal);
        }
    }

    /// The address from which the node at this port connects to the other nodes of its cluster.
    pub fn source(&self, port: u16) -> Option<Ipv4Addr> {
        let member = self.members.iter().find(|member| member.port.number() == port)?;
        member.bus.as_ref().map(|bus| bus.source)
    }

    /// Kills the server that holds the feed with SIGKILL, and returns its port once another server has taken over.
    ///
    /// # Errors
    /// Returns an error if none does.
    pub fn kill_master(&mut self) -> Result<u16, Error> {
        let port = self.master().ok_or(Error::NotFound("the group has no master".to_owned()))?;
        if let Some(member) = self.members.iter_mut().find(|member| member.port.number() == port)
            && let Some(process) = member.process.take()
        {
            process.kill();
        }
        wait_for("another server becomes the master", || self.master().is_some_and(|master| master != port))?;
        Ok(port)
    }

    /// Starts a killed server again, and waits until it follows the new master.
    ///
    /// # Errors
    /// Returns an error if it does not.
    pub fn restart(&mut self, port: u16) -> Result<(), Error> {
        if let Some(member) = self.members.iter_mut().find(|member| member.port.number() == port) {
            member.start(&self.servers, &self.reaper)?;
        }
        wait_for("the server follows the new master", || is_linked_replica(port))
    }

    /// The port of the server that holds the feed, according to the running servers.
    pub fn master(&self) -> Option<u16> {
        let running = || self.members.iter().filter(|member| member.process.is_some()).map(|member| member.port.number());
        if self.sentinels.is_empty() {
            let named: Vec<u16> = running().filter_map(owner_of_feed).collect();
            // A master that is cut off goes on believing in itself.
            let most = named.iter().max_by_key(|port| named.iter().filter(|other| other == port).count())?;
            return self.members.iter().find(|member| member.announced == *most).map(|member| member.port.number());
        }
        let named = self.sentinels.iter().find_map(|sentinel| {
            let reply = redis::reply(sentinel.port.number(), SENTINEL_PASSWORD, "INFO sentinel").ok()?;
            let (_, rest) = reply.split_once("address=127.0.0.1:")?;
            rest.split(',').next()?.parse::<u16>().ok()
        })?;
        let member = self.members.iter().find(|member| member.announced == named)?;
        let is_master =
            redis::reply(member.port.number(), PASSWORD, "INFO replication").is_ok_and(|info| info.contains("role:master"));
        is_master.then(|| member.port.number())
    }
}

/// The announced port of the cluster's master that owns the feed's slot, according to the node at `port`.
fn owner_of_feed(port: u16) -> Option<u16> {
    let slot: u16 = redis::reply(port, PASSWORD, "CLUSTER KEYSLOT {ml}:feed").ok()?.parse().ok()?;
    let nodes = redis::reply(port, PASSWORD, "CLUSTER NODES").ok()?;
    nodes.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_master = fields.get(2)?.split(',').any(|flag| flag == "master") && !fields[2].contains("fail");
        let owns = fields.iter().skip(8).any(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            first.parse().is_ok_and(|first: u16| first <= slot) && last.parse().is_ok_and(|last: u16| slot <= last)
        });
        let (_, rest) = fields.get(1)?.split_once(':')?;
        (is_master && owns).then(|| rest.split('@').next()?.parse().ok()).flatten()
    })
}

fn is_linked_replica(port: u16) -> bool {
    redis::reply(port, PASSWORD, "INFO replication").is_ok_and(|info| info.contains("master_link_status:up"))
}

fn wait_for(what: &'static str, mut is_so: impl FnMut() -> bool) -> Result<(), Error> {
    let deadline = Instant::now() + READY_TIMEOUT;
    while !is_so() {
        if Instant::now() > deadline {
            return Err(Error::Timeout(what));
        }
        sleep(POLL_INTERVAL);
    }
    Ok(())
}

impl Member {
    fn new(folder: &Path, port: Port, announced: u16, settings: &str, password: &'static str) -> Result<Self, Error> {
        let number = port.number();
        let folder = folder.join(number.to_string());
        paths::create_dir(&folder)?;
        let settings = format!("bind 127.0.0.1\nport {number}\nrequirepass {password}\nsave \"\"\nappendonly no\n{settings}");
        paths::write_private(&folder.join("redis.conf"), &settings)?;
        Ok(Self { port, announced, bus: None, folder, arguments: Vec::new(), password, process: None })
    }

    fn start(&mut self, servers: &Servers, reaper: &Arc<Reaper>) -> Result<(), Error> {
        let mut command = Command::new(&servers.redis);
        command.arg(self.folder.join("redis.conf")).args(&self.arguments).current_dir(&self.folder);
        let mut process = Process::start("Valkey", command, self.folder.join("log"), Signal::TERM, reaper)?;
        let port = self.port.number();
        process.wait_until(|| redis::reply(port, self.password, "PING").is_ok_and(|reply| reply == "PONG"))?;
        self.process = Some(process);
        Ok(())
    }
}
