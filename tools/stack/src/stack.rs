use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;

use crate::error::{Error, ErrorContext};
use crate::nginx::{self, Targets};
use crate::paths;
use crate::ports::Port;
use crate::postgres;
use crate::process::{Process, output_of};
use crate::reaper::Reaper;
use crate::redis;
use crate::replica::Replica;
use crate::running;
use crate::servers::Servers;
use crate::service;
use crate::settings::Settings;
use crate::standby::Standby;

/// A part of the stack that a test can kill, stop and restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Postgres,
    /// Valkey or Redis.
    Redis,
    Ingest,
    Notifier,
    Nginx,
}

impl Part {
    /// Every part, in start order.
    const ALL: [Self; 5] = [Self::Postgres, Self::Redis, Self::Ingest, Self::Notifier, Self::Nginx];
}

/// A running stack. Dropping it stops every part in reverse start order.
#[derive(Debug)]
pub struct Stack {
    // Fields are dropped in this order: the parts must stop before the reaper removes the directory.
    entry: Option<running::Entry>,
    parts: Vec<(Part, Process)>,
    ports: Vec<(Part, Port)>,
    environment: Vec<(String, String)>,
    /// Where nginx passes requests, if not to the stack's own services: the addresses of ingest and of the notifier.
    routes: Option<(String, String)>,
    settings: Settings,
    servers: Servers,
    folder: PathBuf,
    reaper: Arc<Reaper>,
}

