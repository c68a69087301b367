"""Prometheus metrics, for the networks of METRICS_ALLOW alone."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The metrics as Prometheus text; 404 unless the peer itself (no header is believed) is in an allowed network."""
    if not _is_allowed(request.META.get("REMOTE_ADDR", "")):
        raise Http404
    response: HttpResponse = ExportToDjangoView(request)
    return response


def _is_allowed(peer: str) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        # A unix socket has no address; its proxy decides who gets here, and nobody asked for that to be open.
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in ip_network(network, strict=False) for network in settings.METRICS_ALLOW)
