//! Encodes and decodes a Parquet file.
//!
//! A file and one of its row groups are held in memory, so their sizes are limited.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::reader::ColumnReader;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};
use sqlx::types::Uuid;
use time::OffsetDateTime;

use super::columns::{COLUMNS, Column, LOOKED_UP, OLDEST_COLUMNS, ORDER, SCHEMA, Slot, UNIQUE};
use super::event::ArchivedEvent;

/// A row group ends once it has as many events, or takes as much memory.
const GROUP_EVENTS: usize = 20_000;
const GROUP_BYTES: usize = 24 << 20;
/// A file ends once it has as many bytes.
const FILE_BYTES: usize = 32 << 20;
/// Room for a file and its last row group, so that growing copies nothing.
const FILE_CAPACITY: usize = FILE_BYTES + (8 << 20);
/// The number of different values for which the filters of a row group are made.
const FILTER_VALUES: u64 = 10_000;

/// What a file contains, to compare what was written with what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) events: i64,
    /// Sum of `ArchivedEvent::digest_number`.
    pub(crate) digest_sum: u128,
    /// SHA-256 of all values.
    pub(crate) content: [u8; 32],
}

#[derive(Default)]
struct Sums {
    events: i64,
    digest_sum: u128,
    content: Sha256,
}

impl Sums {
    fn add(&mut self, event: &ArchivedEvent) -> Result<(), ParquetError> {
        self.events += 1;
        self.digest_sum += event.digest_number();
        let values = serde_json::to_vec(event).map_err(|error| ParquetError::General(error.to_string()))?;
        self.content.update(values);
        Ok(())
    }

    fn totals(self) -> Totals {
        Totals { events: self.events, digest_sum: self.digest_sum, content: self.content.finalize().into() }
    }
}

/// Collects events to a file.
pub(crate) struct FileWriter {
    writer: SerializedFileWriter<Vec<u8>>,
    /// The events of the row group that is not written yet.
    events: Vec<ArchivedEvent>,
    events_bytes: usize,
    sums: Sums,
    /// The last event: `received_at` and `id`.
    last: (OffsetDateTime, i64),
}

/// A finished file.
pub(crate) struct EncodedFile {
    pub(crate) content: Bytes,
    pub(crate) totals: Totals,
    pub(crate) last: (OffsetDateTime, i64),
}

impl FileWriter {
    pub(crate) fn new() -> Result<Self, ParquetError> {
        let sorting = ORDER.map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: false }).to_vec();
        let mut properties = WriterProperties::builder()
            .set_created_by("Mandrill Listener".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_sorting_columns(Some(sorting));
        for column in UNIQUE {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), false);
        }
        for column in LOOKED_UP {
            properties = properties.set_column_bloom_filter_max_ndv(ColumnPath::from(column), FILTER_VALUES);
        }
        let schema = Arc::clone(SCHEMA.as_ref().map_err(|error| ParquetError::General(error.to_string()))?);
        let writer = SerializedFileWriter::new(Vec::with_capacity(FILE_CAPACITY), schema, Arc::new(properties.build()))?;
        let last = (OffsetDateTime::UNIX_EPOCH, 0);
        Ok(Self { writer, events: Vec::new(), events_bytes: 0, sums: Sums::default(), last })
    }

    /// Adds an event with a plain payload.
    pub(crate) fn push(&mut self, event: ArchivedEvent) -> Result<(), ParquetError> {
        self.sums.add(&event)?;
        self.last = (event.received_at, event.id);
        self.events_bytes += event.bytes();
        self.events.push(event);
        if self.events.len() >= GROUP_EVENTS || self.events_bytes >= GROUP_BYTES { self.write_group() } else { Ok(()) }
    }

    /// Whether the file is to be finished.
    pub(crate) fn is_full(&self) -> bool {
        self.writer.bytes_written() >= FILE_BYTES
    }

    /// The number of events, and the last of them.
    pub(crate) fn position(&self) -> (i64, (OffsetDateTime, i64)) {
        (self.sums.events, self.last)
    }

    pub(crate) fn finish(mut self) -> Result<EncodedFile, ParquetError> {
        self.write_group()?;
        let content = self.writer.into_inner()?;
        Ok(EncodedFile { content: content.into(), totals: self.sums.totals(), last: self.last })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if self.events.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in &COLUMNS {
            let mut writer = group.next_column()?.ok_or_else(|| ParquetError::General("a column is missing".to_owned()))?;
            Values::take(&mut self.events, column).write(writer.untyped())?;
            writer.close()?;
        }
        group.close()?;
        self.events.clear();
        self.events_bytes = 0;
        Ok(())
    }
}

/// The events of a file, by row group.
pub(crate) struct FileReader {
    reader: SerializedFileReader<Bytes>,
    next: usize,
}

impl FileReader {
    pub(crate) fn new(content: Bytes) -> Result<Self, ParquetError> {
        Ok(Self { reader: SerializedFileReader::new(content)?, next: 0 })
    }

