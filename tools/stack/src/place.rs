//! Where things lie: the project, and folders that an unprivileged Postgres can reach.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::error::{Doing, Error};

/// The user that Postgres runs as when we are root, which it refuses to be.
pub const NOBODY: u32 = 65534;

/// Where things go when the project lies in a folder that only root may enter.
const SHARED_HOME: &str = "/var/lib/mandrill-listener";

/// The project's root folder.
pub fn project() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// True when this process is root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// `wanted`, unless we are root and Postgres, running as nobody, could not enter it: then a folder of its own elsewhere.
pub fn reachable(wanted: PathBuf) -> PathBuf {
    let open = |folder: &Path| fs::metadata(folder).map_or(true, |meta| meta.mode() & 0o001 != 0);
    if !is_root() || wanted.ancestors().skip(1).all(open) {
        return wanted;
    }
    Path::new(SHARED_HOME).join(wanted.strip_prefix("/").unwrap_or(&wanted))
}

/// Makes a folder, and those above it, that others may pass through but not list.
pub(crate) fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).doing(format!("making {}", folder.display()))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).doing(format!("opening {}", folder.display()))
}

/// Makes a folder that only the server's own user may enter: nobody's when we are root, else ours.
pub(crate) fn make_private(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).doing(format!("making {}", folder.display()))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).doing(format!("closing {}", folder.display()))?;
    if is_root() {
        chown(folder, Some(NOBODY), Some(NOBODY)).doing(format!("handing over {}", folder.display()))?;
    }
    Ok(())
}

/// Writes a file that may hold secrets.
pub(crate) fn write_private(file: &Path, text: &str) -> Result<(), Error> {
    let mut options = fs::File::options();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(file);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).doing(format!("writing {}", file.display()))
}
