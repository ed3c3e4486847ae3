//! The query string of `/api/stats`.

use serde::Serialize;
use shared::filter::{Filter, FilterError};
use shared::session::Caller;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use crate::http::error::ApiError;
use crate::http::page::{Pairs, moment};
use crate::store::events::statistics::{Counted, Period};

const DEFAULT_RANGE: Duration = Duration::WEEK;
/// The unit of counts, in seconds.
const QUARTER_SECONDS: i64 = 900;
/// Maximum number of buckets.
const MAX_BUCKETS: i64 = 1_000;
/// Longest period that has hourly buckets by default.
const MAX_HOURLY: Duration = Duration::days(3);
/// Longest period that has daily buckets by default; longer ones have monthly buckets.
const MAX_DAILY: Duration = Duration::days(100);

/// The width of the buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// A quarter of an hour.
    Quarter,
    Hour,
    Day,
    /// From Monday to Sunday.
    Week,
    Month,
}

impl Step {
    /// The name in the API, which is also the unit's name in Postgres for all but `Quarter`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quarter => "quarter",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Quarter, Self::Hour, Self::Day, Self::Week, Self::Month].into_iter().find(|step| step.name() == name)
    }

    fn default_for(length: Duration) -> Self {
        match length {
            length if length <= MAX_HOURLY => Self::Hour,
            length if length <= MAX_DAILY => Self::Day,
            _ => Self::Month,
        }
    }

    /// The usual length of a bucket.
    fn length(self) -> Duration {
        match self {
            Self::Quarter => Duration::minutes(15),
            Self::Hour => Duration::HOUR,
            Self::Day => Duration::DAY,
            Self::Week => Duration::WEEK,
            Self::Month => Duration::days(30),
        }
    }
}

/// Which time of the events counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Clock {
    /// `received_at`.
    Received,
    /// `occurred_at`.
    Occurred,
}

/// The query parameters.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only describes parameters; `StatisticsQuery::parse` reads them")]
pub(crate) struct StatisticsParams {
    /// Start of the period; one week before `to` by default.
    #[param(schema_with = moment)]
    from: Option<OffsetDateTime>,
    /// End of the period; now by default.
    #[param(schema_with = moment)]
    to: Option<OffsetDateTime>,
    /// Width of the buckets; by default hours for up to 3 days, days for up to 100 days, and months for longer periods. At most 1,000
    /// buckets.
    #[param(inline)]
    step: Option<Step>,
    /// Which time of the events counts: `received_at` by default.
    #[param(inline)]
    time: Option<Clock>,
    /// Time zone for the boundaries of buckets, such as `Europe/Madrid`; `UTC` by default.
    zone: Option<String>,
    /// Only simulated events, or only real ones.
    simulated: Option<bool>,
}

/// The parsed query string, with its defaults.
pub(crate) struct StatisticsQuery {
    pub(crate) counted: Counted,
    /// Which events are counted; empty for all.
    pub(crate) filter: Filter,
    pub(crate) step: Step,
    pub(crate) clock: Clock,
    /// Not validated here: only Postgres knows the time zones.
    pub(crate) zone: String,
}

