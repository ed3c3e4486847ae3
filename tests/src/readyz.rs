//! Waits for what a service says about its readiness.

use reqwest::Client;
use serde_json::Value;

use crate::wait::until;

/// Waits until `/readyz` at this address of a service returns this status, and JSON in which `field` has this value.
///
/// # Panics
/// If this takes more than a minute.
pub async fn until_readyz(address: &str, status: u16, field: &str, value: &str) {
    let (client, ready) = (Client::new(), format!("{address}/readyz"));
    until(&format!("{ready} has status {status} and says that {field} is {value}"), || async {
        let response = client.get(&ready).send().await.ok()?;
        let found = response.status();
        let json: Value = serde_json::from_str(&response.text().await.ok()?).ok()?;
        (found == status && json[field] == value).then_some(())
    })
    .await;
}
