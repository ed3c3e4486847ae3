//! Appends lines to a file.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Appends each line, and waits until they are on disk. The file is created for its owner alone. After a write that a full disk cut off, the next one begins
/// with a line break, so that only the cut line is malformed.
pub(super) async fn append(path: &Path, lines: &[String]) -> io::Result<()> {
    let (path, mut text) = (path.to_owned(), lines.join("\n"));
    text.push('\n');
    tokio::task::spawn_blocking(move || {
        let mut file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(&path)?;
        if ends_within_a_line(&file)? {
            text.insert(0, '\n');
        }
        file.write_all(text.as_bytes())?;
        file.sync_data()
    })
    .await
    .map_err(io::Error::other)?
}

fn ends_within_a_line(file: &std::fs::File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt as _;
    let length = file.metadata()?.len();
    if length == 0 || !file.metadata()?.is_file() {
        return Ok(false);
    }
    let mut last = [0];
    file.read_exact_at(&mut last, length - 1)?;
    Ok(last != *b"\n")
}
