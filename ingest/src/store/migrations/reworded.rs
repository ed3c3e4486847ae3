//! Accepts migrations as the release of version 0.2.0 applied them. Comments in four files were reworded shortly afterwards, which changed
//! their hashes; the statements are the same.

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnection;

/// The migrations, with the SHA-384 hashes of their files in the release.
const RELEASED: [(i64, &str); 4] = [
    (20_261_129_000_002, "83e238436301861bad8fddd3acfa0f70beab4e53a9e876be93d9cf11f11a72ac61f41275075b43ee44fbb38bbf42180f"),
    (20_261_129_000_003, "2c7468e743470d806a9834eb30eb9db88c75a91d02a4d68b5d344fad39170630feead283b4458e245c3c11c3f7d68b49"),
    (20_261_129_000_004, "32ed875a0b817d55edf811bcc77102ce8deda4fbb7d51820ffbcb38a142db86e8f0286c5169b1dd48b45ef281712c437"),
    (20_261_129_000_006, "d0a98a92b3dc422ab9e9056d7a7464eb098884f6b182df903d0d2c629256467abbea616cb8210a16131e42eb994f19d9"),
];

/// Records the present hashes instead of those of the release.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(super) async fn accept(connection: &mut PgConnection, migrator: &Migrator) -> Result<(), sqlx::Error> {
    for migration in migrator.iter() {
        let Some((_, released)) = RELEASED.iter().find(|(version, _)| *version == migration.version) else { continue };
        sqlx::query("update _sqlx_migrations set checksum = $1 where version = $2 and encode(checksum, 'hex') = $3")
            .bind(&*migration.checksum)
            .bind(migration.version)
            .bind(released)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
