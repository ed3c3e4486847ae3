//! The client's address.

use std::net::IpAddr;

use http::Request;
use ipnet::IpNet;

/// The client's address, as reported by a trusted proxy if there is one. Handlers read it with `warp::ext::get`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// Uses `X-Real-IP` if `address`, the socket's peer, is a trusted proxy, and `address` otherwise.
    pub(super) fn of<B>(request: &Request<B>, address: IpAddr, trusted: &[IpNet]) -> Self {
        let address = address.to_canonical();
        let forwarded = trusted
            .iter()
            .any(|network| network.contains(&address))
            .then(|| request.headers().get("x-real-ip")?.to_str().ok()?.parse::<IpAddr>().ok())
            .flatten();
        Self(forwarded.unwrap_or(address).to_canonical())
    }

    /// Returns the network by which limits and counters group this peer: its IPv4 /24 or IPv6 /48.
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
    fn x_real_ip_is_used_only_from_trusted_proxies() {
        assert_eq!(peer("127.0.0.1", Some("198.51.100.7")), "198.51.100.7");
        assert_eq!(peer("::ffff:127.0.0.1", Some("198.51.100.7")), "198.51.100.7");
        assert_eq!(peer("192.0.2.1", Some("198.51.100.7")), "192.0.2.1");
        assert_eq!(peer("127.0.0.1", Some("nonsense")), "127.0.0.1");
        assert_eq!(peer("127.0.0.1", None), "127.0.0.1");
    }

    #[test]
    fn peers_are_grouped_by_ipv4_24_and_ipv6_48() {
        assert_eq!(Peer("198.51.100.7".parse().expect("an address")).network().to_string(), "198.51.100.0/24");
        assert_eq!(Peer("2001:db8:1:2::3".parse().expect("an address")).network().to_string(), "2001:db8:1::/48");
    }
}
