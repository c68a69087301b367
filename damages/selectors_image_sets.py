"""The list of image sets: its filters, its groups by plate, and which sets have new damages."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value, When, Window
from django.db.models.functions import Coalesce, Concat, RowNumber

from assets.models import CaptureSet, Car, Image, ImageSet
from assets.plates import Plate
from assets.querysets import ImageSetQuerySet
from assets.selectors import image_sets_unassigned
from damages.models import Damage
from damages.querysets import DamageQuerySet
from damages.selectors import LISTED_STATES, NEW_FOR, RECENT_FOR
from tenants.rows import AmongIds, id_text, plain_rows
from tenants.scope import Reach

#: The latest comes first.
LATEST = ("-recorded_at", "-id")
_WHY = "what hangs on sets that were reached already"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSetFilters:
    """What a list of image sets is narrowed to; None (or "") leaves a filter out.

    `until` is the first moment that is too late. `location` and `name` are those of the capture set; the `..._part`
    ones match any part of them, in any case.
    """

    ids: Sequence[UUID] | None = None
    tenant_id: UUID | None = None
    external_key: str = ""
    plate: Plate | None = None
    plate_part: str = ""
    is_unassigned: bool | None = None
    is_skipped: bool | None = None
    has_images: bool = False
    has_new_damages: bool = False
    since: datetime | None = None
    until: datetime | None = None
    location: str = ""
    name: str = ""
    location_part: str = ""
    name_part: str = ""


@dataclass(frozen=True, slots=True)
class PlateGroup:
    """The sets of one plate: the latest of them, how many there are, and how many damages stand on the latest."""

    image_set_id: UUID
    count: int
    damages: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """Whether a set has damages that were first seen within a day, and within five."""

    has_new: bool
    has_recent: bool


def image_sets_select(filters: ImageSetFilters, *, reach: Reach, now: datetime) -> ImageSetQuerySet:
    """The standing sets within reach that the filters ask for, the latest recorded first.

    Sets without a tenant are there where they are asked for (`is_unassigned`), by the rule of `image_sets_unassigned`;
    who reaches every tenant sees them unless they are not wanted.
    """
    own = reach.within(filters.tenant_id) if filters.tenant_id else reach
    rows = image_sets_unassigned(own) if filters.is_unassigned else ImageSet.objects.of(own).visible()
    if filters.is_unassigned is False:
        rows = rows.filter(tenant__isnull=False)
    if filters.tenant_id and not filters.is_unassigned:
        rows = rows.filter(tenant=filters.tenant_id)
    if filters.external_key:
        rows = rows.by_external_key(filters.external_key)
    for condition in (*_of_the_set(filters), *_of_the_rig(filters), *_of_the_plate(filters, own)):
        rows = rows.filter(condition)
    if filters.has_new_damages:
        # What is new was recorded within a day; so was the set, which cannot be older than the first occurrence.
        rows = rows.filter(_seen_first_since(now - NEW_FOR), recorded_at__gte=now - NEW_FOR)
    return rows.order_by(*LATEST)


def image_sets_by_plate(rows: ImageSetQuerySet) -> ImageSetQuerySet:
    """Of each plate among these sets the latest one, with `set_count`; a set without a plate is in no group.

    The plate is that of the set's car, or what was said or read while it has none.
    """
    number = Case(When(car__isnull=False, then=F("car__plate")), default=F("plate"))
    country = Case(When(car__isnull=False, then=F("car__country_code")), default=F("country_code"))
    key = Concat(country, Value("#"), number, output_field=CharField())
    named = rows.alias(plate_number=number, plate_key=key).exclude(plate_number="")
    latest_first = [F("recorded_at").desc(), F("id").desc()]
    return (
        named.annotate(
            set_count=Window(Count("pk"), partition_by=[F("plate_key")]),
            place=Window(RowNumber(), partition_by=[F("plate_key")], order_by=latest_first),
        )
        .filter(place=1)
        .order_by(*LATEST)
    )


def plate_groups(page: QuerySet[Any, Any]) -> dict[UUID, PlateGroup]:
    """The groups of a page of `image_sets_by_plate`, by the latest set's id and in the page's order; two queries."""
    counts = dict(page.values_list("pk", "set_count"))
    damages = damage_counts(counts)
    return {pk: PlateGroup(pk, count, damages.get(pk, 0)) for pk, count in counts.items()}


def damage_counts(image_set_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many damages (families) stand on each of these sets, which are not deleted, that has any."""
    # As `standing`, but the sets are known to be there: joining them made PostgreSQL read through all of them.
    rows = _damages().filter(AmongIds("image_set", image_set_ids))
    rows = rows.filter(deleted_at__isnull=True, image__deleted_at__isnull=True)
    standing = rows.filter(state__in=LISTED_STATES, is_potential=False).order_by()
    families = Count(Coalesce("representative", "pk"), distinct=True)
    return dict(standing.values_list("image_set").annotate(families=families))


