//! Stores poison in the quarantine, byte for byte.

use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnection;

use crate::redact::printable;
use crate::webhook::batch::Poison;
use crate::webhook::delivery::Source;

/// Stores poison; identical bytes share one row. A row that a user has discarded stays discarded if the same bytes arrive again.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn insert(connection: &mut PgConnection, poison: &[(Poison<'_>, &Source)]) -> Result<(), sqlx::Error> {
    if poison.is_empty() {
        return Ok(());
    }
    let mut poison: Vec<([u8; 32], &(Poison<'_>, &Source))> =
        poison.iter().map(|one| (Sha256::digest(&one.0.raw).into(), one)).collect();
    // Sorted so that concurrent transactions cannot deadlock, and deduplicated because a statement cannot update a row twice.
    poison.sort_by_key(|(digest, _)| *digest);
    poison.dedup_by_key(|(digest, _)| *digest);
    let digests: Vec<&[u8]> = poison.iter().map(|(digest, _)| &digest[..]).collect();
    let raws: Vec<&[u8]> = poison.iter().map(|(_, (one, _))| if one.is_erased { &[] } else { &*one.raw }).collect();
    let erased: Vec<bool> = poison.iter().map(|(_, (one, _))| one.is_erased).collect();
    let origins: Vec<&str> = poison.iter().map(|(_, (one, _))| one.origin.name()).collect();
    let reasons: Vec<&str> = poison.iter().map(|(_, (one, _))| one.reason).collect();
    // A parser's message can repeat the value that it rejects.
    let details: Vec<String> = poison.iter().map(|(_, (one, _))| printable(&one.detail)).collect();
    let simulated: Vec<bool> = poison.iter().map(|(_, (_, source))| source.is_simulation()).collect();
    let labels: Vec<Option<&str>> = poison.iter().map(|(_, (_, source))| source.label()).collect();
    let sources: Vec<Option<&str>> = poison.iter().map(|(_, (_, source))| source.filed_as()).collect();
    sqlx::query!(
        "insert into quarantine (digest, raw, origin, reason, detail, simulated, webhook, source, state, resolution, resolved_at)
         select digest, raw, origin, reason, case when erased then '' else detail end, simulated, webhook, source,
                case when erased then 'discarded' else 'open' end, case when erased then 'erased' end, case when erased then now() end
         from unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::boolean[], $9::text[])
           as t (digest, raw, origin, reason, detail, simulated, webhook, erased, source)
         on conflict on constraint quarantine_digest_key
         do update set times_seen = quarantine.times_seen + 1, last_seen_at = now()",
        &digests as &[&[u8]],
        &raws as &[&[u8]],
        &origins as &[&str],
        &reasons as &[&str],
        &details,
        &simulated,
        &labels as &[Option<&str>],
        &erased,
        &sources as &[Option<&str>],
    )
    .execute(connection)
    .await?;
    Ok(())
}
