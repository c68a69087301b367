"""Which IP addresses an outbound call may reach.

The tables are written out from the IANA special-purpose address registries (RFC 6890 and its successors) instead of
asking `ipaddress.is_global`, whose answers changed between patch releases of Python.
"""

import functools
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_V4_SPECIAL = tuple(
    IPv4Network(cidr)
    for cidr in (
        "0.0.0.0/8",  # "this network", unspecified
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, withdrawn
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)

# IPv6 is an allow-list: only what IANA has handed out as global unicast, less the islands in it.
_V6_GLOBAL_UNICAST = IPv6Network("2000::/3")
_V6_SPECIAL = tuple(
    IPv6Network(cidr)
    for cidr in (
        "2001::/23",  # IETF protocol assignments, Teredo, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: reaches any IPv4 address through a relay
        "3fff::/20",  # documentation
    )
)
_V6_NAT64 = IPv6Network("64:ff9b::/96")

# Refused even inside an allowed network: whoever opens 10/8 or fd00::/8 for a receiver does not mean the cloud's keys.
METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, GCP, Azure, OpenStack, DigitalOcean
        "169.254.170.2",  # AWS ECS
        "169.254.170.23",  # AWS EKS
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",  # GCP
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure's host, in public address space
    )
)


def is_public(ip: IPAddress, allow: Iterable[IPNetwork]) -> bool:
    """Tell whether an outbound call may connect to `ip`.

    An IPv4-mapped address (RFC 4291) is judged as the IPv4 address it reaches. `allow` opens further networks; it never
    opens a metadata address, and never an address with a zone.
    """
    if isinstance(ip, IPv6Address):
        if ip.scope_id is not None:
            return False
        ip = ip.ipv4_mapped or ip
    if ip in METADATA:
        return False
    if any(ip in network for network in allow):
        return True
    return _v4_is_public(ip) if isinstance(ip, IPv4Address) else _v6_is_public(ip)


def _v4_is_public(ip: IPv4Address) -> bool:
    return not any(ip in network for network in _V4_SPECIAL)


def _v6_is_public(ip: IPv6Address) -> bool:
    if ip in _V6_NAT64:  # RFC 6052: the last 32 bits are the address behind the gateway
        inner = IPv4Address(int(ip) & 0xFFFFFFFF)
        return inner not in METADATA and _v4_is_public(inner)
    return ip in _V6_GLOBAL_UNICAST and not any(ip in network for network in _V6_SPECIAL)


def allowed_networks() -> tuple[IPNetwork, ...]:
    """Return the networks of `settings.OUTBOUND_ALLOW` as networks. ValueError names an entry that is none."""
    return networks_parse(tuple(settings.OUTBOUND_ALLOW))


@functools.lru_cache(maxsize=8)
def networks_parse(entries: Sequence[str]) -> tuple[IPNetwork, ...]:
    """Turn addresses and CIDRs into networks; host bits may be set. ValueError names the first bad entry."""
    return tuple(ip_network(entry.strip(), strict=False) for entry in entries)
