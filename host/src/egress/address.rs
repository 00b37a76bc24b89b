//! Which addresses are on the public internet. A sandboxed source must be no way into the host's own network, so
//! this lists what is *not* public, after IANA's special-purpose address registries (RFC 6890 and successors),
//! and looks through the IPv6 forms that carry an IPv4 address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address is from the public internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Globally routed.
    Public,
    /// Part of somebody's own network, by the name of its range; `private = true` opens these.
    Private(&'static str),
    /// Never what a name should resolve to (metadata services, link-local, multicast …); only a grant of the
    /// very address opens these.
    Special(&'static str),
}

/// Metadata services of the large clouds that lie in ranges which are otherwise private.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Classifies an address.
pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => reach_v6(v6),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    use Reach::{Private, Public, Special};
    if METADATA_V4.contains(&address) {
        return Special("cloud metadata");
    }
    match address.octets() {
        [0, ..] => Special("this network, 0.0.0.0/8"),
        [127, ..] => Private("loopback"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Private("private network"),
        [100, 64..=127, ..] => Private("carrier-grade NAT, 100.64.0.0/10"),
        [169, 254, ..] => Special("link-local"),
        [192, 0, 0, _] => Special("IETF protocol assignments, 192.0.0.0/24"),
        [192, 88, 99, _] => Special("6to4 relay"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Special("documentation"),
        [198, 18 | 19, ..] => Private("benchmarking, 198.18.0.0/15"),
        [224..=239, ..] => Special("multicast"),
        [240..=255, ..] => Special("reserved, 240.0.0.0/4"),
        _ => Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    use Reach::{Private, Public, Special};
    if address == METADATA_V6 {
        return Special("cloud metadata");
    }
    let segments = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Special("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Private("loopback"),
        // IPv4-compatible (::/96), IPv4-mapped (::ffff:0:0/96), IPv4-translated (::ffff:0:0:0/96), NAT64.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x64, 0xff9b, 1, ..] => Private("local NAT64, 64:ff9b:1::/48"),
        // 6to4 carries the IPv4 address of its gateway; Teredo that of its server and, inverted, of its client.
        [0x2002, high, low, ..] => v4(high, low),
        [0x2001, 0, server_high, server_low, _, _, high, low] => match v4(server_high, server_low) {
            Public => v4(!high, !low),
            other => other,
        },
        [0x100, 0, 0, 0, ..] => Special("discard-only, 100::/64"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Special("documentation"),
        [0x2001, 0x2, 0, ..] => Private("benchmarking, 2001:2::/48"),
        [0x2001, 0x10..=0x2f, ..] => Special("overlay identifiers, 2001:10::/28 and 2001:20::/28"),
        [0x5f00, ..] => Special("segment routing, 5f00::/16"),
        [0xfc00..=0xfdff, ..] => Private("unique local, fc00::/7"),
        [0xfe80..=0xfebf, ..] => Special("link-local"),
        [0xfec0..=0xfeff, ..] => Private("site-local, fec0::/10"),
        [0xff00..=0xffff, ..] => Special("multicast"),
        _ => Public,
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, reach};

    fn of(text: &str) -> Reach {
        reach(text.parse().unwrap())
    }

    #[test]
    fn ordinary_addresses_are_public() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert_eq!(of(text), Reach::Public, "{text}");
        }
    }

    #[test]
    fn own_networks_are_private_in_every_spelling() {
        for text in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "::ffff:0:10.1.2.3",
            "64:ff9b::192.168.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "fc00::1",
            "fd12:3456::1",
            "fec0::1",
            // Teredo: server 65.54.227.120, client 192.168.0.1 inverted.
            "2001:0:4136:e378:8000:63bf:3f57:fffe",
            // Teredo: server 10.0.0.1.
            "2001:0:a00:1:8000:63bf:f7f7:f7f7",
        ] {
            assert!(matches!(of(text), Reach::Private(_)), "{text}: {:?}", of(text));
        }
    }

    #[test]
    fn special_addresses_are_never_opened_by_a_name() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.1.1",
            "100.100.100.200",
            "192.0.0.192",
            "192.0.0.1",
            "192.0.2.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
        ] {
            assert!(matches!(of(text), Reach::Special(_)), "{text}: {:?}", of(text));
        }
    }
}
