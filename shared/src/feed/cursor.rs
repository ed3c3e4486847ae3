//! Positions in the feed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A position in the feed, written `epoch.seq`: the reader has seen all items up to `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The epoch that `seq` belongs to.
    pub epoch: Arc<str>,
    /// The last number seen; 0 before the first item.
    pub seq: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

/// Error returned if a string is not a valid cursor.
#[derive(Debug, thiserror::Error)]
#[error("expected a cursor of the form epoch.seq")]
pub struct CursorError;

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (epoch, seq) = text.split_once('.').ok_or(CursorError)?;
        Ok(Self { epoch: epoch.into(), seq: seq.parse().map_err(|_| CursorError)? })
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_malformed_ones_are_rejected() {
        let cursor: Cursor = "Zx3_-a.42".parse().expect("a cursor");
        assert_eq!((&*cursor.epoch, cursor.seq), ("Zx3_-a", 42));
        assert_eq!(cursor.to_string(), "Zx3_-a.42");
        for text in ["", "abc", "abc.", "abc.x", "abc.-1"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