    /// Reads all events, and compares nothing.
    pub(crate) fn totals(self) -> Result<Totals, ParquetError> {
        let mut sums = Sums::default();
        for group in self {
            for event in group? {
                sums.add(&event)?;
            }
        }
        Ok(sums.totals())
    }

    fn read_group(&self, index: usize) -> Result<Vec<ArchivedEvent>, ParquetError> {
        let group = self.reader.get_row_group(index)?;
        let events = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
        if events > GROUP_EVENTS || !(OLDEST_COLUMNS..=COLUMNS.len()).contains(&group.num_columns()) {
            return Err(ParquetError::General("it is not a file of this archive".to_owned()));
        }
        let mut events = vec![ArchivedEvent::default(); events];
        for (index, column) in COLUMNS.iter().take(group.num_columns()).enumerate() {
            Values::read(group.get_column_reader(index)?, events.len())?.give(&mut events, column)?;
        }
        Ok(events)
    }
}

impl Iterator for FileReader {
    type Item = Result<Vec<ArchivedEvent>, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.next;
        self.next += 1;
        (index < self.reader.num_row_groups()).then(|| self.read_group(index))
    }
}

/// The values of one column in a row group, in the list of their type.
#[derive(Default)]
struct Values {
    integers: Vec<i64>,
    smalls: Vec<i32>,
    booleans: Vec<bool>,
    texts: Vec<ByteArray>,
    digests: Vec<FixedLenByteArray>,
    /// 1 for each value of an optional column or an element of a list, 0 for each null or empty list.
    definition: Vec<i16>,
    /// 1 for each element of a list but its first.
    repetition: Vec<i16>,
}

impl Values {
    /// Takes the values out of the events.
    fn take(events: &mut [ArchivedEvent], (_, slot): &Column) -> Self {
        let mut values = Self::default();
        for event in events {
            match slot(event) {
                Slot::Integer(value) => values.integers.push(*value),
                Slot::Time(value) => values.integers.push(micros(*value)),
                Slot::Boolean(value) => values.booleans.push(*value),
                Slot::Text(value) => values.texts.push(std::mem::take(value).into_bytes().into()),
                Slot::OptionalText(value) | Slot::Json(value) => {
                    values.definition.push(value.is_some().into());
                    values.texts.extend(value.take().map(|text| ByteArray::from(text.into_bytes())));
                }
                Slot::OptionalSmall(value) => {
                    values.definition.push(value.is_some().into());
                    values.smalls.extend(value.map(i32::from));
                }
                Slot::OptionalTime(value) => {
                    values.definition.push(value.is_some().into());
                    values.integers.extend(value.map(micros));
                }
                Slot::Digest(value) => {
                    values.definition.push(value.is_some().into());
                    values.digests.extend(value.map(|digest| FixedLenByteArray::from(digest.as_bytes().to_vec())));
                }
                Slot::Texts(value) => {
                    if value.is_empty() {
                        values.definition.push(0);
                        values.repetition.push(0);
                    }
                    for (position, text) in std::mem::take(value).into_iter().enumerate() {
                        values.definition.push(1);
                        values.repetition.push((position > 0).into());
                        values.texts.push(text.into_bytes().into());
                    }
                }
            }
        }
        values
    }

    fn write(&self, writer: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        let definition = (!self.definition.is_empty()).then_some(&*self.definition);
        let repetition = (!self.repetition.is_empty()).then_some(&*self.repetition);
        match writer {
            ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(&self.integers, definition, repetition),
            ColumnWriter::Int32ColumnWriter(writer) => writer.write_batch(&self.smalls, definition, repetition),
            ColumnWriter::BoolColumnWriter(writer) => writer.write_batch(&self.booleans, definition, repetition),
            ColumnWriter::ByteArrayColumnWriter(writer) => writer.write_batch(&self.texts, definition, repetition),
            ColumnWriter::FixedLenByteArrayColumnWriter(writer) => writer.write_batch(&self.digests, definition, repetition),
            _ => Err(wrong_type()),
        }?;
        Ok(())
    }

    fn read(reader: ColumnReader, events: usize) -> Result<Self, ParquetError> {
        let mut values = Self::default();
        let (definition, repetition) = (Some(&mut values.definition), Some(&mut values.repetition));
        let (read, ..) = match reader {
            ColumnReader::Int64ColumnReader(mut reader) => {
                reader.read_records(events, definition, repetition, &mut values.integers)
            }
            ColumnReader::Int32ColumnReader(mut reader) => {
                reader.read_records(events, definition, repetition, &mut values.smalls)
            }
            ColumnReader::BoolColumnReader(mut reader) => {
                reader.read_records(events, definition, repetition, &mut values.booleans)
            }
            ColumnReader::ByteArrayColumnReader(mut reader) => {
                reader.read_records(events, definition, repetition, &mut values.texts)
            }
            ColumnReader::FixedLenByteArrayColumnReader(mut reader) => {
                reader.read_records(events, definition, repetition, &mut values.digests)
            }
            _ => Err(wrong_type()),
        }?;
        if read == events { Ok(values) } else { Err(ParquetError::General("values are missing".to_owned())) }
    }

