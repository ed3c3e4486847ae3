//! The client behind a connection.

use std::net::IpAddr;

use http::Request;
use ipnet::IpNet;

/// Who is on the other side, as far as trusted proxies tell. Handlers read it with `warp::ext::get`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// The socket's own address, unless it is a trusted proxy that names another in `X-Real-IP`.
    pub(super) fn of<B>(request: &Request<B>, address: IpAddr, trusted: &[IpNet]) -> Self {
        let address = address.to_canonical();
        let named = trusted
            .iter()
            .any(|network| network.contains(&address))
            .then(|| request.headers().get("x-real-ip")?.to_str().ok()?.parse::<IpAddr>().ok())
            .flatten();
        Self(named.unwrap_or(address).to_canonical())
    }

    /// The network that stands for this peer in counters: its /24, or its /48.
    pub fn network(self) -> IpNet {
        let length = if self.0.is_ipv4() { 24 } else { 48 };
        IpNet::new(self.0, length).map_or_else(|_| IpNet::from(self.0), |network| network.trunc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str, real_ip: Option<&str>) -> String {
        let mut request = Request::builder();
        if let Some(real_ip) = real_ip {
            request = request.header("x-real-ip", real_ip);
        }
        let request = request.body(()).expect("a request");
        let trusted = ["127.0.0.0/8".parse().expect("a network")];
        Peer::of(&request, address.parse().expect("an address"), &trusted).0.to_string()
    }

    #[test]
    fn only_a_trusted_proxy_may_name_the_peer() {
        assert_eq!(peer("127.0.0.1", Some("198.51.100.7")), "198.51.100.7");
        assert_eq!(peer("::ffff:127.0.0.1", Some("198.51.100.7")), "198.51.100.7");
        assert_eq!(peer("192.0.2.1", Some("198.51.100.7")), "192.0.2.1");
        assert_eq!(peer("127.0.0.1", Some("nonsense")), "127.0.0.1");
        assert_eq!(peer("127.0.0.1", None), "127.0.0.1");
    }

    #[test]
    fn a_network_stands_for_its_peers() {
        assert_eq!(Peer("198.51.100.7".parse().expect("an address")).network().to_string(), "198.51.100.0/24");
        assert_eq!(Peer("2001:db8:1:2::3".parse().expect("an address")).network().to_string(), "2001:db8:1::/48");
    }
}
