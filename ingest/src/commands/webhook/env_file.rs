//! A key, put into the line `WEBHOOK_KEYS=` of an env file.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::webhook::signature::{Keys, KeysError};

const SETTING: &str = "WEBHOOK_KEYS=";
/// Larger than any env file.
const LARGEST: u64 = 1 << 20;

/// What became of the key.
#[derive(Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is in the file now.
    Added,
    /// It was before; the file stays as it was.
    AlreadyThere,
}

/// Why a key cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A key that could be taken for something else.
    #[error(
        "the key holds other characters than letters, digits, - and _, so it is not stored; put it into WEBHOOK_KEYS by hand"
    )]
    OddKey,
    /// What stands in the line already is wrong.
    #[error("WEBHOOK_KEYS in {} is wrong, so the key is not stored", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: KeysError,
    },
    /// The file cannot be read or replaced.
    #[error("the key cannot be stored in {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Puts the key beside those that are there. A file that is not there is made, for its owner alone; one that is keeps its mode.
///
/// # Errors
/// When the key or those beside it are odd, or the file cannot be read or replaced. It is as it was then.
pub fn put(file: &Path, key: &str) -> Result<Stored, StoreError> {
    if key.is_empty() || !key.chars().all(|character| character.is_ascii_alphanumeric() || "-_".contains(character)) {
        return Err(StoreError::OddKey);
    }
    let failed = |source| StoreError::File { path: file.to_path_buf(), source };
    // A link stays one: what it leads to is replaced.
    let path = match fs::canonicalize(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => file.to_path_buf(),
        found => found.map_err(failed)?,
    };
    let text = read(&path).map_err(failed)?;
    let changed = with_key(&text, key).map_err(|source| StoreError::Keys { path: file.to_path_buf(), source })?;
    match changed {
        None => Ok(Stored::AlreadyThere),
        Some(text) => {
            replace(&path, &text).map_err(failed)?;
            Ok(Stored::Added)
        }
    }
}

/// The file's text; none where there is no file.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => file.take(LARGEST + 1).read_to_string(&mut text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    if text.len() as u64 > LARGEST { Err(io::Error::other("it is too large for an env file")) } else { Ok(text) }
}

/// The text with the key in it; nothing when it is there already. Of several such lines the last one counts.
fn with_key(text: &str, key: &str) -> Result<Option<String>, KeysError> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let Some(line) = lines.iter_mut().rev().find(|line| take_apart(line).is_some()) else {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Ok(Some(format!("{text}{end}{SETTING}{key}\n")));
    };
    let (before, list, after) = take_apart(line).unwrap_or_default();
    let keys: Keys = list.parse()?;
    if keys.contains(key) {
        return Ok(None);
    }
    let others = if keys.is_empty() { String::new() } else { format!("{},", list.trim_end_matches([',', ' '])) };
    *line = format!("{before}{others}{key}{after}");
    Ok(Some(lines.concat()))
}

/// What comes before the list of keys, the list, and what comes after it; nothing when the line is another one.
fn take_apart(line: &str) -> Option<(&str, &str, &str)> {
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

/// Puts the text in the place of the file: whoever reads it meanwhile finds the old or the new, whole.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let fresh = path.with_file_name(name);
    let replaced = write(&fresh, path, text).and_then(|()| fs::rename(&fresh, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    replaced
}

/// Writes a file that belongs to whom the old one does, and may be read by the same.
fn write(fresh: &Path, old: &Path, text: &str) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(fresh)?;
    if let Ok(old) = fs::metadata(old) {
        let made = file.metadata()?;
        if (old.uid(), old.gid()) != (made.uid(), made.gid()) {
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
    fn the_key_joins_those_that_are_there() {
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
            assert_eq!(with_key(text, "KEY").expect("keys").as_deref(), Some(expected));
            assert_eq!(with_key(expected, "KEY").expect("keys"), None, "not a second time");
        }
        assert!(with_key("WEBHOOK_KEYS=test-webhook", "KEY").is_err());
    }

    #[test]
    fn the_file_keeps_its_mode_and_links_stay_links() {
        let folder = std::env::temp_dir().join(format!("mandrill-listener-store-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (file, link) = (folder.join("env"), folder.join("link"));
        let mode = || fs::metadata(&file).expect("the file").mode() & 0o777;
        assert_eq!(put(&file, "one").expect("stored"), Stored::Added);
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("a mode");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        assert_eq!(put(&link, "two").expect("stored"), Stored::Added);
        assert_eq!(put(&link, "two").expect("stored"), Stored::AlreadyThere);
        for odd in ["", "three,four", "label=three", "three\nPATH=/", "'"] {
            assert!(matches!(put(&file, odd), Err(StoreError::OddKey)), "{odd}");
        }
        assert_eq!((mode(), fs::read_to_string(&file).expect("text").as_str()), (0o640, "WEBHOOK_KEYS=one,two\n"));
        assert_eq!(fs::read_dir(&folder).expect("a list").count(), 2, "nothing is left beside them");
        fs::remove_dir_all(&folder).expect("the folder goes");
    }
}
