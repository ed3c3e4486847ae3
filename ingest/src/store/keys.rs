//! The keys by which repeats are recognised, as arrays for `claim_keys`.

use sqlx::types::Uuid;

use super::row::Candidate;

/// The candidates' keys, one array for each argument of `claim_keys`.
pub(super) struct Keys<'a> {
    pub(super) digests: Vec<Uuid>,
    pub(super) keys: Vec<Option<Uuid>>,
    pub(super) days: Vec<Option<i32>>,
    pub(super) messages: Vec<Option<&'a str>>,
}

impl<'a> Keys<'a> {
    pub(super) fn of(candidates: &[Candidate<'a>]) -> Self {
        Self {
            digests: candidates.iter().map(|candidate| Uuid::from_bytes(candidate.digest)).collect(),
            keys: candidates.iter().map(Candidate::key).collect(),
            days: candidates.iter().map(|candidate| candidate.event.day.map(i32::from)).collect(),
            messages: candidates.iter().map(|candidate| candidate.event.message_id.as_deref()).collect(),
        }
    }
}
