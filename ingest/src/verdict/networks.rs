//! IP addresses of services that inspect mail.

use std::net::Ipv4Addr;

/// Networks of Barracuda, Mimecast, Proofpoint and Symantec, as published for their customers' firewalls: an address and a prefix length.
const SCANNERS: [(Ipv4Addr, u32); 22] = [
    (Ipv4Addr::new(64, 235, 144, 0), 20),
    (Ipv4Addr::new(209, 222, 80, 0), 21),
    (Ipv4Addr::new(63, 128, 21, 0), 24),
    (Ipv4Addr::new(91, 220, 42, 0), 24),
    (Ipv4Addr::new(146, 101, 78, 0), 24),
    (Ipv4Addr::new(170, 10, 128, 0), 22),
    (Ipv4Addr::new(185, 58, 84, 0), 22),
    (Ipv4Addr::new(195, 130, 217, 0), 24),
    (Ipv4Addr::new(205, 139, 110, 0), 23),
    (Ipv4Addr::new(207, 211, 30, 0), 23),
    (Ipv4Addr::new(216, 205, 24, 0), 24),
    (Ipv4Addr::new(67, 231, 144, 0), 20),
    (Ipv4Addr::new(91, 209, 104, 0), 24),
    (Ipv4Addr::new(148, 163, 128, 0), 19),
    (Ipv4Addr::new(185, 132, 180, 0), 22),
    (Ipv4Addr::new(205, 220, 160, 0), 19),
    (Ipv4Addr::new(208, 84, 64, 0), 22),
    (Ipv4Addr::new(67, 219, 240, 0), 20),
    (Ipv4Addr::new(85, 158, 136, 0), 21),
    (Ipv4Addr::new(95, 131, 104, 0), 21),
    (Ipv4Addr::new(195, 245, 230, 0), 23),
    (Ipv4Addr::new(216, 82, 240, 0), 20),
];

/// True if the address belongs to a mail security service.
pub(super) fn is_scanner(ip: &str) -> bool {
    let Ok(address) = ip.trim().parse::<Ipv4Addr>() else { return false };
    SCANNERS.iter().any(|(network, prefix)| {
        let shift = 32 - prefix;
        address.to_bits() >> shift == network.to_bits() >> shift
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_first_and_last_addresses_only() {
        for ip in ["64.235.144.0", "64.235.159.255", " 207.211.31.9 "] {
            assert!(is_scanner(ip), "{ip}");
        }
        for ip in ["64.235.160.0", "64.235.143.255", "192.0.2.1", "2001:db8::1", "", "somewhere"] {
            assert!(!is_scanner(ip), "{ip}");
        }
    }
}
