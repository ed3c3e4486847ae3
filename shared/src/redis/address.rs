//! Reads the addresses, credentials and certificates in the settings.

use redis::{ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsCertificates};

use crate::config::{self, Secret, SettingError};
use crate::tls;

/// What is used if no address is set.
const DEFAULT_URL: &str = "redis://127.0.0.1:6379";
const URL_FORM: &str = "the address must have the form redis://[USER:PASSWORD@]HOST:PORT, rediss://… or redis+unix:///PATH";

/// Where Redis is.
pub(super) enum Address {
    Node(ConnectionInfo),
    Sentinels {
        sentinels: Vec<ConnectionInfo>,
        /// The name under which the sentinels know the master.
        master: String,
        /// Credentials and certificates for the master; its address is that of a sentinel.
        node: ConnectionInfo,
    },
    Cluster {
        nodes: Vec<ConnectionInfo>,
        certificates: Option<TlsCertificates>,
    },
}

/// Reads the settings.
///
/// # Errors
/// If one is malformed, is missing, or contradicts another.
pub(super) fn read(config: &config::Redis) -> Result<Address, SettingError> {
    let certificates = certificates(config)?;
    let certificates = certificates.as_ref();
    let is_set = |secret: &Secret| !secret.reveal().trim().is_empty();
    let settings = [
        ("REDIS_URL", &config.redis_url),
        ("REDIS_SENTINELS", &config.redis_sentinels),
        ("REDIS_CLUSTER", &config.redis_cluster),
    ];
    let mut given = settings.into_iter().filter(|(_, value)| is_set(value));
    let (setting, value) = given.next().map_or(("REDIS_URL", DEFAULT_URL), |(setting, value)| (setting, value.reveal()));
    if let Some((other, _)) = given.next() {
        return Err(SettingError::new(other, format!("{setting} is set too; only one of them can say where Redis is")));
    }
    if setting != "REDIS_SENTINELS" {
        if !config.redis_sentinel_master.is_empty() {
            return Err(SettingError::new("REDIS_SENTINEL_MASTER", "REDIS_SENTINELS is missing"));
        }
        if is_set(&config.redis_sentinel_password) {
            return Err(SettingError::new("REDIS_SENTINEL_PASSWORD", "REDIS_SENTINELS is missing"));
        }
    }
    let node = Credentials { username: &config.redis_username, password: &config.redis_password };
    match setting {
        "REDIS_SENTINELS" => {
            if config.redis_sentinel_master.is_empty() {
                return Err(SettingError::new("REDIS_SENTINEL_MASTER", "the name of the master is missing"));
            }
            let own = Credentials { username: &config.redis_sentinel_username, password: &config.redis_sentinel_password };
            let sentinels = list(setting, value, 26_379, &own, certificates)?;
            let first = sentinels.first().ok_or_else(|| SettingError::new(setting, "the list is empty"))?;
            let node = node.complete(first.clone().set_redis_settings(redis::RedisConnectionInfo::default()));
            Ok(Address::Sentinels { node, sentinels, master: config.redis_sentinel_master.clone() })
        }
        "REDIS_CLUSTER" => {
            let nodes = list(setting, value, 6379, &node, certificates)?;
            if nodes.iter().any(|node| node.redis_settings().db() != 0) {
                return Err(SettingError::new(setting, "a cluster has only database 0"));
            }
            let is_tls = nodes.iter().any(|node| matches!(node.addr(), ConnectionAddr::TcpTls { .. }));
            Ok(Address::Cluster { nodes, certificates: certificates.cloned().filter(|_| is_tls) })
        }
        _ => Ok(Address::Node(node.complete(parse(setting, value.trim(), certificates)?))),
    }
}

/// A user and a password, each empty if it is not set. They apply to addresses without a password.
struct Credentials<'a> {
    username: &'a str,
    password: &'a Secret,
}

