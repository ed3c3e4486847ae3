//! Adds a key to the `WEBHOOK_KEYS=` line of an env file.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::webhook::signature::{Keys, KeysError};

const SETTING: &str = "WEBHOOK_KEYS=";
/// Maximum size of an env file in bytes.
const MAX_SIZE: u64 = 1 << 20;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeyStatus {
    Added,
    /// The file already contained the key and is unchanged.
    AlreadyPresent,
}

/// Why a key cannot be added.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvFileError {
    /// The key could be misread in an env file or a list of keys.
    #[error(
        "the key contains characters other than letters, digits, - and _, so it was not stored; add it to WEBHOOK_KEYS by hand"
    )]
    UnsafeKey,
    /// The existing list of keys does not parse.
    #[error("WEBHOOK_KEYS in {} is invalid, so the key was not stored", path.display())]
    Keys { path: PathBuf, source: KeysError },
    /// The file cannot be read or replaced.
    #[error("the key cannot be stored in {}", path.display())]
    File { path: PathBuf, source: io::Error },
}

/// Adds the key after the existing ones. A new file is readable by its owner only; an existing file keeps its mode.
///
/// # Errors
/// If the key or the existing list is invalid, or the file cannot be read or replaced. In that case, the file is unchanged.
pub(crate) fn add_key(file: &Path, key: &str) -> Result<KeyStatus, EnvFileError> {
    if key.is_empty() || !key.chars().all(|character| character.is_ascii_alphanumeric() || "-_".contains(character)) {
        return Err(EnvFileError::UnsafeKey);
    }
    let failed = |source| EnvFileError::File { path: file.to_path_buf(), source };
    // Replace the target of a symbolic link, so that the link itself is kept.
    let path = match fs::canonicalize(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => file.to_path_buf(),
        found => found.map_err(failed)?,
    };
    let text = read(&path).map_err(failed)?;
    let changed = with_key(&text, key).map_err(|source| EnvFileError::Keys { path: file.to_path_buf(), source })?;
    match changed {
        None => Ok(KeyStatus::AlreadyPresent),
        Some(text) => {
            replace(&path, &text).map_err(failed)?;
            Ok(KeyStatus::Added)
        }
    }
}

/// Reads the file. A missing file is treated as empty.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => file.take(MAX_SIZE + 1).read_to_string(&mut text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    if text.len() as u64 > MAX_SIZE { Err(io::Error::other("the file is too large for an env file")) } else { Ok(text) }
}

/// Returns the text with the key added, or `None` if it already contains the key. If several lines set the variable,
/// the last one applies.
fn with_key(text: &str, key: &str) -> Result<Option<String>, KeysError> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let Some(line) = lines.iter_mut().rev().find(|line| split_setting(line).is_some()) else {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Ok(Some(format!("{text}{end}{SETTING}{key}\n")));
    };
    let (before, list, after) = split_setting(line).unwrap_or_default();
    let keys: Keys = list.parse()?;
    if keys.contains(key) {
        return Ok(None);
    }
    let others = if keys.is_empty() { String::new() } else { format!("{},", list.trim_end_matches([',', ' '])) };
    *line = format!("{before}{others}{key}{after}");
    Ok(Some(lines.concat()))
}

/// Splits a line into the list of keys and the text before and after it. Returns `None` if the line does not set the variable.
fn split_setting(line: &str) -> Option<(&str, &str, &str)> {
    let setting = line.trim_start();
    let setting = setting.strip_prefix("export ").map_or(setting, str::trim_start);
    let value = setting.strip_prefix(SETTING)?;
    let (before, value) = line.split_at(line.len() - value.len());
    let bare = value.split(" #").next().unwrap_or_default().trim_end();
    for quote in ['\'', '"'] {
        if let Some((list, _)) = bare.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            let (start, end) = (before.len() + 1, before.len() + 1 + list.len());
            return Some((&line[..start], list, &line[end..]));
        }
    }
    Some((before, bare, &value[bare.len()..]))
}

