"""Another system that knows cars, asked over HTTP as the settings say: a road authority, a dealer's register.

What it answers is public register data, so one answer serves every tenant. An address, a header's value and a plate
stand in no log and no message.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import structlog
from django.conf import settings
from django.core.cache import cache

from assets.carinfo.answers import FieldMap, facts_read, field_map
from assets.carinfo.facts import CarFacts, Question
from tenants.errors import Unavailable
from tenants.outbound import JsonAnswer, OutboundError, OutboundFailed, check_headers, check_url, fetch_json

log = structlog.get_logger(__name__)

#: Larger answers are no answers about one car.
MAX_BYTES: Final = 1_000_000
#: Seconds for which a system that failed is left alone, so that nobody waits for it again and again.
REST_SECONDS: Final = 30
#: The longest an unknown car stays unknown: plates are given out every day.
UNKNOWN_SECONDS: Final = 3600
UNAVAILABLE: Final = "The vehicle register does not answer. Try again later."

_PLACEHOLDER: Final = re.compile(r"\{(plate|country|vin)\}")
#: Its ways of saying that there is no such car, or that this cannot be a plate of one.
_NO_SUCH_CAR: Final = frozenset(
    {
        HTTPStatus.NO_CONTENT,
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.GONE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProvider:
    """The system behind an address. `plate_url` and `vin_url` are templates, "" for what it cannot be asked.

    `countries` are those whose plates it knows, empty for all; `seconds` is the time of a whole call.
    """

    plate_url: str
    vin_url: str
    headers: Mapping[str, str]
    fields: FieldMap
    countries: frozenset[str]
    seconds: float
    cache_seconds: int

    def ask(self, question: Question) -> CarFacts | None:
        """What the system knows of the car; None for an unknown one, or one it cannot be asked about.

        Raises Unavailable when it does not answer, and for some seconds after that without asking.
        """
        url = self._address(question)
        if not url:
            return None
        place = _place("answer", url, self.fields)
        kept = cache.get(place)
        if kept is None:
            kept = self._fetched(url)
            known_for = self.cache_seconds if kept else min(UNKNOWN_SECONDS, self.cache_seconds)
            cache.set(place, kept, known_for)
        facts = CarFacts(**kept) if kept else None
        is_another = facts is not None and question.vin and facts.vin not in ("", question.vin)
        return None if is_another else facts

    def _address(self, question: Question) -> str:
        """Where to ask: by VIN if it is known and can be asked for, else by the plate."""
        if question.vin and self.vin_url:
            return _filled(self.vin_url, {"vin": question.vin})
        plate = question.plate
        if plate is None or (self.countries and plate.country not in self.countries):
            return ""
        return _filled(self.plate_url, {"plate": plate.number, "country": plate.country})

    def _fetched(self, url: str) -> dict[str, Any]:
        """The answer of this very moment; {} for an unknown car."""
        resting = _place("resting", self.plate_url, self.vin_url)
        if cache.get(resting):
            raise Unavailable(UNAVAILABLE)
        try:
            answer = fetch_json(url, headers=self.headers, max_bytes=MAX_BYTES, deadline_s=self.seconds)
            return self._read(answer)
        except OutboundError as error:
            cache.set(resting, value=True, timeout=REST_SECONDS)
            log.warning("car_info_failed", reason=error.reason)
            raise Unavailable(UNAVAILABLE) from error

    def _read(self, answer: JsonAnswer) -> dict[str, Any]:
        if answer.status in _NO_SUCH_CAR:
            return {}
        if answer.status != HTTPStatus.OK:
            raise OutboundFailed(f"the register answered with status {answer.status}", status=answer.status)
        facts = facts_read(answer.data, self.fields)
        return asdict(facts) if facts else {}


def http_provider() -> HttpProvider | None:
    """The system that the settings name; None if they name none."""
    if not settings.CAR_INFO_URL and not settings.CAR_INFO_VIN_URL:
        return None
    return HttpProvider(
        plate_url=settings.CAR_INFO_URL,
        vin_url=settings.CAR_INFO_VIN_URL,
        headers=settings.CAR_INFO_HEADERS,
        fields=field_map(settings.CAR_INFO_FIELDS),
        countries=frozenset(country.upper() for country in settings.CAR_INFO_COUNTRIES),
        seconds=settings.CAR_INFO_SECONDS,
        cache_seconds=settings.CAR_INFO_CACHE_SECONDS,
    )


def http_provider_faults() -> list[str]:
    """What is wrong with the settings of the provider, in sentences; values of headers are never told."""
    found = []
    for name, needed in (("CAR_INFO_URL", "plate"), ("CAR_INFO_VIN_URL", "vin")):
        template = getattr(settings, name)
        if template and f"{{{needed}}}" not in template:
            found.append(f"{name} does not say where the {needed} belongs: {{{needed}}}.")
        if template and (reason := _refusal(_filled(template, {}))):
            found.append(f"{name}: {reason}.")
    headers = settings.CAR_INFO_HEADERS
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        found.append("CAR_INFO_HEADERS is no JSON object of texts.")
    elif reason := _refusal_of_headers(headers):
        found.append(f"CAR_INFO_HEADERS: {reason}.")
    try:
        fields = field_map(settings.CAR_INFO_FIELDS)
    except ValueError as error:
        return [*found, f"CAR_INFO_FIELDS: {error}"]
    if not fields and (settings.CAR_INFO_URL or settings.CAR_INFO_VIN_URL):
        found.append("CAR_INFO_FIELDS is empty: nothing would be read from an answer.")
    return found


def _filled(template: str, values: Mapping[str, str]) -> str:
    """The address; every value is percent-encoded whole, and one that is not known is empty."""
    return _PLACEHOLDER.sub(lambda found: quote(values.get(found[1], ""), safe=""), template)


def _place(kind: str, *parts: object) -> str:
    """A key of the cache that tells nothing of what is kept there."""
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return f"car_info:{kind}:{digest}"


def _refusal(url: str) -> str:
    try:
        check_url(url)
    except OutboundError as error:
        return error.reason
    return ""


def _refusal_of_headers(headers: Mapping[str, str]) -> str:
    try:
        check_headers(headers)
    except OutboundError as error:
        return error.reason
    return ""
