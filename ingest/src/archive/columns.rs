//! The columns of the files: those of `events` that cannot be computed from others.

use std::sync::{Arc, LazyLock};

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::schema::types::{Type, TypePtr};
use sqlx::types::Uuid;
use time::OffsetDateTime;

use super::event::ArchivedEvent;

/// A value of an event, whose type is the type of its column.
pub(super) enum Slot<'e> {
    Integer(&'e mut i64),
    OptionalSmall(&'e mut Option<i16>),
    /// Microseconds since 1970.
    Time(&'e mut OffsetDateTime),
    OptionalTime(&'e mut Option<OffsetDateTime>),
    Boolean(&'e mut bool),
    Text(&'e mut String),
    OptionalText(&'e mut Option<String>),
    Json(&'e mut Option<String>),
    Texts(&'e mut Vec<String>),
    Digest(&'e mut Option<Uuid>),
}

/// A column's name, and where its value is.
pub(super) type Column = (&'static str, for<'e> fn(&'e mut ArchivedEvent) -> Slot<'e>);

pub(super) const COLUMNS: [Column; 30] = [
    ("id", |event| Slot::Integer(&mut event.id)),
    ("received_at", |event| Slot::Time(&mut event.received_at)),
    ("occurred_at", |event| Slot::Time(&mut event.occurred_at)),
    ("erased_at", |event| Slot::OptionalTime(&mut event.erased_at)),
    ("simulated", |event| Slot::Boolean(&mut event.simulated)),
    ("kind", |event| Slot::Text(&mut event.kind)),
    ("webhook", |event| Slot::OptionalText(&mut event.webhook)),
    ("message_id", |event| Slot::OptionalText(&mut event.message_id)),
    ("recipient", |event| Slot::OptionalText(&mut event.recipient)),
    ("sender", |event| Slot::OptionalText(&mut event.sender)),
    ("subject", |event| Slot::OptionalText(&mut event.subject)),
    ("tags", |event| Slot::Texts(&mut event.tags)),
    ("metadata", |event| Slot::Json(&mut event.metadata)),
    ("template", |event| Slot::OptionalText(&mut event.template)),
    ("subaccount", |event| Slot::OptionalText(&mut event.subaccount)),
    ("url", |event| Slot::OptionalText(&mut event.url)),
    ("ip", |event| Slot::OptionalText(&mut event.ip)),
    ("user_agent", |event| Slot::OptionalText(&mut event.user_agent)),
    ("country", |event| Slot::OptionalText(&mut event.country)),
    ("city", |event| Slot::OptionalText(&mut event.city)),
    ("diagnostic", |event| Slot::OptionalText(&mut event.diagnostic)),
    ("reason_class", |event| Slot::OptionalText(&mut event.reason_class)),
    ("actor", |event| Slot::OptionalText(&mut event.actor)),
    ("actor_reason", |event| Slot::OptionalText(&mut event.actor_reason)),
    ("verdict_rules", |event| Slot::OptionalSmall(&mut event.verdict_rules)),
    ("search", |event| Slot::Text(&mut event.search)),
    ("digest", |event| Slot::Digest(&mut event.digest)),
    ("payload", |event| Slot::Text(&mut event.payload)),
    // Older files end here.
    ("source", |event| Slot::OptionalText(&mut event.source)),
    ("stored_at", |event| Slot::OptionalTime(&mut event.stored_at)),
];

/// The number of columns in older files. Columns are only ever added, at the end.
pub(super) const OLDEST_COLUMNS: usize = 28;

/// The position of the column by which events are ordered first, and second.
pub(super) const ORDER: [i32; 2] = [1, 0];
/// Columns with a value for nearly each event, for which a dictionary of values would only take memory.
pub(super) const UNIQUE: [&str; 4] = ["id", "search", "digest", "payload"];
/// Columns that readers look for single values in.
pub(super) const LOOKED_UP: [&str; 3] = ["message_id", "recipient", "sender"];

/// The schema of the files.
pub(super) static SCHEMA: LazyLock<Result<TypePtr, ParquetError>> = LazyLock::new(|| {
    let mut example = ArchivedEvent::default();
    let fields = COLUMNS.iter().map(|(name, slot)| Ok(Arc::new(field(name, &slot(&mut example))?)));
    let fields = fields.collect::<Result<_, ParquetError>>()?;
    Ok(Arc::new(Type::group_type_builder("event").with_fields(fields).build()?))
});

fn field(name: &str, slot: &Slot<'_>) -> Result<Type, ParquetError> {
    const REQUIRED: Repetition = Repetition::REQUIRED;
    const OPTIONAL: Repetition = Repetition::OPTIONAL;
    let time = LogicalType::timestamp(true, TimeUnit::MICROS);
    let (physical, logical, repetition, length) = match slot {
        Slot::Integer(_) => (PhysicalType::INT64, None, REQUIRED, -1),
        Slot::OptionalSmall(_) => (PhysicalType::INT32, None, OPTIONAL, -1),
        Slot::Time(_) => (PhysicalType::INT64, Some(time), REQUIRED, -1),
        Slot::OptionalTime(_) => (PhysicalType::INT64, Some(time), OPTIONAL, -1),
        Slot::Boolean(_) => (PhysicalType::BOOLEAN, None, REQUIRED, -1),
        Slot::Text(_) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String), REQUIRED, -1),
        Slot::OptionalText(_) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String), OPTIONAL, -1),
        Slot::Json(_) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::Json), OPTIONAL, -1),
        Slot::Digest(_) => (PhysicalType::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid), OPTIONAL, 16),
        Slot::Texts(_) => return list(name),
    };
    Type::primitive_type_builder(name, physical)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .with_length(length)
        .build()
}

/// A list as the format defines it: of three levels, here without nulls.
fn list(name: &str) -> Result<Type, ParquetError> {
    let element = Type::primitive_type_builder("element", PhysicalType::BYTE_ARRAY)
        .with_logical_type(Some(LogicalType::String))
        .with_repetition(Repetition::REQUIRED)
        .build()?;
    let repeated =
        Type::group_type_builder("list").with_repetition(Repetition::REPEATED).with_fields(vec![Arc::new(element)]).build()?;
    Type::group_type_builder(name)
        .with_logical_type(Some(LogicalType::List))
        .with_repetition(Repetition::REQUIRED)
        .with_fields(vec![Arc::new(repeated)])
        .build()
}
