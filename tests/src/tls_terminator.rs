//! A TLS server in front of a server that speaks plain TCP. It can demand a certificate from its clients.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;

use crate::authority::{Authority, Identity};

/// A running terminator. Dropping it closes its connections.
#[derive(Debug)]
pub struct TlsTerminator {
    port: u16,
    config: watch::Sender<Arc<ServerConfig>>,
}

impl TlsTerminator {
    /// Starts a terminator in front of Redis at `127.0.0.1:target`. It shows `identity`, and accepts clients with a certificate of `clients`.
    pub async fn to_redis(target: u16, identity: &Identity, clients: &Authority) -> Self {
        Self::start(target, identity, Some(clients), false).await
    }

    /// Like `to_redis`, but for a web server, whose clients need no certificate.
    pub async fn to_web(target: u16, identity: &Identity) -> Self {
        Self::start(target, identity, None, false).await
    }

    /// Like `to_redis`, but for Postgres, whose clients ask for TLS before they begin it.
    pub async fn to_postgres(target: u16, identity: &Identity, clients: &Authority) -> Self {
        Self::start(target, identity, Some(clients), true).await
    }

    async fn start(target: u16, identity: &Identity, clients: Option<&Authority>, is_asked: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port should be free");
        let port = listener.local_addr().expect("the listener should have an address").port();
        let (config, mut configs) = watch::channel(server_config(identity, clients));
        tokio::spawn(async move {
            loop {
                let client = tokio::select! {
                    accepted = listener.accept() => accepted,
                    changed = configs.changed() => if changed.is_ok() { continue } else { return },
                };
                let Ok((mut client, _)) = client else { return };
                let acceptor = TlsAcceptor::from(Arc::clone(&configs.borrow_and_update()));
                let mut ended = configs.clone();
                tokio::spawn(async move {
                    let forward = async {
                        if is_asked {
                            client.read_exact(&mut [0; 8]).await?;
                            client.write_all(b"S").await?;
                        }
                        let mut client = acceptor.accept(client).await?;
                        let mut server = TcpStream::connect(("127.0.0.1", target)).await?;
                        copy_bidirectional(&mut client, &mut server).await
                    };
                    // A changed identity ends every connection, as a restart would.
                    tokio::select! {
                        _ = forward => {}
                        _ = ended.changed() => {}
                    }
                });
            }
        });
        Self { port, config }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends all connections and shows another identity to new ones.
    pub fn show(&self, identity: &Identity, clients: &Authority) {
        self.config.send_replace(server_config(identity, Some(clients)));
    }
}

fn server_config(identity: &Identity, clients: Option<&Authority>) -> Arc<ServerConfig> {
    let read = |path| {
        CertificateDer::pem_file_iter(path).expect("the file should exist").map(|pem| pem.expect("the file should be PEM"))
    };
    let key = PrivateKeyDer::from_pem_file(&identity.key).expect("the file should contain a key");
    let config = match clients {
        None => ServerConfig::builder().with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            for certificate in read(clients.certificate()) {
                roots.add(certificate).expect("the certificate should be valid");
            }
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().expect("the authority should be usable");
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    Arc::new(config.with_single_cert(read(identity.certificate.clone()).collect(), key).expect("the key should fit"))
}
