//! Adopts a version 0.1.0 database, whose 19 migrations are replaced by the baseline. The schema is the same; only the record of applied
//! migrations changes.

use sqlx::Connection;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnection;

use super::error::MigrationError;

/// The first version in the baseline. Every version 0.1.0 migration is lower.
const FIRST_OF_BASELINE: i64 = 20_261_129_000_001;
/// The last version in the baseline. Later migrations apply to new and adopted databases alike.
const LAST_OF_BASELINE: i64 = 20_261_129_000_005;

/// The version 0.1.0 migrations, with the SHA-384 hashes of their files.
const LEGACY: [(i64, &str); 19] = [
    (20_261_124_000_001, "6ad10c2ca49081687d6c7cf2ec7fccd407dd67e98d0820d6b0563a315239e91e8ab759b2ba6f70c506020a46059a4b60"),
    (20_261_124_000_002, "a44a7526ace47ff6537e5dd68b4ad9e84ffd4b9a97c56ea5f2ad1db9c74864343b4bfe5c0496e455606bccfa77dfd4ad"),
    (20_261_124_000_003, "8fcba292cfcfaeb04e7dd3feb11548941cc9dda246142f91657f9256d608f94b7659bc2dd2181107f0c8a42593e2ad59"),
    (20_261_124_000_004, "1cf0e4cd4dd3307d9c70711f8e01386bfb8bfe77f2dcd0f71cd508a7886b75d646132736a7fe8fadcae30c3e6e3e5aa8"),
    (20_261_125_000_001, "3bcf45dc23c00032e78133b48d43fefdcca42b9f7e076ecb886d0d5dad88c69f446a7a4fd51f320a521a92c75f1631b1"),
    (20_261_125_000_002, "d2a404b006b459e062cd6cb2f930910a85ba08bb605b57d57af9233a0915b64cede93c86b17c8a84b5f9fc103820ca58"),
    (20_261_125_000_003, "f0ec3bc8e86d0d4bc1c546c074ceca6ac151de2ffb1bfe3f1c65d61ae83fbce892f52988a9b8ae9b35ce3263622a5a72"),
    (20_261_125_000_004, "298f973ef91838d5b568c420baf87312e41c9641aca3417ae04835dabf9e084597deb534e29b1db2003fda65ea409869"),
    (20_261_125_000_005, "909dbe2ca13967edfbb2026df51e2059acffe7014729d2c9cc4d0dd3f044fd7e3e9e8e0a2e0fe83d26bbe73060383c05"),
    (20_261_125_000_006, "1cb795eed73719ba6253877fbf6d9399da791474217606965ce15ad299a89d70fa339e8fdfd44b28c4c0fe644799d71f"),
    (20_261_125_000_007, "7f8f3c6cc11526d7325c666faec9177c6e3b14eb094dda67932a6e7b6583ddec61a04e6037b8365d175356302491c0e3"),
    (20_261_125_000_008, "cd6b3eb84943fe4c4a27020b0842fb6e8dcc5be5664c4731be43f1027c6805432d2e6bc2d7df5a2535591546da9c6b75"),
    (20_261_126_000_001, "ce961f0e447759e688ed11d2fda383bd5bebf07e24dc68ee1d9adabc7204566de08e81795a81573b7da799044837b987"),
    (20_261_126_000_002, "76877bb63a58f5e777f35b2f2076b962718440efcff490a745feb621233180a1b86b4f7ca7461867b5d6ef09b6443316"),
    (20_261_126_000_003, "712af0bc6a758e332cccda33a76e80ae78f087d5b021409e207b3cdd887b153da71f3c7513ee7e743aca44e358b06c4c"),
    (20_261_126_000_004, "9f54eb0fa8e889d2df89fd61a04b03aa142437abe612bc6a06c4fff1bc0dadf1a88bca3482a7592e84b63d35abedad7d"),
    (20_261_126_000_005, "2435b67f2e271ec15202706b3a2d47801cd621362f1faf51852aa0a0bf4e393e315ca9be24a6cd0adc9bc32be6def75f"),
    (20_261_126_000_006, "b9bcb89509cb337e3792dd13776a473b895defe63ee5e209f13757be8fa15c0bc938e9aff2d03eeda0aa90637677df23"),
    (20_261_126_000_007, "2de09318f7a6ced9202c54a758642a77cf32233a8a2a5f1e01c39c8330db11f8adafb3d4bb3ddd99deadcc34d9cb3dba"),
];

/// Replaces the records of the 19 migrations with those of the baseline, in one transaction. Any other database is left unchanged.
///
/// # Errors
/// Returns `TooOld` if any of the 19 migrations is missing, `Modified` if a checksum differs, `Unknown` if another migration was applied,
/// and `Database` if Postgres fails.
pub(super) async fn adopt(connection: &mut PgConnection, migrator: &Migrator) -> Result<(), MigrationError> {
    let mut transaction = connection.begin().await?;
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("select version, checksum from _sqlx_migrations where success and version < $1 order by version")
            .bind(FIRST_OF_BASELINE)
            .fetch_all(&mut *transaction)
            .await?;
    if applied.is_empty() {
        return Ok(());
    }
    for (version, checksum) in LEGACY {
        let (_, found) = applied.iter().find(|(applied, _)| *applied == version).ok_or(MigrationError::TooOld)?;
        if hex::encode(found) != checksum {
            return Err(MigrationError::Modified { version });
        }
    }
    if let Some((version, _)) = applied.iter().find(|(applied, _)| LEGACY.iter().all(|(known, _)| known != applied)) {
        return Err(MigrationError::Unknown { version: *version });
    }
    sqlx::query("delete from _sqlx_migrations where version < $1").bind(FIRST_OF_BASELINE).execute(&mut *transaction).await?;
    for migration in migrator.iter().filter(|migration| migration.version <= LAST_OF_BASELINE) {
        sqlx::query(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values ($1, $2, true, $3, 0)",
        )
        .bind(migration.version)
        .bind(&*migration.description)
        .bind(&*migration.checksum)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    tracing::info!("adopted a version 0.1.0 database");
    Ok(())
}
