//! Compares metadata values as text in Postgres's notation.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::event::Event;

/// Returns true if the event's metadata contains all of the `wanted` keys with the specified values.
pub(super) fn has_metadata(event: &Event, wanted: &[(impl AsRef<str>, impl AsRef<str>)]) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let Some(metadata) = &event.metadata else { return false };
    let Ok(values) = serde_json::from_str::<HashMap<String, &RawValue>>(metadata.get()) else { return false };
    wanted.iter().all(|(key, wanted)| {
        values.get(key.as_ref()).and_then(|value| value_text(value)).is_some_and(|value| value == wanted.as_ref())
    })
}

/// Returns a metadata value in Postgres's notation, or `None` for null, arrays and objects.
fn value_text(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str(value.get()).ok(),
        b't' | b'f' => Some(value.get().to_owned()),
        b'-' | b'0'..=b'9' => number_text(value.get()),
        _ => None,
    }
}

/// Converts a JSON number to the notation that Postgres uses for `numeric`: no exponent, and trailing zeros after the decimal point are
/// kept. `None` for exponents above 1,000.
pub fn number_text(number: &str) -> Option<String> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // Numbers with larger exponents are not useful in a filter.
    let exponent: i64 = exponent.parse().ok().filter(|exponent: &i64| exponent.abs() <= 1_000)?;
    let mut digits = format!("{whole}{fraction}");
    // The position of the decimal point in `digits`.
    let mut point = i64::try_from(whole.len()).ok()? + exponent;
    if point <= 0 {
        digits.insert_str(0, &"0".repeat(usize::try_from(1 - point).ok()?));
        point = 1;
    }
    let point = usize::try_from(point).ok()?;
    if digits.len() < point {
        digits.push_str(&"0".repeat(point - digits.len()));
    }
    let (whole, fraction) = digits.split_at(point);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let is_zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
    let sign = if negative && !is_zero { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_postgres_numerics() {
        let table = [
            ("7", "7"),
            ("-7.50", "-7.50"),
            ("1e2", "100"),
            ("1.50e1", "15.0"),
            ("12E-3", "0.012"),
            ("-0", "0"),
            ("-0.0", "0.0"),
            ("1.25e+2", "125"),
            ("0e5", "0"),
            ("0.5e1", "5"),
            ("10e-1", "1.0"),
        ];
        for (number, expected) in table {
            assert_eq!(number_text(number).as_deref(), Some(expected), "{number}");
        }
        assert_eq!(number_text("1e9999"), None);
    }
}
