//! Aggregates the counts appended by commits into one row per quarter of an hour.

use sqlx::PgPool;

use crate::store::tallies;

/// # Errors
/// When Postgres fails; in that case nothing is aggregated.
pub(crate) async fn fold(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    if tallies::try_lock(&mut transaction).await? {
        tallies::fold(&mut transaction).await?;
        tallies::fold_hourly(&mut transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
}