    /// Puts the values into events.
    fn give(self, events: &mut [ArchivedEvent], (_, slot): &Column) -> Result<(), ParquetError> {
        let (mut integers, mut smalls, mut booleans) =
            (self.integers.into_iter(), self.smalls.into_iter(), self.booleans.into_iter());
        let mut texts = self.texts.into_iter().map(text);
        let mut digests = self.digests.into_iter().map(|digest| Uuid::from_slice(digest.data()).unwrap_or_default());
        let mut definition = self.definition.into_iter();
        let mut is_some = || definition.next() == Some(1);
        let mut repetition = self.repetition.into_iter().peekable();
        for event in events {
            match slot(event) {
                Slot::Integer(value) => *value = integers.next().ok_or_else(wrong_type)?,
                Slot::Time(value) => *value = integers.next().and_then(time).ok_or_else(wrong_type)?,
                Slot::Boolean(value) => *value = booleans.next().ok_or_else(wrong_type)?,
                Slot::Text(value) => *value = texts.next().ok_or_else(wrong_type)??,
                Slot::OptionalText(value) | Slot::Json(value) => {
                    *value = if is_some() { texts.next().transpose()? } else { None };
                }
                Slot::OptionalSmall(value) => {
                    *value = if is_some() { smalls.next().and_then(|value| value.try_into().ok()) } else { None };
                }
                Slot::OptionalTime(value) => {
                    *value = if is_some() { integers.next().and_then(time) } else { None };
                }
                Slot::Digest(value) => *value = if is_some() { digests.next() } else { None },
                Slot::Texts(value) => {
                    let mut is_first = true;
                    while is_first || repetition.peek() == Some(&1) {
                        is_first = false;
                        repetition.next();
                        if is_some() {
                            value.push(texts.next().ok_or_else(wrong_type)??);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn wrong_type() -> ParquetError {
    ParquetError::General("a column has an unexpected type".to_owned())
}

fn text(bytes: ByteArray) -> Result<String, ParquetError> {
    String::from_utf8(bytes.data().to_vec()).map_err(|error| ParquetError::General(error.to_string()))
}

/// Microseconds since 1970. Postgres's times are whole microseconds.
fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

fn time(micros: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn event(id: i64) -> ArchivedEvent {
        let text = |name: &str| (id % 3 != 0).then(|| format!("{name} {id} é"));
        ArchivedEvent {
            id,
            received_at: datetime!(2026-03-01 00:00:00.123456 UTC) + time::Duration::seconds(id),
            occurred_at: datetime!(1960-01-01 12:00 UTC),
            erased_at: (id % 7 == 0).then_some(datetime!(2026-04-01 00:00 UTC)),
            simulated: id % 2 == 0,
            kind: "open".to_owned(),
            message_id: text("message"),
            tags: (0..id % 4).map(|tag| format!("tag {tag}")).collect(),
            metadata: text("metadata").map(|text| format!("{{\"a\": \"{text}\"}}")),
            verdict_rules: i16::try_from(id).ok().filter(|rules| *rules % 5 > 0),
            digest: (id % 5 > 0).then(|| Uuid::from_u128(u128::MAX - u128::from(id.unsigned_abs()))),
            payload: "\u{0}{\"event\":\"open\"}".repeat(usize::try_from(id % 50).unwrap_or_default()),
            ..ArchivedEvent::default()
        }
    }

    fn file(count: i64) -> EncodedFile {
        let mut writer = FileWriter::new().expect("a file should begin");
        for id in 1..=count {
            writer.push(event(id)).expect("an event should be added");
        }
        writer.finish().expect("the file should end")
    }

    #[test]
    fn events_come_back_as_they_were() {
        let count = 45_000;
        let file = file(count);
        let reader = FileReader::new(file.content.clone()).expect("the file should be readable");
        let events: Vec<ArchivedEvent> = reader.flat_map(|group| group.expect("a group should be readable")).collect();
        assert_eq!(events.len(), 45_000);
        for (id, read) in (1..).zip(events) {
            assert_eq!(read, event(id));
        }
        let totals = FileReader::new(file.content).and_then(FileReader::totals).expect("the file should be readable");
        assert_eq!(totals, file.totals);
        assert_eq!(totals.digest_sum, (1..=count).map(|id| event(id).digest_number()).sum::<u128>());
    }

    #[test]
    fn other_files_are_refused() {
        let whole = file(100).content;
        for content in
            [Bytes::new(), Bytes::from_static(b"PAR1 is not enough PAR1"), whole.slice(..whole.len() - 1), whole.slice(9..)]
        {
            assert!(FileReader::new(content).and_then(FileReader::totals).is_err());
        }
    }
}
