use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;

use crate::error::{Doing, Error};
use crate::leash::Leash;
use crate::nginx::{self, Targets};
use crate::place;
use crate::ports::Port;
use crate::postgres;
use crate::process::{Process, output_of};
use crate::redis;
use crate::servers::Servers;
use crate::service;
use crate::settings::Settings;

/// One part of the stack, to be killed, stopped and started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The database.
    Postgres,
    /// The carrier of the live feed.
    Redis,
    /// Our receiver and API.
    Ingest,
    /// Our websocket server.
    Notifier,
    /// The front door.
    Nginx,
}

impl Part {
    /// In the order in which they start.
    const ALL: [Self; 5] = [Self::Postgres, Self::Redis, Self::Ingest, Self::Notifier, Self::Nginx];
}

/// A running stack. Dropping it ends every part, last started first.
#[derive(Debug)]
pub struct Stack {
    // Fields drop in this order, and parts must go before the leash and the folder.
    parts: Vec<(Part, Process)>,
    ports: Vec<(Part, Port)>,
    environment: Vec<(String, String)>,
    settings: Settings,
    servers: Servers,
    folder: PathBuf,
    leash: Arc<Leash>,
}

/// Another process of a service. Dropping it ends it.
#[derive(Debug)]
pub struct Replica {
    process: Process,
    port: Port,
}

impl Replica {
    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// kill -9.
    pub fn kill(self) {
        self.process.kill();
    }
}

