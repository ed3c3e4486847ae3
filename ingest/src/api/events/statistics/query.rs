//! The query string of `/api/stats`.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use utoipa::IntoParams;

use crate::http::error::ApiError;
use crate::http::page::{Pairs, moment};
use crate::store::events::statistics::Period;

const DEFAULT_RANGE: Duration = Duration::WEEK;

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
    /// Time zone for day and month boundaries, such as `Europe/Madrid`; `UTC` by default.
    zone: Option<String>,
    /// Only simulated events, or only real ones.
    simulated: Option<bool>,
}

/// The parsed query string, with its defaults.
pub(crate) struct StatisticsQuery {
    pub(crate) period: Period,
    /// Not validated here: only Postgres knows the time zones.
    pub(crate) zone: String,
    pub(crate) simulated: Option<bool>,
}

impl StatisticsQuery {
    /// Parses a query string and rounds its period outward to whole hours. Empty values are ignored.
    ///
    /// # Errors
    /// `BadPage` for an unknown name, an invalid value, or an empty period.
    pub(crate) fn parse(query: &Pairs) -> Result<Self, ApiError> {
        let (mut from, mut to, mut zone, mut simulated) = (None, None, "UTC".to_owned(), None);
        let timestamp = |text: &str| OffsetDateTime::parse(text, &Rfc3339).map(Some).map_err(|_| ApiError::BadPage);
        for (name, value) in query.0.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "from" => from = timestamp(value)?,
                "to" => to = timestamp(value)?,
                "zone" => zone = value.clone(),
                "simulated" => simulated = Some(value.parse().map_err(|_| ApiError::BadPage)?),
                _ => return Err(ApiError::BadPage),
            }
        }
        let to = to.unwrap_or_else(OffsetDateTime::now_utc);
        let from = from.unwrap_or(to - DEFAULT_RANGE);
        let period = Period { from: whole_hour(from.unix_timestamp())?, to: whole_hour(to.unix_timestamp() + 3_600)? };
        // Postgres cannot subtract the length of a period from years far in the past.
        if period.from >= period.to || !(1970..=9_999).contains(&period.from.year()) || zone.contains('\0') {
            return Err(ApiError::BadPage);
        }
        Ok(Self { period, zone, simulated })
    }
}

/// The hour that contains a Unix time.
fn whole_hour(seconds: i64) -> Result<OffsetDateTime, ApiError> {
    OffsetDateTime::from_unix_timestamp(seconds.div_euclid(3_600) * 3_600).map_err(|_| ApiError::BadPage)
}