/// Replaces the file atomically: a concurrent reader sees either the complete old text or the complete new text.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(name);
    let replaced = write(&temporary, path, text).and_then(|()| fs::rename(&temporary, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    replaced
}

/// Writes the text to a new file with the owner and mode of the old one.
fn write(new: &Path, old: &Path, text: &str) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(new)?;
    if let Ok(old) = fs::metadata(old) {
        let created = file.metadata()?;
        if (old.uid(), old.gid()) != (created.uid(), created.gid()) {
            fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        file.set_permissions(Permissions::from_mode(old.mode() & 0o777))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_added_once_after_existing_keys() {
        let table = [
            ("", "WEBHOOK_KEYS=KEY\n"),
            ("A=1", "A=1\nWEBHOOK_KEYS=KEY\n"),
            ("A=1\nWEBHOOK_KEYS=\nB=2\n", "A=1\nWEBHOOK_KEYS=KEY\nB=2\n"),
            ("WEBHOOK_KEYS=one, two=2, \r\nB=2", "WEBHOOK_KEYS=one, two=2,KEY \r\nB=2"),
            ("WEBHOOK_KEYS=one # of old\n", "WEBHOOK_KEYS=one,KEY # of old\n"),
            ("WEBHOOK_KEYS= # none yet\n", "WEBHOOK_KEYS=KEY # none yet\n"),
            ("export WEBHOOK_KEYS='one'\n", "export WEBHOOK_KEYS='one,KEY'\n"),
            ("  WEBHOOK_KEYS=\"\" # none yet", "  WEBHOOK_KEYS=\"KEY\" # none yet"),
            ("# WEBHOOK_KEYS=one\nMY_WEBHOOK_KEYS=two\n", "# WEBHOOK_KEYS=one\nMY_WEBHOOK_KEYS=two\nWEBHOOK_KEYS=KEY\n"),
            ("WEBHOOK_KEYS=first\nWEBHOOK_KEYS=last\n", "WEBHOOK_KEYS=first\nWEBHOOK_KEYS=last,KEY\n"),
        ];
        for (text, expected) in table {
            assert_eq!(with_key(text, "KEY").expect("the list should be valid").as_deref(), Some(expected));
            assert_eq!(with_key(expected, "KEY").expect("the list should be valid"), None, "the key should be added once");
        }
        assert!(with_key("WEBHOOK_KEYS=test-webhook", "KEY").is_err());
    }

    #[test]
    fn the_file_keeps_its_mode_and_symbolic_links() {
        let folder = std::env::temp_dir().join(format!("mandrill-listener-store-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the directory should be created");
        let (file, link) = (folder.join("env"), folder.join("link"));
        let mode = || fs::metadata(&file).expect("the file should exist").mode() & 0o777;
        assert_eq!(add_key(&file, "one").expect("the key should be stored"), KeyStatus::Added);
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("the mode should be set");
        std::os::unix::fs::symlink(&file, &link).expect("the link should be created");
        assert_eq!(add_key(&link, "two").expect("the key should be stored"), KeyStatus::Added);
        assert_eq!(add_key(&link, "two").expect("the key should be stored"), KeyStatus::AlreadyPresent);
        for unsafe_key in ["", "three,four", "label=three", "three\nPATH=/", "'"] {
            assert!(matches!(add_key(&file, unsafe_key), Err(EnvFileError::UnsafeKey)), "{unsafe_key}");
        }
        assert_eq!(
            (mode(), fs::read_to_string(&file).expect("the file should be readable").as_str()),
            (0o640, "WEBHOOK_KEYS=one,two\n")
        );
        assert_eq!(
            fs::read_dir(&folder).expect("the directory should be readable").count(),
            2,
            "no temporary file should remain"
        );
        fs::remove_dir_all(&folder).expect("the directory should be removed");
    }
}
