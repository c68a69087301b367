"""The static half of the policy: what can be said about a URL without asking the DNS.

Only httpx's parser is used, here and for the connection itself, so there are no two readings of one URL to play off
against each other.
"""

import re
import socket
from ipaddress import IPv4Address, IPv6Address

import httpx

from tenants.outbound.addresses import IPAddress, allowed_networks, is_public
from tenants.outbound.errors import OutboundRefused

MAX_URL_LENGTH = 8192
MAX_PORT = 65535
DEFAULT_PORTS = {"http": 80, "https": 443}

# The Fetch standard's "bad ports": services that can be made to misread an HTTP request as their own words.
# fmt: off
BAD_PORTS = frozenset((
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
))
# fmt: on

_MALFORMED = re.compile(r"[\x00-\x1f\x7f\\]")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,254}}\Z){_LABEL}(?:\.{_LABEL})*\.?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


def check_url(url: str) -> None:
    """Raise OutboundRefused if `url` can be refused without DNS; for validation inside a request.

    Judges scheme, user info, host, port and literal addresses in every spelling the resolver would accept. A host name
    that passes is judged again, by every address it has, when it is called.
    """
    parse_url(url)


def parse_url(url: str) -> httpx.URL:
    """Return `url` parsed, after every check of `check_url`. Raises OutboundRefused."""
    if len(url) > MAX_URL_LENGTH:
        raise OutboundRefused(f"the URL is longer than {MAX_URL_LENGTH} characters")
    if _MALFORMED.search(url):
        raise OutboundRefused("the URL holds control characters or a backslash")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise OutboundRefused("this is not a valid URL") from None
    _check_parsed(parsed)
    return parsed


def join_url(base: httpx.URL, location: str) -> httpx.URL:
    """Return where a redirect from `base` to `location` leads, after every check of `check_url`."""
    if _MALFORMED.search(location):
        raise OutboundRefused("the redirect holds control characters or a backslash")
    try:
        joined = base.join(location)
    except (httpx.InvalidURL, ValueError):
        raise OutboundRefused("the redirect does not lead to a valid URL") from None
    return parse_url(str(joined))


def _check_parsed(url: httpx.URL) -> None:
    if url.scheme not in DEFAULT_PORTS:
        raise OutboundRefused("only http and https URLs are allowed")
    if url.userinfo:
        raise OutboundRefused("the URL must not hold a user name or password")
    if url.port is not None and (not 0 < url.port <= MAX_PORT or url.port in BAD_PORTS):
        raise OutboundRefused(f"port {url.port} is not allowed")
    _check_host(url.raw_host.decode("ascii"))


def origin(url: httpx.URL) -> tuple[str, bytes, int]:
    """Return scheme, host and port, the default port filled in: what a credential is bound to."""
    return url.scheme, url.raw_host, url.port or DEFAULT_PORTS[url.scheme]


def _check_host(host: str) -> None:
    if not host:
        raise OutboundRefused("the URL has no host")
    literal = _literal_address(host)
    if literal is not None and not is_public(literal, allowed_networks()):
        raise OutboundRefused(f"{host} is not a public address")
    if literal is None and not _HOST_NAME.fullmatch(host):
        raise OutboundRefused("the URL's host is not a valid name")


def _literal_address(host: str) -> IPAddress | None:
    """Return the address that `host` spells, None for a name; OutboundRefused for a number that is no address."""
    if ":" in host:
        return IPv6Address(host)  # httpx let it through in brackets, so it is one
    name = host.removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761: never anything but loopback
        return IPv4Address("127.0.0.1")
    if not _NUMBER.fullmatch(name.rpartition(".")[2]):
        return None
    # As in the URL standard, a host that ends in a number is an IPv4 address or an error. inet_aton is what the
    # resolver itself uses: decimal, octal, hexadecimal, and one to four parts.
    try:
        return IPv4Address(socket.inet_aton(name))
    except OSError:
        raise OutboundRefused("the URL's host is not a valid address") from None
