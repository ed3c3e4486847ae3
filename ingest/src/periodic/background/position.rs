//! The position of a job that processes events in the order in which they were received.

use time::OffsetDateTime;

/// Formats a position, `MICROSECONDS-ID`, which identifies the last processed event.
pub(super) fn format((received_at, id): (OffsetDateTime, i64)) -> String {
    format!("{}-{id}", received_at.unix_timestamp_nanos() / 1_000)
}

/// Parses a position. Without one, the job begins before the first event.
pub(super) fn parse(position: Option<&str>) -> (OffsetDateTime, i64) {
    position.and_then(try_parse).unwrap_or((OffsetDateTime::UNIX_EPOCH, 0))
}

fn try_parse(position: &str) -> Option<(OffsetDateTime, i64)> {
    let (micros, id) = position.split_once('-')?;
    let nanos = micros.parse::<i128>().ok()?.checked_mul(1_000)?;
    Some((OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?, id.parse().ok()?))
}