def image_counts(image_set_ids: Collection[str]) -> dict[str, int]:
    """How many images each of these sets has (ids as text), of those that have any."""
    rows = Image.objects.all_tenants(_WHY).visible().filter(AmongIds("image_set", image_set_ids)).order_by()
    return {id_text(pk): count for pk, count in plain_rows(rows.values_list("image_set").annotate(Count("pk")))}


def image_sets_freshness(rows: ImageSetQuerySet, *, now: datetime) -> Mapping[UUID, Freshness]:
    """By id whether each of these sets has new and recent damages, from the recording of their first occurrence."""
    found = rows.annotate(has_new=_seen_first_since(now - NEW_FOR), has_recent=_seen_first_since(now - RECENT_FOR))
    return {
        pk: Freshness(has_new=is_new, has_recent=is_recent)
        for pk, is_new, is_recent in found.order_by().values_list("pk", "has_new", "has_recent")
    }


def _of_the_set(filters: ImageSetFilters) -> list[Q | Exists]:
    wanted: list[Q | Exists] = []
    if filters.ids is not None:
        wanted.append(Q(pk__in=filters.ids))
    if filters.since:
        wanted.append(Q(recorded_at__gte=filters.since))
    if filters.until:
        wanted.append(Q(recorded_at__lt=filters.until))
    if filters.is_skipped is not None:
        skipped = Q(manual_processing__is_skipped=True)
        never = Q(manual_processing__isnull=True) | Q(manual_processing__is_skipped=False)
        wanted.append(skipped if filters.is_skipped else never)
    if filters.has_images:
        images = Image.objects.all_tenants(_WHY).visible()
        wanted.append(Exists(images.filter(image_set=OuterRef("pk"))))
    return wanted


def _of_the_rig(filters: ImageSetFilters) -> list[Q]:
    rigs = Q()
    for column, whole, part in (
        ("location", filters.location, filters.location_part),
        ("name", filters.name, filters.name_part),
    ):
        if whole:
            rigs &= Q(**{column: whole})
        if part:
            rigs &= _containing(column, part)
    if not rigs:
        return []
    named = CaptureSet.objects.all_tenants("a set may be looked for by the rig that made it").filter(rigs)
    return [Q(capture_set__in=named.values("pk"))]


def _of_the_plate(filters: ImageSetFilters, reach: Reach) -> list[Q]:
    """A car's plate is its own; that of a set counts while it has no car."""
    cars = Car.objects.of(reach)
    wanted = []
    if filters.plate:
        country, number = filters.plate
        # A handful of keys at most: the database can then use its index for each.
        keys = list(cars.with_plate(filters.plate).values_list("pk", flat=True))
        wanted.append(Q(car__in=keys) | Q(car__isnull=True, country_code=country, plate=number))
    if filters.plate_part:
        named = cars.filter(plate__contains=filters.plate_part).values("pk")
        wanted.append(Q(car__in=named) | Q(car__isnull=True, plate__contains=filters.plate_part))
    return wanted


def _containing(column: str, text: str) -> Q:
    # SQLite's LIKE knows the case of ASCII letters only; its regular expressions are Python's and know all letters.
    lookup, pattern = ("icontains", text) if text.isascii() else ("iregex", re.escape(text))
    return Q(**{f"{column}__{lookup}": pattern})


def _seen_first_since(moment: datetime) -> Exists:
    """Whether a damage stands on the set of the outer query that was seen first at this moment or later."""
    first = Coalesce("first_damage__image_set__recorded_at", "image_set__recorded_at")
    rows = _damages().standing().filter(image_set=OuterRef("pk")).annotate(first_seen=first)
    return Exists(rows.filter(first_seen__gte=moment))


def _damages() -> DamageQuerySet:
    return Damage.objects.all_tenants(_WHY)
