//! Opens a file, or standard input, and decompresses it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

const BUFFER_BYTES: usize = 64 << 10;
/// The first bytes of files that are compressed.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// A file to import.
pub(crate) struct Input {
    pub(super) reader: Box<dyn BufRead + Send>,
    /// Bytes that have been read, before they are decompressed.
    pub(super) read_bytes: Arc<AtomicU64>,
    /// Size in bytes; `None` if it is not a file.
    pub(crate) size: Option<u64>,
    /// Identifies the file; `None` if it is not one.
    pub(super) digest: Option<[u8; 32]>,
}

impl Input {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Self::of(io::stdin(), None);
        }
        let file = File::open(path)?;
        let size = file.metadata()?.is_file().then_some(file.metadata()?.len());
        Self::of(file, size)
    }

    fn of(source: impl Read + Send + 'static, size: Option<u64>) -> io::Result<Self> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let counted = Counted { source, read: Arc::clone(&read_bytes) };
        let mut start = Vec::new();
        let mut source = BufReader::with_capacity(BUFFER_BYTES, counted);
        source.by_ref().take(BUFFER_BYTES as u64).read_to_end(&mut start)?;
        let digest = size.map(|size| {
            let mut digest = Sha256::new();
            digest.update(size.to_be_bytes());
            digest.update(&start);
            digest.finalize().into()
        });
        let (is_gzip, is_zstd) = (start.starts_with(GZIP), start.starts_with(ZSTD));
        let whole = io::Cursor::new(start).chain(source);
        let reader: Box<dyn BufRead + Send> = if is_gzip {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(whole)))
        } else if is_zstd {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, zstd::Decoder::with_buffer(whole)?))
        } else {
            Box::new(whole)
        };
        Ok(Self { reader, read_bytes, size, digest })
    }
}

/// Counts the bytes that are read.
struct Counted<R> {
    source: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