impl StatisticsQuery {
    /// Parses a query string and rounds its period outward to whole quarters of an hour. Empty values are ignored.
    ///
    /// # Errors
    /// `BadPage` with the name of an unknown or invalid parameter, and `BadFilter`.
    pub(crate) fn parse(query: &Pairs, caller: &Caller) -> Result<Self, ApiError> {
        let (mut from, mut to, mut zone, mut simulated) = (None, None, "UTC".to_owned(), None);
        let (mut step, mut clock, mut conditions) = (None, Clock::Received, Vec::new());
        for (name, value) in query.0.iter().filter(|(_, value)| !value.is_empty()) {
            let bad = || ApiError::bad_page(name);
            let timestamp = |text: &str| OffsetDateTime::parse(text, &Rfc3339).map(Some).map_err(|_| bad());
            match (name.as_str(), value.as_str()) {
                ("from", value) => from = timestamp(value)?,
                ("to", value) => to = timestamp(value)?,
                ("zone", value) if !value.contains('\0') => zone = value.to_owned(),
                ("step", value) => step = Some(Step::parse(value).ok_or_else(bad)?),
                ("time", "received") => clock = Clock::Received,
                ("time", "occurred") => clock = Clock::Occurred,
                ("simulated", value) => simulated = Some(value.parse().map_err(|_| bad())?),
                ("zone" | "time", _) => return Err(bad()),
                pair => conditions.push(pair),
            }
        }
        let filter = Filter::from_pairs(conditions, caller).map_err(|error| match error {
            FilterError::Unknown(name) => ApiError::bad_page(&name),
            error => error.into(),
        })?;
        let to = to.unwrap_or_else(OffsetDateTime::now_utc);
        let from = from.unwrap_or(to - DEFAULT_RANGE);
        // Postgres cannot subtract the length of a period from years far in the past.
        if from >= to || !(1970..=9_999).contains(&from.year()) {
            return Err(ApiError::bad_page("from"));
        }
        let period = Period {
            from: quarter_hour(from.unix_timestamp()).ok_or_else(|| ApiError::bad_page("from"))?,
            to: next_quarter_hour(to).ok_or_else(|| ApiError::bad_page("to"))?,
        };
        let length = period.to - period.from;
        let step = step.unwrap_or_else(|| Step::default_for(length));
        if length.whole_seconds() / step.length().whole_seconds() > MAX_BUCKETS {
            return Err(ApiError::bad_page("step"));
        }
        let counted = Counted { period, by_occurrence: clock == Clock::Occurred, simulated };
        Ok(Self { counted, filter, step, clock, zone })
    }
}

/// The quarter of an hour that contains a Unix time.
fn quarter_hour(seconds: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(seconds.div_euclid(QUARTER_SECONDS) * QUARTER_SECONDS).ok()
}

/// The first quarter of an hour that does not begin before `at`.
fn next_quarter_hour(at: OffsetDateTime) -> Option<OffsetDateTime> {
    let start = quarter_hour(at.unix_timestamp())?;
    if start == at { Some(at.to_offset(time::UtcOffset::UTC)) } else { start.checked_add(Duration::minutes(15)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::masking::{Addresses, RecipientIds};
    use shared::session::{Credential, Hash, Role, User};

    fn parse(query: &str) -> Result<StatisticsQuery, ApiError> {
        let user = User { id: 1, email: String::new(), role: Role::Viewer, restriction: None, addresses: Addresses::Full };
        let credential = Credential::Session(Hash::of(""));
        let caller = Caller { user, credential, recipient_ids: RecipientIds::default() };
        StatisticsQuery::parse(&Pairs::read(query), &caller)
    }

    #[test]
    fn periods_are_rounded_outward_to_quarters_of_an_hour() {
        let query = parse("from=2026-01-01T00:29:59Z&to=2026-01-01T01:00:00.5Z").expect("the query should be valid");
        let text = |at: OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
        let Period { from, to } = query.counted.period;
        assert_eq!([text(from), text(to)], ["2026-01-01T00:15:00Z", "2026-01-01T01:15:00Z"]);
        let whole = parse("from=2026-01-01T00:30:00Z&to=2026-01-01T01:00:00Z").expect("the query should be valid");
        assert_eq!(whole.counted.period.to - whole.counted.period.from, Duration::minutes(30));
    }

    #[test]
    fn each_bad_parameter_is_named() {
        let bad = [
            ("from=yesterday", "from"),
            ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
            ("to=soon", "to"),
            ("step=decade", "step"),
            ("step=quarter&from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z", "step"),
            ("time=sent", "time"),
            ("simulated=perhaps", "simulated"),
            ("colour=red", "colour"),
            ("zone=%00", "zone"),
        ];
        for (query, name) in bad {
            assert!(matches!(parse(query), Err(ApiError::BadPage(found)) if found == name), "{query}");
        }
    }
}