impl Stack {
    /// A stack in a folder of its own that goes when it does; for tests.
    ///
    /// # Errors
    /// When a part cannot be fetched, started or reached.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(&[])
    }

    /// The same, with more variables for our services, or others in place of the usual ones.
    ///
    /// # Errors
    /// When a part cannot be fetched, started or reached.
    pub fn start_with(environment: &[(&str, &str)]) -> Result<Self, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("mandrill-listener-{}-{count}", std::process::id()));
        let leash = Leash::new()?;
        leash.remove_folder(&folder);
        Self::start_all(folder, Settings::fresh()?, Port::free()?, leash, environment)
    }

    /// A stack whose data stays in `folder`, at a port of choice; for `make up`.
    ///
    /// # Errors
    /// When a part cannot be fetched, started or reached.
    pub fn start_in(folder: &Path, port: u16) -> Result<Self, Error> {
        let folder = place::reachable(folder.to_path_buf());
        place::make(&folder)?;
        let settings = Settings::kept_in(&folder)?;
        let stack = Self::start_all(folder, settings, Port::named(port)?, Leash::new()?, &[])?;
        stack.write_environment()?;
        Ok(stack)
    }

    /// Keeps the services' settings where a shell can read them, for commands such as `ingest user add`.
    fn write_environment(&self) -> Result<(), Error> {
        let lines = self.environment.iter().map(|(name, value)| format!("export {name}='{}'\n", value.replace('\'', r"'\''")));
        place::write_private(&self.folder.join("environment"), &lines.collect::<String>())
    }

    /// Postgres alone, without a schema; for checking queries.
    ///
    /// # Errors
    /// When it cannot be fetched, started or reached.
    pub fn start_postgres() -> Result<Self, Error> {
        let folder = std::env::temp_dir().join(format!("mandrill-listener-{}-sqlx", std::process::id()));
        let leash = Leash::new()?;
        leash.remove_folder(&folder);
        let mut stack = Self::new(folder, Settings::fresh()?, Port::free()?, leash, &[])?;
        stack.start_part(Part::Postgres)?;
        Ok(stack)
    }

    /// A stack of these parts alone, in their usual order, with a migrated database and no account; for benchmarks.
    ///
    /// # Errors
    /// When a part cannot be fetched, started or reached.
    pub fn start_only(parts: &[Part], environment: &[(&str, &str)]) -> Result<Self, Error> {
        let folder = std::env::temp_dir().join(format!("mandrill-listener-{}-part", std::process::id()));
        let leash = Leash::new()?;
        leash.remove_folder(&folder);
        let mut stack = Self::new(folder, Settings::fresh()?, Port::free()?, leash, environment)?;
        for part in Part::ALL.into_iter().filter(|part| parts.contains(part)) {
            stack.start_part(part)?;
            if part == Part::Postgres {
                stack.ingest(&["migrate"])?;
            }
        }
        Ok(stack)
    }

    fn start_all(
        folder: PathBuf,
        settings: Settings,
        front: Port,
        leash: Leash,
        environment: &[(&str, &str)],
    ) -> Result<Self, Error> {
        let mut stack = Self::new(folder, settings, front, leash, environment)?;
        stack.start_part(Part::Postgres)?;
        stack.start_part(Part::Redis)?;
        stack.ingest(&["migrate"])?;
        let (email, password) = (stack.settings.admin_email.clone(), stack.settings.admin_password.clone());
        output_of(
            stack
                .command("ingest")?
                .args(["user", "add", "--if-there", "replace", "--role", "admin", &email])
                .env("USER_PASSWORD", password),
        )?;
        for part in [Part::Ingest, Part::Notifier, Part::Nginx] {
            stack.start_part(part)?;
        }
        Ok(stack)
    }

    fn new(folder: PathBuf, settings: Settings, front: Port, leash: Leash, environment: &[(&str, &str)]) -> Result<Self, Error> {
        let servers = Servers::find()?;
        for name in ["logs", "redis", "nginx"] {
            place::make(&folder.join(name))?;
        }
        place::make(&folder)?;
        let mut ports = vec![(Part::Nginx, front)];
        for part in [Part::Postgres, Part::Redis, Part::Ingest, Part::Notifier] {
            ports.push((part, Port::free()?));
        }
        let mut stack =
            Self { parts: Vec::new(), ports, environment: Vec::new(), settings, servers, folder, leash: Arc::new(leash) };
        stack.environment = with(&stack.usual_environment(), environment);
        Ok(stack)
    }

    fn usual_environment(&self) -> Vec<(String, String)> {
        let (address, front) = (self.address(), self.port(Part::Nginx).number());
        let urls = self.settings.webhook_urls.clone().unwrap_or_else(|| self.webhook_url());
        [
            ("DATABASE_URL", self.database_url()),
            ("REDIS_URL", self.redis_url()),
            ("PUBLIC_ORIGINS", format!("{address},http://localhost:{front}")),
            ("WEBHOOK_KEYS", self.settings.webhook_keys.clone()),
            ("WEBHOOK_URLS", urls),
            // Sockets are few here, and Ctrl-C should not take long.
            ("DRAIN_SECONDS", "2".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    fn start_part(&mut self, part: Part) -> Result<(), Error> {
        let log = self.log(part);
        let data = self.folder.join(format!("{part:?}").to_lowercase());
        let port = self.port(part);
        let process = match part {
            Part::Postgres => {
                let password = &self.settings.postgres_password;
                postgres::init(&self.servers, &data, password)?;
                postgres::start(&self.servers, &data, password, port, &log, &self.leash)
            }
            Part::Redis => redis::start(&self.servers, &data, &self.settings.redis_password, port, &log, &self.leash),
            Part::Ingest => service::start("ingest", &self.environment, port, &log, &self.leash),
            Part::Notifier => service::start("notifier", &self.environment, port, &log, &self.leash),
            Part::Nginx => {
                let frontend = place::project().join("frontend/dist");
                if !frontend.join("index.html").is_file() {
                    return Err(Error::NotBuilt { path: frontend, hint: "make frontend" });
                }
                let targets = Targets {
                    ingest: self.port(Part::Ingest).number(),
                    notifier: self.port(Part::Notifier).number(),
                    frontend: &frontend,
                };
                nginx::start(&self.servers, &data, port, &targets, &log, &self.leash)
            }
        }?;
        self.parts.push((part, process));
        Ok(())
    }

    /// kill -9 of one part.
    pub fn kill(&mut self, part: Part) {
        if let Some(process) = self.take(part) {
            process.kill();
        }
    }

    /// Asks one part to end, and waits until it has.
    pub fn stop(&mut self, part: Part) {
        drop(self.take(part));
    }

    /// Starts a part again, where it was, with the data it had.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn restart(&mut self, part: Part) -> Result<(), Error> {
        self.stop(part);
        self.start_part(part)
    }

    /// Freezes a part: its connections stay open and nothing is answered.
    pub fn freeze(&self, part: Part) {
        self.signal(part, Signal::STOP);
    }

    /// Lets a frozen part go on.
    pub fn thaw(&self, part: Part) {
        self.signal(part, Signal::CONT);
    }

    fn signal(&self, part: Part, signal: Signal) {
        if let Some((_, process)) = self.parts.iter().find(|(one, _)| *one == part) {
            process.signal(signal);
        }
    }

    fn take(&mut self, part: Part) -> Option<Process> {
        let index = self.parts.iter().position(|(one, _)| *one == part)?;
        Some(self.parts.remove(index).1)
    }

    /// Starts a second process of a service beside the first, at an address of its own; nginx does not know it.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn replica(&self, name: &str) -> Result<Replica, Error> {
        self.replica_with(name, &[])
    }

    /// The same, with more variables, or others in place of the usual ones.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn replica_with(&self, name: &str, environment: &[(&str, &str)]) -> Result<Replica, Error> {
        let port = Port::free()?;
        let log = self.folder.join(format!("logs/{name}-{}.log", port.number()));
        let environment = with(&self.environment, environment);
        let process = service::start(name, &environment, &port, &log, &self.leash)?;
        Ok(Replica { process, port })
    }

    /// Runs a command of `ingest` to its end, and gives what it printed.
    ///
    /// # Errors
    /// When it fails.
    pub fn ingest(&self, arguments: &[&str]) -> Result<String, Error> {
        output_of(self.command("ingest")?.args(arguments))
    }

    /// The same, with more variables, or others in place of the usual ones.
    ///
    /// # Errors
    /// When it fails.
    pub fn ingest_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<String, Error> {
        output_of(self.command("ingest")?.args(arguments).envs(environment.iter().copied()))
    }

    /// A program of Postgres' own, such as `psql` or `pgbench`, that connects to this stack's database by default.
    pub fn postgres_program(&self, name: &str) -> Command {
        let mut command = Command::new(self.servers.postgres_bin.join(name));
        command.env("PGHOST", "127.0.0.1").env("PGPORT", self.port(Part::Postgres).number().to_string());
        command.env("PGUSER", postgres::USER).env("PGDATABASE", postgres::DATABASE);
        command.env("PGPASSWORD", &self.settings.postgres_password);
        command
    }

    /// Asks Valkey itself, with a command whose words hold no spaces; gives the first line of its answer.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn redis(&self, command: &str) -> Result<String, Error> {
        redis::ask(self.port(Part::Redis).number(), &self.settings.redis_password, command).doing("asking Valkey")
    }

    /// A service as it was built, with an empty environment and no stack around it.
    ///
    /// # Errors
    /// When the service has not been built.
    pub fn program(name: &str) -> Result<Command, Error> {
        service::command(name, &[])
    }

    /// A command of a service, with this stack's settings.
    ///
    /// # Errors
    /// When the service has not been built.
    pub fn command(&self, name: &str) -> Result<Command, Error> {
        service::command(name, &self.environment)
    }

    /// Runs a command to its end, in the foreground; should we be killed, it is ended with the parts.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, command: &mut Command) -> Result<ExitStatus, Error> {
        let name = command.get_program().display().to_string();
        let mut child = command.spawn().doing(format!("running {name}"))?;
        self.leash.add(child.id(), "TERM");
        let status = child.wait().doing(format!("running {name}"));
        self.leash.remove(child.id());
        status
    }

    /// Fails once a part has ended by itself.
    ///
    /// # Errors
    /// Names the part, with the end of its log.
    pub fn check(&mut self) -> Result<(), Error> {
        match self.parts.iter_mut().find_map(|(_, process)| process.has_ended().then_some(process)) {
            Some(process) => Err(process.not_ready("ended by itself")),
            None => Ok(()),
        }
    }

    /// The front door, as `http://127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.direct(Part::Nginx)
    }

    /// A part's own address, past nginx.
    pub fn direct(&self, part: Part) -> String {
        format!("http://127.0.0.1:{}", self.port(part).number())
    }

    /// The address that deliveries are posted to and signed for.
    pub fn webhook_url(&self) -> String {
        format!("{}/webhook/", self.address())
    }

    /// The database, as its owner.
    pub fn database_url(&self) -> String {
        postgres::url(&self.settings.postgres_password, self.port(Part::Postgres))
    }

    /// Valkey, with its password.
    pub fn redis_url(&self) -> String {
        redis::url(&self.settings.redis_password, self.port(Part::Redis))
    }

    /// Secrets and addresses.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where a part writes what it has to say.
    pub fn log(&self, part: Part) -> PathBuf {
        self.folder.join(format!("logs/{part:?}.log").to_lowercase())
    }

    /// Where data and logs lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process id of a running part.
    pub fn pid(&self, part: Part) -> Option<u32> {
        self.parts.iter().find(|(one, _)| *one == part).map(|(_, process)| process.pid())
    }

    fn port(&self, part: Part) -> &Port {
        let index = self.ports.iter().position(|(one, _)| *one == part).unwrap_or_default();
        &self.ports[index].1
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for part in Part::ALL.into_iter().rev() {
            self.stop(part);
        }
    }
}

/// Applies the project's migrations with `psql`, for when `ingest` cannot be built yet because its queries are being renewed.
///
/// # Errors
/// When a migration cannot be read or fails.
pub fn apply_migrations(stack: &Stack) -> Result<(), Error> {
    let folder = place::project().join("migrations");
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).doing("listing migrations")?.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    for file in files {
        let mut psql = Command::new(stack.servers.postgres_bin.join("psql"));
        output_of(psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &stack.database_url(), "-f"]).arg(file))?;
    }
    Ok(())
}

/// These variables, with more, or others in place of some.
fn with(usual: &[(String, String)], more: &[(&str, &str)]) -> Vec<(String, String)> {
    let kept = usual.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name)).cloned();
    kept.chain(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).collect()
}
