//! An event with all columns of its row.

use serde::Serialize;
use sqlx::types::Uuid;
use time::OffsetDateTime;

use crate::payload::row_values::RowValues;

/// A row of `events`. The columns are described in the migrations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ArchivedEvent {
    pub(crate) id: i64,
    pub(crate) received_at: OffsetDateTime,
    pub(crate) occurred_at: OffsetDateTime,
    pub(crate) erased_at: Option<OffsetDateTime>,
    pub(crate) simulated: bool,
    pub(crate) kind: String,
    pub(crate) webhook: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) sender: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) tags: Vec<String>,
    /// JSON.
    pub(crate) metadata: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) subaccount: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) diagnostic: Option<String>,
    pub(crate) reason_class: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) actor_reason: Option<String>,
    pub(crate) verdict_rules: Option<i16>,
    pub(crate) search: String,
    #[serde(serialize_with = "as_number")]
    pub(crate) digest: Option<Uuid>,
    pub(crate) payload: String,
    pub(crate) source: Option<String>,
    pub(crate) stored_at: Option<OffsetDateTime>,
    /// The payload as it is stored, if that is compressed. Files contain the plain payload.
    pub(crate) payload_frame: Option<Vec<u8>>,
}

impl Default for ArchivedEvent {
    fn default() -> Self {
        Self {
            id: 0,
            received_at: OffsetDateTime::UNIX_EPOCH,
            occurred_at: OffsetDateTime::UNIX_EPOCH,
            erased_at: None,
            simulated: false,
            kind: String::new(),
            webhook: None,
            message_id: None,
            recipient: None,
            sender: None,
            subject: None,
            tags: Vec::new(),
            metadata: None,
            template: None,
            subaccount: None,
            url: None,
            ip: None,
            user_agent: None,
            country: None,
            city: None,
            diagnostic: None,
            reason_class: None,
            actor: None,
            actor_reason: None,
            verdict_rules: None,
            search: String::new(),
            digest: None,
            payload: String::new(),
            source: None,
            stored_at: None,
            payload_frame: None,
        }
    }
}

fn as_number<S: serde::Serializer>(digest: &Option<Uuid>, serializer: S) -> Result<S::Ok, S::Error> {
    digest.map(|digest| digest.as_u128()).serialize(serializer)
}

impl ArchivedEvent {
    /// About the number of bytes that the event takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.payload.len() + self.payload_frame.as_ref().map_or(0, Vec::len) + 2 * self.search.len()
    }

    /// The first 60 bits of the digest. Sums of them tell whether files contain the events of a partition.
    pub(crate) fn digest_number(&self) -> u128 {
        self.digest.map_or(0, |digest| digest.as_u128() >> 68)
    }

    /// The addresses whose erasure covers the event: the recipient's, and the sender's of inbound mail.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        let sender = self.sender.as_deref().filter(|_| self.kind == "inbound");
        [self.recipient.as_deref(), sender].into_iter().flatten()
    }

    /// The values that the payload may repeat.
    pub(crate) fn row_values(&self) -> RowValues<'_> {
        let texts = [
            &self.message_id,
            &self.recipient,
            &self.sender,
            &self.subject,
            &self.template,
            &self.url,
            &self.ip,
            &self.user_agent,
            &self.diagnostic,
            &self.country,
            &self.city,
        ];
        RowValues::of(texts, &self.tags)
    }

    /// Removes personal data. The columns are those that `store/events/erase.rs` clears.
    pub(crate) fn erase(&mut self, at: OffsetDateTime) {
        if self.kind == "inbound" {
            self.sender = None;
        }
        let columns = [&mut self.recipient, &mut self.subject, &mut self.metadata, &mut self.url, &mut self.ip];
        let others = [&mut self.user_agent, &mut self.country, &mut self.city, &mut self.diagnostic];
        for column in columns.into_iter().chain(others) {
            *column = None;
        }
        self.search.clear();
        "{}".clone_into(&mut self.payload);
        self.erased_at = Some(at);
    }
}
