"""Hostile URLs that are refused without asking the DNS, and honest ones that pass."""

import contextlib
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from tenants.outbound import OutboundRefused, check_url
from tenants.outbound.addresses import is_public
from tests.tenants.outbound.peers import Names

HOSTILE = {
    # schemes and shapes
    "file:///etc/passwd": "only http and https",
    "ftp://example.com/a.jpg": "only http and https",
    "gopher://127.0.0.1:6379/_FLUSHALL": "only http and https",
    "dict://127.0.0.1:11211/stat": "only http and https",
    "javascript:alert(1)": "only http and https",
    "data:image/png;base64,AAAA": "only http and https",
    "jar:http://example.com!/": "only http and https",
    "unix:///var/run/docker.sock": "only http and https",
    "//example.com/a.jpg": "only http and https",
    "/etc/passwd": "only http and https",
    "": "only http and https",
    "http:///etc/passwd": "no host",
    "http:127.0.0.1": "no host",
    "http://": "no host",
    "http://?x": "no host",
    # user info, real and pretended
    "http://user:secret@example.com/": "user name or password",
    "http://example.com@127.0.0.1/": "user name or password",
    "http://example.com%20@127.0.0.1/": "user name or password",
    "http://example.com\\@127.0.0.1/": "backslash",
    "http://127.0.0.1\\.example.com/": "backslash",
    # characters
    "http://example.com/\r\nHost: 127.0.0.1": "control characters",
    "http://example.com\x00.evil.test/": "control characters",
    "\thttp://example.com/": "control characters",
    "http://exa mple.com/": "not a valid name",
    "http://%31%32%37.0.0.1/": "not a valid address",
    "http://127.0.0.1%2f.example.com/": "not a valid name",
    "http://a..b/": "not a valid name",
    "http://-x.example.com/": "not a valid name",
    "http://*.example.com/": "not a valid name",
    f"http://{'a' * 64}.example.com/": "not a valid name",
    f"http://{'a.' * 200}com/": "not a valid name",
    f"http://example.com/{'a' * 9000}": "longer than",
    # ports
    "http://example.com:0/": "port 0",
    "http://example.com:22/": "port 22",
    "http://example.com:25/": "port 25",
    "http://example.com:65536/": "port 65536",
    "http://example.com:-1/": "port -1",
    "http://example.com:80:80/": "not a valid",
    # loopback in every spelling
    "http://127.0.0.1/": "not a public address",
    "http://127.0.0.1./": "not a public address",
    "http://127.1/": "not a public address",
    "http://127.0.1/": "not a public address",
    "http://2130706433/": "not a public address",
    "http://0x7f000001/": "not a public address",
    "http://0x7f.0x0.0x0.0x1/": "not a public address",
    "http://0X7F.1/": "not a public address",
    "http://017700000001/": "not a public address",
    "http://127.0x0.1/": "not a public address",
    "http://127。0。0。1/": "not a public address",
    "http://localhost/": "not a public address",
    "http://LOCALHOST./": "not a public address",
    "http://anything.localhost/": "not a public address",
    "http://[::1]/": "not a public address",
    "http://[0:0:0:0:0:0:0:1]/": "not a public address",
    "http://[::ffff:127.0.0.1]/": "not a public address",
    "http://[::ffff:7f00:1]/": "not a public address",
    "http://[::127.0.0.1]/": "not a public address",
    "http://[64:ff9b::127.0.0.1]/": "not a public address",
    "http://[2002:7f00:1::]/": "not a public address",
    # private, link-local, metadata, the rest of the registries
    "http://0/": "not a public address",
    "http://0.0.0.0:8000/": "not a public address",
    "http://[::]/": "not a public address",
    "http://10.0.0.1/": "not a public address",
    "http://172.16.0.1/": "not a public address",
    "http://192.168.1.1/": "not a public address",
    "http://192.168.257/": "not a public address",
    "http://0300.0250.1.1/": "not a",
    "http://100.64.0.1/": "not a public address",
    "http://169.254.169.254/latest/meta-data/": "not a public address",
    "http://2852039166/latest/meta-data/": "not a public address",
    "http://0xa9fea9fe/": "not a public address",
    "http://[::ffff:a9fe:a9fe]/": "not a public address",
    "http://[fd00:ec2::254]/": "not a public address",
    "http://168.63.129.16/": "not a public address",
    "http://[fe80::1%25eth0]/": "not a public address",
    "http://[2606:4700::1%25eth0]/": "not a public address",
    "http://[fc00::1]/": "not a public address",
    "http://[ff02::1]/": "not a public address",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/": "not a public address",
    "http://224.0.0.1/": "not a public address",
    "http://255.255.255.255/": "not a public address",
    # numbers that are no address
    "http://256.256.256.256/": "not a valid",
    "http://1.2.3.4.5/": "not a valid address",
    "http://4294967296/": "not a valid address",
    "http://0x/": "not a",
    "http://example.0x7f/": "not a valid address",
    "http://[::1/": "not a valid",
    "http://[v1.x]/": "not a valid URL",
    "http://１２７.0.0.1/": "not a valid URL",
}


