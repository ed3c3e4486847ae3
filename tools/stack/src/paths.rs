//! The project directory, and directories that an unprivileged Postgres can access.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorContext};

/// The user and group that Postgres runs as when this process is root, because Postgres refuses to run as root.
pub const NOBODY_ID: u32 = 65534;

/// Used in place of directories inside one that only root can access.
const FALLBACK_ROOT: &str = "/var/lib/mandrill-listener";

/// The project's root directory.
pub fn project() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}

/// Returns whether this process runs as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns `folder` if the servers can access it. As root, Postgres runs as `nobody`; if `nobody` cannot access `folder`, this
/// returns a directory inside `/var/lib/mandrill-listener` instead.
pub fn reachable(folder: PathBuf) -> PathBuf {
    let open = |folder: &Path| fs::metadata(folder).map_or(true, |meta| meta.mode() & 0o001 != 0);
    if !is_root() || folder.ancestors().skip(1).all(open) {
        return folder;
    }
    Path::new(FALLBACK_ROOT).join(folder.strip_prefix("/").unwrap_or(&folder))
}

/// Creates a directory and its parents. Other users can enter it but cannot list it.
pub(crate) fn create_dir(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).context(format!("creating {}", folder.display()))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).context(format!("setting the mode of {}", folder.display()))
}

/// Creates a directory that only the current user can access, because logs contain addresses of clients and of messages.
pub(crate) fn create_closed_dir(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).context(format!("creating {}", folder.display()))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).context(format!("setting the mode of {}", folder.display()))
}

/// Creates a directory that only the server's user can access. The server runs as `nobody` if this process is root, and as the
/// current user otherwise.
pub(crate) fn create_private_dir(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).context(format!("creating {}", folder.display()))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
        .context(format!("setting the mode of {}", folder.display()))?;
    if is_root() {
        chown(folder, Some(NOBODY_ID), Some(NOBODY_ID)).context(format!("changing the owner of {}", folder.display()))?;
    }
    Ok(())
}

/// Writes a file that only its owner can read, for secrets.
pub(crate) fn write_private(file: &Path, text: &str) -> Result<(), Error> {
    let mut options = fs::File::options();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(file);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).context(format!("writing {}", file.display()))
}
