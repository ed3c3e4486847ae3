//! A small disk for Postgres that a test can fill.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use stack::{Part, Stack};

/// Room for a fresh cluster with its log of changes.
const SIZE: &str = "size=300m";

/// A file system in memory, for the data of a stack's Postgres or of another server. Declare it before the stack, so that it is unmounted last.
#[derive(Debug, Default)]
pub struct SmallDisk {
    mounted: Option<PathBuf>,
}

impl SmallDisk {
    /// Moves the data of Postgres to the disk and restarts Postgres. Returns false if this user may not mount file systems.
    ///
    /// # Panics
    /// If Postgres cannot be moved or restarted.
    pub fn attach(&mut self, stack: &mut Stack) -> bool {
        let data = stack.folder().join("postgres");
        let disk = stack.folder().with_extension("disk");
        std::fs::create_dir(&disk).expect("the folder should be created");
        if !self.mount(&disk) {
            let _ = std::fs::remove_dir(&disk);
            return false;
        }
        stack.stop(Part::Postgres);
        let moved = Command::new("cp").arg("-a").arg(&data).arg(&disk).status();
        assert!(moved.is_ok_and(|status| status.success()), "the data should be copied");
        std::fs::remove_dir_all(&data).expect("the data should be removed");
        std::os::unix::fs::symlink(disk.join("postgres"), &data).expect("the link should be created");
        stack.restart(Part::Postgres).expect("Postgres should restart");
        true
    }

    /// Mounts the disk at a folder. Returns false if this user may not mount file systems.
    pub fn mount(&mut self, folder: &Path) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder);
        let is_mounted = mount.status().is_ok_and(|status| status.success());
        self.mounted = is_mounted.then(|| folder.to_owned());
        is_mounted
    }

    /// Fills the disk to the last byte.
    ///
    /// # Panics
    /// If there is no disk, or the file cannot be created.
    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.filler()).expect("the file should be created");
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    /// Frees what [`Self::fill`] took.
    ///
    /// # Panics
    /// If the disk was not filled.
    pub fn free(&self) {
        std::fs::remove_file(self.filler()).expect("the file should exist");
    }

    fn filler(&self) -> PathBuf {
        self.mounted.as_ref().expect("the disk should be attached").join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Some(folder) = self.mounted.take() {
            // Lazily: if the test failed, Postgres is still ending.
            let _ = Command::new("umount").arg("--lazy").arg(&folder).status();
            let _ = std::fs::remove_dir(folder);
        }
    }
}
