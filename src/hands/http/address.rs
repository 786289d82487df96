//! Which addresses are out in the world, which are this machine's or its neighbours', and which nobody should talk to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A machine on the internet.
    Public,
    /// This machine, or one of its own network. Only when it was named as such.
    Local(&'static str),
    /// Nothing that a request is for: metadata of cloud machines, groups, addresses without meaning.
    Never(&'static str),
}

/// Where clouds tell a machine its own keys, besides 169.254.169.254.
const METADATA_V4: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Names by which those are known. They count where a proxy looks names up, and their addresses are not seen here.
const METADATA_NAMES: &[&str] = &["metadata", "metadata.google.internal", "metadata.goog", "instance-data"];

/// What an address stands for.
pub(crate) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

/// What a host stands for, as far as it is known without looking its name up; nothing for other names.
pub(crate) fn of_host(host: &str) -> Option<Reach> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Some(reach(address));
    }
    if host == "localhost" || host.ends_with(".localhost") {
        return Some(Reach::Local("this machine"));
    }
    METADATA_NAMES.contains(&host.as_str()).then_some(Reach::Never("a cloud's metadata"))
}

/// IANA's registry of special-purpose IPv4 addresses.
fn v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Reach::Never("an address of no machine"),
        (127, ..) => Reach::Local("this machine"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Reach::Local("a private network"),
        (169, 254, _) => Reach::Never("a link-local address, where clouds keep metadata"),
        (100, 64..=127, _) if address == METADATA_V4 => Reach::Never("a cloud's metadata"),
        (100, 64..=127, _) => Reach::Local("a provider's own network"),
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113) => {
            Reach::Never("a reserved address")
        }
        (224..=239, ..) => Reach::Never("a group of machines"),
        (240..=255, ..) => Reach::Never("a reserved address"),
        _ => Reach::Public,
    }
}

/// IANA's registry for IPv6. Forms that carry an IPv4 address are what that one is.
fn v6(address: Ipv6Addr) -> Reach {
    let s = address.segments();
    let low = || Ipv4Addr::from(u32::from(s[6]) << 16 | u32::from(s[7]));
    match s {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Local("this machine"),
        // IPv4-mapped, and NAT64's well-known prefix.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => v4(low()),
        // 6to4.
        [0x2002, high, middle, ..] => v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(middle))),
        _ if address == METADATA_V6 => Reach::Never("a cloud's metadata"),
        [0xfc00..=0xfdff, ..] => Reach::Local("a private network"),
        [0xfe80..=0xfebf, ..] => Reach::Never("a link-local address"),
        [0xff00..=0xffff, ..] => Reach::Never("a group of machines"),
        // Teredo and other protocols' own, documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, ..] => Reach::Never("a reserved address"),
        // Global unicast. The rest has no machine behind it.
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Never("a reserved address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_every_form() {
        for public in
            ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.63.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
        {
            assert_eq!(reach(public.parse().unwrap()), Reach::Public, "{public}");
        }
        for local in [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd12::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
        ] {
            assert!(matches!(reach(local.parse().unwrap()), Reach::Local(_)), "{local}");
        }
        for never in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "::",
            "::7f00:1",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:a9fe:a9fe::",
            "2001::1",
            "2001:db8::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(matches!(reach(never.parse().unwrap()), Reach::Never(_)), "{never}");
        }
    }

    #[test]
    fn names_that_need_no_looking_up() {
        for local in ["localhost", "LocalHost.", "a.localhost", "127.0.0.1", "[::1]"] {
            assert!(matches!(of_host(local), Some(Reach::Local(_))), "{local}");
        }
        for never in ["metadata.google.internal", "169.254.169.254", "[fe80::1]"] {
            assert!(matches!(of_host(never), Some(Reach::Never(_))), "{never}");
        }
        for name in ["example.com", "localhost.example.com", "nip.io"] {
            assert_eq!(of_host(name), None, "{name}");
        }
        assert_eq!(of_host("8.8.8.8"), Some(Reach::Public));
    }
}