impl Credentials<'_> {
    fn complete(&self, info: ConnectionInfo) -> ConnectionInfo {
        let mut settings = info.redis_settings().clone();
        if settings.password().is_none() && !self.password.reveal().is_empty() {
            settings = settings.set_password(self.password.reveal());
        }
        if settings.username().is_none() && !self.username.is_empty() {
            settings = settings.set_username(self.username);
        }
        info.set_redis_settings(settings)
    }
}

/// Parses a comma-separated list of addresses, each a URL or `HOST[:PORT]`.
fn list(
    setting: &'static str,
    value: &str,
    default_port: u16,
    credentials: &Credentials<'_>,
    certificates: Option<&TlsCertificates>,
) -> Result<Vec<ConnectionInfo>, SettingError> {
    let mut infos = Vec::new();
    for text in value.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let (scheme, rest) = text.split_once("://").unwrap_or((if certificates.is_some() { "rediss" } else { "redis" }, text));
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        let url = if has_port || host.contains('/') {
            format!("{scheme}://{rest}")
        } else {
            format!("{scheme}://{rest}:{default_port}")
        };
        infos.push(credentials.complete(parse(setting, &url, certificates)?));
    }
    let is_tls = |info: &ConnectionInfo| matches!(info.addr(), ConnectionAddr::TcpTls { .. });
    if infos.iter().any(|info| matches!(info.addr(), ConnectionAddr::Unix(_))) {
        return Err(SettingError::new(setting, "a list has no Unix sockets"));
    }
    if infos.iter().any(is_tls) && !infos.iter().all(is_tls) {
        return Err(SettingError::new(setting, "either all addresses use TLS (rediss://), or none does"));
    }
    Ok(infos)
}

fn parse(setting: &'static str, url: &str, certificates: Option<&TlsCertificates>) -> Result<ConnectionInfo, SettingError> {
    // The error of the parser can contain a part of the address, and so of the password.
    let info = url.into_connection_info().map_err(|_| SettingError::new(setting, URL_FORM))?;
    match info.addr() {
        ConnectionAddr::TcpTls { insecure: true, .. } => Err(SettingError::new(
            setting,
            "`#insecure` is not supported: set REDIS_CA_FILE to the authority that signed the certificate",
        )),
        ConnectionAddr::TcpTls { .. } => {
            let certificates = certificates.cloned().unwrap_or(TlsCertificates { client_tls: None, root_cert: None });
            let client = redis::Client::build_with_tls(info, certificates)
                .map_err(|_| SettingError::new(setting, "the certificates cannot be used"))?;
            Ok(client.get_connection_info().clone())
        }
        _ if certificates.is_some() => {
            Err(SettingError::new(setting, "certificates are set, but the address does not use TLS: begin it with rediss://"))
        }
        _ => Ok(info),
    }
}

/// The certificates in the settings; `None` if none is set.
fn certificates(config: &config::Redis) -> Result<Option<TlsCertificates>, SettingError> {
    let client_tls = match (config.redis_client_cert_file.pem(), config.redis_client_key_file.pem()) {
        (None, None) => None,
        (Some(_), None) => {
            return Err(SettingError::new("REDIS_CLIENT_KEY_FILE", "the key of REDIS_CLIENT_CERT_FILE is missing"));
        }
        (None, Some(_)) => {
            return Err(SettingError::new("REDIS_CLIENT_CERT_FILE", "the certificate of REDIS_CLIENT_KEY_FILE is missing"));
        }
        (Some(certificate), Some(key)) => {
            tls::check_pair(certificate, key).map_err(|error| SettingError::new("REDIS_CLIENT_KEY_FILE", error.to_string()))?;
            Some(ClientTlsConfig { client_cert: certificate.to_vec(), client_key: key.to_vec() })
        }
    };
    let root_cert = config.redis_ca_file.pem().map(<[u8]>::to_vec);
    Ok((client_tls.is_some() || root_cert.is_some()).then_some(TlsCertificates { client_tls, root_cert }))
}
