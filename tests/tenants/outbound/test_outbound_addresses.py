"""Which addresses are public: the registries' rows, and properties over the whole address space."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from tenants.outbound.addresses import METADATA, allowed_networks, is_public, networks_parse

REFUSED = """
    0.0.0.0 0.1.2.3 10.0.0.0 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.0.1
    169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1
    198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    100.100.100.200 168.63.129.16
    :: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:8.8.8.8
    64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:4136:e378::1
    2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe:: 2002:808:808:: 3fff::1 5f00::1 fc00::1
    fd00:ec2::254 fd20:ce::254 fe80::1 fe80::1%eth0 2606:4700::1%eth0 fec0::1 ff02::1 ff0e::1
"""

PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
    169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
    223.255.255.255 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2001:200::1 2606:4700:4700::1111 2a00:1450:4001:800::200e
"""


@pytest.mark.parametrize("text", REFUSED.split())
def test_address_is_refused(text: str) -> None:
    assert not is_public(ip_address(text), ())


@pytest.mark.parametrize("text", PUBLIC.split())
def test_address_is_public(text: str) -> None:
    assert is_public(ip_address(text), ())


@hypothesis_settings(deadline=None)  # a busy machine is no failure
@given(st.ip_addresses(v=4))
def test_ipv4_agrees_with_the_standard_library(ip: IPv4Address) -> None:
    """Python's own table is the peer: nothing it calls private, multicast or reserved is public here."""
    if is_public(ip, ()):
        kinds = (ip.is_private, ip.is_multicast, ip.is_reserved, ip.is_loopback, ip.is_link_local)
        assert (ip.is_global, any(kinds)) == (True, False)


@hypothesis_settings(deadline=None)  # a busy machine is no failure
@given(st.ip_addresses(v=6))
def test_ipv6_agrees_with_the_standard_library(ip: IPv6Address) -> None:
    if is_public(ip, ()) and ip.ipv4_mapped is None:  # the mapped ones have a test of their own
        kinds = (ip.is_private, ip.is_multicast, ip.is_loopback, ip.is_link_local, ip.is_site_local)
        assert (ip.is_global, any(kinds)) == (True, False)


@hypothesis_settings(deadline=None)  # a busy machine is no failure
@given(st.ip_addresses(v=4))
def test_a_wrapped_ipv4_address_is_never_more_public_than_itself(ip: IPv4Address) -> None:
    wrapped = [
        IPv6Address(0xFFFF << 32 | int(ip)),
        IPv6Address(int(IPv6Address("64:ff9b::")) | int(ip)),
        IPv6Address(int(ip)),
        IPv6Address(0x2002 << 112 | int(ip) << 80),
        IPv6Address(0x2001 << 112 | int(ip) << 64 | (int(ip) ^ 0xFFFFFFFF)),
    ]
    assert is_public(ip, ()) or not any(is_public(one, ()) for one in wrapped)


def test_allowed_network_opens_its_addresses_and_no_others() -> None:
    allow = networks_parse(("127.0.0.1", "10.1.2.3/8", "fd00::/8"))
    assert allow == (ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    for text in ("127.0.0.1", "::ffff:127.0.0.1", "10.200.0.1", "fd12::1"):
        assert is_public(ip_address(text), allow)
    for text in ("127.0.0.2", "192.168.0.1", "::1", "64:ff9b::10.0.0.1", "fd12::1%eth0"):
        assert not is_public(ip_address(text), allow)


@pytest.mark.parametrize("ip", sorted(METADATA, key=str))
def test_metadata_stays_closed_whatever_is_allowed(ip: IPv4Address | IPv6Address) -> None:
    allow = networks_parse(("0.0.0.0/0", "::/0"))
    assert not is_public(ip, allow)
    if isinstance(ip, IPv4Address):
        assert not is_public(IPv6Address(f"::ffff:{ip}"), allow)


def test_allowed_networks_come_from_the_settings(settings: Settings) -> None:
    assert allowed_networks() == ()
    settings.OUTBOUND_ALLOW = ["192.168.7.0/24"]
    assert allowed_networks() == (ip_network("192.168.7.0/24"),)
    settings.OUTBOUND_ALLOW = ["receiver.internal"]
    with pytest.raises(ValueError, match=r"receiver\.internal"):
        allowed_networks()