impl Stack {
    /// Starts a stack for tests, in a temporary directory that is removed when the stack is dropped.
    ///
    /// # Errors
    /// Returns an error if a part cannot be downloaded or started, or does not become ready.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(&[])
    }

    /// Like [`Stack::start`], but with environment variables for the services that extend or override the defaults.
    ///
    /// # Errors
    /// Same as [`Stack::start`].
    pub fn start_with(environment: &[(&str, &str)]) -> Result<Self, Error> {
        let (folder, reaper) = temporary_folder()?;
        Self::new(folder, Settings::fresh()?, Port::free()?, reaper, environment, Servers::find()?)?.start_all()
    }

    /// Like [`Stack::start`], but with these servers.
    ///
    /// # Errors
    /// Same as [`Stack::start`].
    pub fn start_on(servers: Servers) -> Result<Self, Error> {
        let (folder, reaper) = temporary_folder()?;
        Self::new(folder, Settings::fresh()?, Port::free()?, reaper, &[], servers)?.start_all()
    }

    /// Starts a stack for `make up` that listens on `port` and keeps its data in `folder`. For `environment`, see
    /// [`Stack::start_with`].
    ///
    /// # Errors
    /// Same as [`Stack::start`]. Also returns an error if the port is in use.
    pub fn start_in(folder: &Path, port: u16, environment: &[(&str, &str)]) -> Result<Self, Error> {
        let folder = paths::reachable(folder.to_path_buf());
        paths::create_dir(&folder)?;
        let settings = Settings::load_or_create(&folder)?;
        let stack = Self::new(folder, settings, Port::fixed(port)?, Reaper::new()?, environment, Servers::find()?)?;
        let mut stack = stack.start_all()?;
        stack.write_environment()?;
        stack.entry = Some(running::add(port, &stack.folder)?);
        Ok(stack)
    }

    /// Writes the services' settings and the path of their programs to a file that a shell can source before commands such as
    /// `ingest user add`.
    fn write_environment(&self) -> Result<(), Error> {
        let quote = |value: &str| format!("'{}'", value.replace('\'', r"'\''"));
        let variables = self.environment.iter().map(|(name, value)| format!("export {name}={}\n", quote(value)));
        let ingest = service::program("ingest")?;
        let programs = ingest.parent().unwrap_or(&ingest).display().to_string();
        let path = format!("export PATH={}:\"$PATH\"\n", quote(&programs));
        paths::write_private(&self.folder.join("environment"), &variables.chain([path]).collect::<String>())
    }

    /// Starts only Postgres, without a schema, to check queries and migrations.
    ///
    /// # Errors
    /// Same as [`Stack::start`].
    pub fn start_postgres() -> Result<Self, Error> {
        Self::start_servers(&[Part::Postgres])
    }

    /// Starts only these servers, without a schema.
    ///
    /// # Errors
    /// Same as [`Stack::start`].
    pub fn start_servers(parts: &[Part]) -> Result<Self, Error> {
        let (folder, reaper) = temporary_folder()?;
        let mut stack = Self::new(folder, Settings::fresh()?, Port::free()?, reaper, &[], Servers::find()?)?;
        for part in parts {
            stack.start_part(*part)?;
        }
        Ok(stack)
    }

    /// Starts only these parts for benchmarks, in start order, with a migrated database and no accounts.
    ///
    /// # Errors
    /// Same as [`Stack::start`].
    pub fn start_only(parts: &[Part], environment: &[(&str, &str)]) -> Result<Self, Error> {
        let (folder, reaper) = temporary_folder()?;
        let mut stack = Self::new(folder, Settings::fresh()?, Port::free()?, reaper, environment, Servers::find()?)?;
        for part in Part::ALL.into_iter().filter(|part| parts.contains(part)) {
            stack.start_part(part)?;
            if part == Part::Postgres {
                stack.ingest(&["migrate"])?;
            }
        }
        Ok(stack)
    }

    /// Starts every part, with a migrated database and an admin's account.
    fn start_all(mut self) -> Result<Self, Error> {
        self.start_part(Part::Postgres)?;
        self.start_part(Part::Redis)?;
        self.ingest(&["migrate"])?;
        let (email, password) = (self.settings.admin_email.clone(), self.settings.admin_password.clone());
        output_of(
            self.command("ingest")?
                .args(["user", "add", "--if-there", "replace", "--role", "admin", &email])
                .env("USER_PASSWORD", password),
        )?;
        for part in [Part::Ingest, Part::Notifier, Part::Nginx] {
            self.start_part(part)?;
        }
        Ok(self)
    }

    fn new(
        folder: PathBuf,
        settings: Settings,
        nginx_port: Port,
        reaper: Reaper,
        environment: &[(&str, &str)],
        servers: Servers,
    ) -> Result<Self, Error> {
        paths::create_dir(&folder.join("redis"))?;
        for name in ["logs", "nginx"] {
            paths::create_closed_dir(&folder.join(name))?;
        }
        paths::create_dir(&folder)?;
        let mut ports = vec![(Part::Nginx, nginx_port)];
        for part in [Part::Postgres, Part::Redis, Part::Ingest, Part::Notifier] {
            ports.push((part, Port::free()?));
        }
        let mut stack = Self {
            entry: None,
            parts: Vec::new(),
            ports,
            environment: Vec::new(),
            routes: None,
            settings,
            servers,
            folder,
            reaper: Arc::new(reaper),
        };
        stack.environment = merge_environment(&stack.default_environment(), environment);
        Ok(stack)
    }

    fn default_environment(&self) -> Vec<(String, String)> {
        let urls = self.settings.webhook_urls.clone().unwrap_or_else(|| self.webhook_url());
        [
            ("DATABASE_URL", self.service_database_url()),
            ("DATABASE_OWNER_URL", self.database_url()),
            ("REDIS_URL", self.redis_url()),
            ("PUBLIC_ORIGINS", origins(self.port(Part::Nginx).number())),
            ("WEBHOOK_KEYS", self.settings.webhook_keys.clone()),
            ("WEBHOOK_URLS", urls),
            ("SECRET_KEY", self.settings.secret_key.clone()),
            // There are few sockets to drain, and shutdown after Ctrl-C should be quick.
            ("DRAIN_SECONDS", "2".to_owned()),
            ("SHUTDOWN_DELAY_SECONDS", "0".to_owned()),
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
                postgres::start(&self.servers, &data, password, port, &log, &self.reaper)
            }
            Part::Redis => redis::start(&self.servers, &data, &self.settings.redis_password, port, &log, &self.reaper),
            Part::Ingest => service::start(&service::program("ingest")?, &self.environment, port, &log, &self.reaper),
            Part::Notifier => service::start(&service::program("notifier")?, &self.environment, port, &log, &self.reaper),
            Part::Nginx => {
                let frontend = paths::project().join("frontend/dist");
                if !frontend.join("index.html").is_file() {
                    return Err(Error::Missing { path: frontend, hint: "run `make frontend`" });
                }
                let (ingest, notifier) = self.routes();
                let targets = Targets { ingest, notifier, frontend: &frontend };
                nginx::start(&self.servers, &data, port, &targets, &log, &self.reaper)
            }
        }?;
        self.parts.push((part, process));
        Ok(())
    }

    /// Kills a part with SIGKILL.
    pub fn kill(&mut self, part: Part) {
        if let Some(process) = self.take_process(part) {
            process.kill();
        }
    }

    /// Stops a part gracefully and waits until it has exited.
    pub fn stop(&mut self, part: Part) {
        drop(self.take_process(part));
    }

    /// Stops a part and restarts it on the same port with the same data.
    ///
    /// # Errors
    /// Returns an error if it does not become ready.
    pub fn restart(&mut self, part: Part) -> Result<(), Error> {
        self.stop(part);
        self.start_part(part)
    }

    /// Suspends a part: its connections stay open, but it does not respond.
    pub fn freeze(&self, part: Part) {
        self.signal(part, Signal::STOP);
    }

    /// Resumes a suspended part.
    pub fn thaw(&self, part: Part) {
        self.signal(part, Signal::CONT);
    }

    fn signal(&self, part: Part, signal: Signal) {
        if let Some((_, process)) = self.parts.iter().find(|(candidate, _)| *candidate == part) {
            process.signal(signal);
        }
    }

    fn take_process(&mut self, part: Part) -> Option<Process> {
        let index = self.parts.iter().position(|(candidate, _)| *candidate == part)?;
        Some(self.parts.remove(index).1)
    }

    /// Starts another process for a service on its own port. nginx does not route requests to it.
    ///
    /// # Errors
    /// Returns an error if it does not become ready.
    pub fn replica(&self, name: &str) -> Result<Replica, Error> {
        self.replica_with(name, &[])
    }

    /// Like [`Stack::replica`], but with environment variables that extend or override the defaults.
    ///
    /// # Errors
    /// Returns an error if it does not become ready.
    pub fn replica_with(&self, name: &str, environment: &[(&str, &str)]) -> Result<Replica, Error> {
        self.replica_of(&service::program(name)?, environment)
    }

    /// Like [`Stack::replica_with`], but for a program of another version.
    ///
    /// # Errors
    /// Returns an error if it does not become ready.
    pub fn replica_of(&self, program: &Path, environment: &[(&str, &str)]) -> Result<Replica, Error> {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let port = Port::free()?;
        let log = self.folder.join(format!("logs/{name}-{}.log", port.number()));
        let environment = merge_environment(&self.environment, environment);
        Replica::start(program, environment, port, log, Arc::clone(&self.reaper))
    }

    /// Lets nginx pass requests to these replicas instead of the stack's own services.
    ///
    /// # Errors
    /// Returns an error if nginx does not become ready.
    pub fn route_to(&mut self, ingest: &[Replica], notifier: &[Replica]) -> Result<(), Error> {
        self.routes = Some((list(ingest), list(notifier)));
        self.restart(Part::Nginx)
    }

    /// Like [`Stack::route_to`], but nginx keeps running, and requests that it is passing are finished first.
    ///
    /// # Errors
    /// Returns an error if nginx rejects its settings, or passes old requests for too long.
    pub fn reroute_to(&mut self, ingest: &[Replica], notifier: &[Replica]) -> Result<(), Error> {
        self.routes = Some((list(ingest), list(notifier)));
        let (ingest, notifier) = self.routes();
        let targets = Targets { ingest, notifier, frontend: &paths::project().join("frontend/dist") };
        nginx::configure(&self.folder.join("nginx"), self.port(Part::Nginx), &targets)?;
        match self.parts.iter_mut().find(|(part, _)| *part == Part::Nginx) {
            Some((_, nginx)) => nginx::reload(nginx),
            None => Ok(()),
        }
    }

    /// Where nginx passes requests: the addresses of ingest and of the notifier.
    fn routes(&self) -> (String, String) {
        self.routes.clone().unwrap_or_else(|| {
            let address = |part| format!("127.0.0.1:{}", self.port(part).number());
            (address(Part::Ingest), address(Part::Notifier))
        })
    }

    /// Copies Postgres, while it runs, to a new directory from which a server can start.
    ///
    /// # Errors
    /// Returns an error if `pg_basebackup` fails.
    pub fn base_backup(&self, folder: &Path) -> Result<(), Error> {
        postgres::base_backup(&self.servers, folder, &self.settings.postgres_password, self.port(Part::Postgres), &[])
    }

    /// Starts a standby of Postgres with these settings, one `NAME = VALUE` a line.
    ///
    /// # Errors
    /// Returns an error if it does not become ready.
    pub fn standby(&self, settings: &str) -> Result<Standby, Error> {
        let (password, primary) = (&self.settings.postgres_password, self.port(Part::Postgres));
        Standby::start(&self.servers, &self.folder, password, primary, settings, &self.reaper)
    }

    /// Runs an `ingest` command to completion and returns its standard output.
    ///
    /// # Errors
    /// Returns an error if it fails.
    pub fn ingest(&self, arguments: &[&str]) -> Result<String, Error> {
        output_of(self.command("ingest")?.args(arguments))
    }

    /// Like [`Stack::ingest`], but with environment variables that extend or override the defaults.
    ///
    /// # Errors
    /// Returns an error if it fails.
    pub fn ingest_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<String, Error> {
        output_of(self.command("ingest")?.args(arguments).envs(environment.iter().copied()))
    }

    /// Creates a command for a Postgres client such as `psql` or `pgbench` that connects to this stack's database by default.
    pub fn postgres_program(&self, name: &str) -> Command {
        let mut command = Command::new(self.servers.postgres_bin.join(name));
        command.env("PGHOST", "127.0.0.1").env("PGPORT", self.port(Part::Postgres).number().to_string());
        command.env("PGUSER", postgres::USER).env("PGDATABASE", postgres::DATABASE);
        command.env("PGPASSWORD", &self.settings.postgres_password);
        command
    }

    /// Runs a Postgres client to completion and returns its standard output. `psql` stops at the first error.
    ///
    /// # Errors
    /// Returns an error if it fails.
    pub fn run_postgres_program(&self, name: &str, arguments: &[&str]) -> Result<String, Error> {
        let mut command = self.postgres_program(name);
        if name == "psql" {
            command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
        }
        output_of(command.args(arguments))
    }

    /// Runs a Valkey command and returns the first line of the reply. Arguments must not contain spaces.
    ///
    /// # Errors
    /// Returns an error if Valkey does not respond.
    pub fn redis(&self, command: &str) -> Result<String, Error> {
        redis::query(self.port(Part::Redis).number(), &self.settings.redis_password, command).context("querying Valkey")
    }

    /// Creates a command that runs a service's executable with an empty environment and without a stack.
    ///
    /// # Errors
    /// Returns an error if the service has not been built.
    pub fn program(name: &str) -> Result<Command, Error> {
        Ok(service::command(&service::program(name)?, &[]))
    }

    /// Runs a command of another version's `ingest` with this stack's settings and these, and returns its standard output.
    ///
    /// # Errors
    /// Returns an error if it fails.
    pub fn run_program(&self, program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<String, Error> {
        output_of(service::command(program, &self.environment).args(arguments).envs(environment.iter().copied()))
    }

    /// Creates a command that runs a service's executable with this stack's settings.
    ///
    /// # Errors
    /// Returns an error if the service has not been built.
    pub fn command(&self, name: &str) -> Result<Command, Error> {
        Ok(service::command(&service::program(name)?, &self.environment))
    }

    /// Runs a command in the foreground to completion. If this process is killed, the reaper stops the command along with the parts.
    ///
    /// # Errors
    /// Returns an error if it cannot be started.
    pub fn run(&self, command: &mut Command) -> Result<ExitStatus, Error> {
        let name = command.get_program().display().to_string();
        let mut child = command.spawn().context(format!("running {name}"))?;
        self.reaper.add(child.id(), "TERM");
        let status = child.wait().context(format!("running {name}"));
        self.reaper.remove(child.id());
        status
    }

    /// Starts a command in the background, with its output in a log file. Dropping the result stops it.
    ///
    /// # Errors
    /// Returns an error if it cannot be started.
    pub fn spawn(&self, name: &str, command: Command) -> Result<Process, Error> {
        Process::start(name, command, self.folder.join(format!("logs/{name}.log")), Signal::TERM, &self.reaper)
    }

    /// Checks that every part is still running.
    ///
    /// # Errors
    /// Returns an error if a part has exited. The error identifies the part and ends with the last lines of its log.
    pub fn check(&mut self) -> Result<(), Error> {
        match self.parts.iter_mut().find_map(|(_, process)| process.has_ended().then_some(process)) {
            Some(process) => Err(process.not_ready("exited unexpectedly")),
            None => Ok(()),
        }
    }

    /// The base URL of nginx, `http://127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.direct(Part::Nginx)
    }

    /// A part's base URL, bypassing nginx.
    pub fn direct(&self, part: Part) -> String {
        format!("http://127.0.0.1:{}", self.port(part).number())
    }

    /// The URL that deliveries are posted to and, by default, signed for.
    pub fn webhook_url(&self) -> String {
        format!("{}/webhook/", self.address())
    }

    /// The database URL, with the owner's credentials.
    pub fn database_url(&self) -> String {
        postgres::url(postgres::USER, &self.settings.postgres_password, self.port(Part::Postgres).number())
    }

    /// The database URL of the services, whose role may not change tables.
    pub fn service_database_url(&self) -> String {
        self.service_database_url_at(self.port(Part::Postgres).number())
    }

    /// Like [`Stack::service_database_url`], but at another port, such as that of a standby.
    pub fn service_database_url_at(&self, port: u16) -> String {
        postgres::url(postgres::SERVICE_USER, &self.settings.service_password, port)
    }

    /// The Valkey URL, including the password.
    pub fn redis_url(&self) -> String {
        redis::url(&self.settings.redis_password, self.port(Part::Redis))
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A part's log file.
    pub fn log(&self, part: Part) -> PathBuf {
        self.folder.join(format!("logs/{part:?}.log").to_lowercase())
    }

    /// The directory that contains data and logs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process id of a running part.
    pub fn pid(&self, part: Part) -> Option<u32> {
        self.parts.iter().find(|(candidate, _)| *candidate == part).map(|(_, process)| process.pid())
    }

    fn port(&self, part: Part) -> &Port {
        let index = self.ports.iter().position(|(candidate, _)| *candidate == part).unwrap_or_default();
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

/// The addresses of replicas, separated by commas.
fn list(replicas: &[Replica]) -> String {
    let addresses = replicas.iter().map(|replica| replica.address().replace("http://", ""));
    addresses.collect::<Vec<_>>().join(",")
}

/// The origins from which a browser on this machine can use the dashboard at `port`.
pub fn origins(port: u16) -> String {
    format!("http://127.0.0.1:{port},http://localhost:{port}")
}

/// A directory for one stack, and the reaper that removes it.
pub(crate) fn temporary_folder() -> Result<(PathBuf, Reaper), Error> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("mandrill-listener-{}-{count}", std::process::id()));
    let reaper = Reaper::new()?;
    reaper.remove_folder(&folder);
    Ok((folder, reaper))
}

/// Applies the migrations with `psql`, because `ingest` cannot be built while its query metadata is being regenerated.
///
/// # Errors
/// Returns an error if a migration cannot be read or fails.
pub fn apply_migrations(stack: &Stack) -> Result<(), Error> {
    let folder = paths::project().join("migrations");
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).context("listing migrations")?.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    for file in files {
        stack.run_postgres_program("psql", &["-f", &file.display().to_string()])?;
    }
    Ok(())
}

/// Merges environment variables. Those in `overrides` replace defaults with the same name.
fn merge_environment(defaults: &[(String, String)], overrides: &[(&str, &str)]) -> Vec<(String, String)> {
    let kept = defaults.iter().filter(|(name, _)| overrides.iter().all(|(other, _)| other != name)).cloned();
    kept.chain(overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).collect()
}