@pytest.mark.parametrize(("url", "why"), HOSTILE.items(), ids=[repr(url)[:60] for url in HOSTILE])
def test_hostile_url_is_refused_without_a_look_up(url: str, why: str, names: Names) -> None:
    with pytest.raises(OutboundRefused, match=why):
        check_url(url)
    assert names.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "HTTPS://Example.COM",
        "http://example.com:8080/a.jpg?X-Amz-Signature=abc&x=%2F#top",
        "http://example.com./photo one.jpg",
        "http://example.com/a@b:c",
        "https://münchen.example/ü.jpg",
        "https://xn--mnchen-3ya.example/",
        "https://bucket_name.s3.example.com/",
        "https://127.0.0.1.nip.example/",
        "https://0x7f.example/",
        "http://8.8.8.8/",
        "http://134744072/",
        "http://[2606:4700:4700::1111]:8443/",
        "http://receiver:8000/hook",
    ],
)
def test_honest_url_passes_without_a_look_up(url: str, names: Names) -> None:
    check_url(url)
    assert names.asked == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/", "http://2130706433/", "http://[::ffff:127.0.0.1]/"])
def test_allowed_address_passes(url: str, loopback_allowed: None) -> None:
    check_url(url)
    with pytest.raises(OutboundRefused):
        check_url("http://127.0.0.2/")


def _spellings(ip: IPv4Address) -> list[str]:
    number = int(ip)
    a, b, c, d = ip.packed
    return [
        f"{ip}", f"{ip}.", f"{number}", f"{number:#x}", f"0{number:o}", f"{a}.{number & 0xFFFFFF}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#X}", f"{a}.{b}.{c << 8 | d}", f"[::ffff:{ip}]", f"[64:ff9b::{ip}]",
    ]  # fmt: skip


@hypothesis_settings(deadline=None)  # a busy machine is no failure
@given(ip=st.ip_addresses(v=4))
def test_every_spelling_of_an_address_is_judged_alike(ip: IPv4Address) -> None:
    for host in _spellings(ip):
        if is_public(ip, ()):
            check_url(f"http://{host}/")
        else:
            with pytest.raises(OutboundRefused, match="not a public address"):
                check_url(f"http://{host}/")


@hypothesis_settings(deadline=None)  # a busy machine is no failure
@given(url=st.one_of(st.text(max_size=80), st.text(max_size=60).map("http://{}/".format)))
def test_no_text_makes_the_check_crash(url: str) -> None:
    with contextlib.suppress(OutboundRefused):
        check_url(url)


def test_reason_holds_no_credentials(settings: Settings) -> None:
    with pytest.raises(OutboundRefused) as caught:
        check_url("http://10.0.0.1/a?token=s3cret")
    assert caught.value.reason == "10.0.0.1 is not a public address"
    with pytest.raises(OutboundRefused) as caught:
        check_url("http://user:s3cret@example.com/")
    assert "s3cret" not in str(caught.value)
