"""Outbound HTTP for the whole project: one client that refuses private addresses, and webhook signatures.

Everything that leaves the platform over HTTP goes through `fetch_to_file`, `fetch_json` or `send`.
`settings.OUTBOUND_ALLOW` lists the private addresses (or networks, as CIDR) they may reach; it is empty by default.

Not covered, because no client can know it: a network that translates a prefix of its own to IPv4 (RFC 6052 network
specific prefixes); such a prefix belongs on the network's firewall.
"""

from tenants.outbound.client import Answer, Fetched, JsonAnswer, check_headers, fetch_json, fetch_to_file, send
from tenants.outbound.errors import OutboundError, OutboundFailed, OutboundRefused
from tenants.outbound.signing import SignatureError, secret_new, sign, verify
from tenants.outbound.urls import check_url

__all__ = [
    "Answer",
    "Fetched",
    "JsonAnswer",
    "OutboundError",
    "OutboundFailed",
    "OutboundRefused",
    "SignatureError",
    "check_headers",
    "check_url",
    "fetch_json",
    "fetch_to_file",
    "secret_new",
    "send",
    "sign",
    "verify",
]
