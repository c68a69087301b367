"""The audit history as one list: who changed settings, roles, keys and groups, when, why, and from what to what.

It is read from the history tables of django-simple-history. A page of it costs a fixed number of queries however many
changes there are: each table gives its newest rows before a place in time, which are then merged.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.timezone import localtime

from tenants.models import (
    ApiKey,
    Membership,
    Quota,
    SigningSecret,
    Tenant,
    TenantGroup,
    TenantSettings,
    User,
    Webhook,
)
from tenants.rights import STRANGER, people_known
from tenants.scope import Reach

#: Kinds of changes: word of the address bar -> model. Group changes are rows of people, with a reason.
KINDS: Final[Mapping[str, type[Model]]] = {
    "settings": TenantSettings,
    "role": Membership,
    "key": ApiKey,
    "secret": SigningSecret,
    "person": User,
    "group": TenantGroup,
    "tenant": Tenant,
    "quota": Quota,
    "webhook": Webhook,
}
KIND_LABELS: Final[Mapping[str, str]] = {
    "settings": "Settings", "role": "Role", "key": "API key", "secret": "Signing secret", "person": "Person",
    "group": "Group of tenants", "tenant": "Tenant", "quota": "Quota", "webhook": "Webhook",
}  # fmt: skip
PAGE_SIZE: Final = 50
#: How often a page is filled up after leaving out changes that show nothing.
_ROUNDS: Final = 10
#: Columns that say nothing to a person who reads: the machine's own, and those that the object's name tells already.
_SILENT: Final = frozenset({"id", "created_at", "modified_at"})
#: Where somebody works at the moment may be a tenant that the reader must not know of.
_FOR_THOSE_WHO_REACH_ALL: Final = frozenset({"current_tenant"})
#: What simple_history calls the members that a version of a group had.
_MEMBERS: Final = "historicaltenantgroup_members_set"
_NOBODY: Final = "the platform"
#: Kinds that are about a person -> the column with the person's key.
_ABOUT: Final[Mapping[str, str]] = {"role": "user_id", "person": "id"}
#: Kinds whose rows have no name -> how they are called.
_OWN_WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "key": lambda record: f"{record.get_family_display()} key …{record.hint}",
    "secret": lambda record: f"…{record.hint}",
    "quota": lambda record: str(record.get_service_display()),
    "webhook": lambda record: f"{record.get_family_display()}: {record.event}",
}


class Place(NamedTuple):
    """A place in the list: the change that was read last. The next page begins after it."""

    when: datetime
    change_id: UUID

    def __str__(self) -> str:
        return f"{self.when.isoformat()}~{self.change_id}"

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """The place that `str` wrote, None for anything else."""
        when, _, change_id = text.partition("~")
        try:
            place = cls(datetime.fromisoformat(when), UUID(change_id))
        except ValueError:
            return None
        return place if place.when.tzinfo else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes to show: of one kind, by a person, in tenants called so, within a time; everything by default."""

    kind: str = ""
    who: str = ""
    tenant: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A column's value before and after, in words; "" for no value."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the list. `row` is the object if it still exists and the reader reaches it."""

    place: Place
    kind: str
    verb: str
    who: str
    subject: str
    tenant: str
    reason: str
    row: Model | None
    fields: Sequence[FieldChange] = field(default=())

    @property
    def when(self) -> datetime:
        """When it happened (UTC)."""
        return self.place.when


class Page(NamedTuple):
    """Changes, newest first, and where older ones begin (None: there are none)."""

    changes: list[Change]
    older: Place | None


class _Entry(NamedTuple):
    """A row of a history table with the row before it of the same object."""

    place: Place
    kind: str
    record: Any
    previous: Any


def audit_page(*, reach: Reach, asker: User, wanted: Wanted, after: Place | None = None) -> Page:
    """The newest changes within the reach (that of somebody's right to read settings), at most PAGE_SIZE.

    Changes that this reader sees nothing of (where somebody works at the moment, a last log-in) are left out.
    """
    changes: list[Change] = []
    older = after
    for _ in range(_ROUNDS):
        entries, has_more = _entries(reach, asker, wanted, older)
        told = _tell(entries, reach, asker)
        room = PAGE_SIZE - len(changes)
        if len(told) > room:
            return Page([*changes, *told[:room]], told[room - 1].place)
        changes += told
        older = entries[-1].place if has_more else None
        if older is None or len(changes) == PAGE_SIZE:
            break
    return Page(changes, older)


# --- reading the tables ---


def _entries(reach: Reach, asker: User, wanted: Wanted, after: Place | None) -> tuple[list[_Entry], bool]:
    """The next rows of all tables in order, and whether there are more."""
    kinds = [wanted.kind] if wanted.kind else list(KINDS)
    tables = {kind: _rows(kind, reach, asker, wanted, after) for kind in kinds}
    marked = ([(_place(row), kind, row) for row in rows] for kind, rows in tables.items())
    merged = heapq.merge(*marked, key=lambda one: one[0], reverse=True)
    newest = list(merged)
    chosen = newest[:PAGE_SIZE]
    before = {kind: _previous(kind, [row for _, of, row in chosen if of == kind]) for kind in kinds}
    entries = [_Entry(place, kind, row, before[kind].get(row.previous_id)) for place, kind, row in chosen]
    return entries, len(newest) > PAGE_SIZE


def _rows(kind: str, reach: Reach, asker: User, wanted: Wanted, after: Place | None) -> list[Any]:
    """One row more than a page of a table, newest first, each with the key of the row before it."""
    history = _history(kind)
    earlier = history.filter(id=OuterRef("id"), history_date__lt=OuterRef("history_date")).order_by("-history_date")
    rows = _within(kind, history, reach).filter(_asked_for(kind, reach, asker, wanted))
    if after is not None:
        rows = rows.filter(Q(history_date__lt=after.when) | Q(history_date=after.when, history_id__lt=after.change_id))
    rows = rows.annotate(previous_id=Subquery(earlier.values("history_id")[:1]))
    return list(_with_members(kind, rows).order_by("-history_date", "-history_id")[: PAGE_SIZE + 1])


def _previous(kind: str, rows: Iterable[Any]) -> dict[UUID, Any]:
    keys = [row.previous_id for row in rows if row.previous_id and row.history_type == "~"]
    if not keys:
        return {}
    found = _with_members(kind, _history(kind).filter(history_id__in=keys))
    return {row.history_id: row for row in found}


def _with_members(kind: str, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.prefetch_related(_MEMBERS) if kind == "group" else rows


def _history(kind: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = KINDS[kind].history.model._default_manager.all()  # type: ignore[attr-defined]  # noqa: SLF001
    return rows


def _within(kind: str, rows: QuerySet[Any], reach: Reach) -> QuerySet[Any]:
    """The changes within reach. People are those who are members now; groups reach across tenants."""
    if reach.tenant_ids is None:
        return rows
    if kind == "group":
        return rows.none()
    if kind == "person":
        return rows.filter(Exists(Membership.objects.of(reach).filter(user=OuterRef("id"))))
    return rows.filter(**{"id__in" if kind == "tenant" else "tenant_id__in": reach.tenant_ids})


def _asked_for(kind: str, reach: Reach, asker: User, wanted: Wanted) -> Q:
    """What the filters leave. Names are looked for among people whom the reader may know: none can be guessed."""
    query = Q()
    if wanted.since:
        query &= Q(history_date__gte=wanted.since)
    if wanted.until:
        query &= Q(history_date__lt=wanted.until)
    for word in wanted.who.split():
        named = Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(phone__icontains=word)
        query &= Q(history_user__in=people_known(asker).filter(named).values("pk"))
    if wanted.tenant:
        query &= _in_tenants(kind, reach, wanted.tenant)
    return query


def _in_tenants(kind: str, reach: Reach, name: str) -> Q:
    tenants = Tenant.objects.filter(name__icontains=name)
    if reach.tenant_ids is not None:
        tenants = tenants.filter(pk__in=reach.tenant_ids)
    keys = tenants.values("pk")
    if kind == "person":
        return Q(id__in=Membership.objects.of(reach).filter(tenant__in=keys).values("user"))
    if kind == "group":
        return Q(id__in=TenantGroup.objects.filter(Q(members__in=keys) | Q(power_tenant__in=keys)).values("pk"))
    return Q(**{"id__in" if kind == "tenant" else "tenant_id__in": keys})


def _place(row: Any) -> Place:
    return Place(row.history_date, row.history_id)


# --- telling them in words ---


def _tell(entries: Sequence[_Entry], reach: Reach, asker: User) -> list[Change]:
    """The changes that the reader sees something of."""
    names = _Names(entries, asker)
    return [change for entry in entries if (change := _change(entry, names, reach)) is not None]


def _change(entry: _Entry, names: _Names, reach: Reach) -> Change | None:
    record = entry.record
    fields = tuple(_field_changes(entry, names, reach)) if record.history_type == "~" else ()
    reason = record.history_change_reason or ""
    if record.history_type == "~" and not fields and not reason:
        return None
    return Change(
        place=entry.place, kind=entry.kind, verb={"+": "added", "~": "changed", "-": "removed"}[record.history_type],
        who=names.author(record.history_user_id), subject=names.subject(entry), tenant=names.tenant_of(entry),
        reason=reason, row=names.row(entry), fields=fields,
    )  # fmt: skip


def _field_changes(entry: _Entry, names: _Names, reach: Reach) -> Iterator[FieldChange]:
    """What differs from the row before; nothing is known of a first row. Secrets are in no history."""
    new, old = entry.record, entry.previous
    if old is None:
        return
    for column in new.tracked_fields:
        if column.name in _SILENT or (column.name in _FOR_THOSE_WHO_REACH_ALL and reach.tenant_ids is not None):
            continue
        before, after = getattr(old, column.attname), getattr(new, column.attname)
        if before != after:
            yield from _told(column, before, after, names)
    if entry.kind == "group":
        before, after = names.members(old), names.members(new)
        if before != after:
            yield FieldChange("Members", before, after)


def _told(column: Any, before: Any, after: Any, names: _Names) -> Iterator[FieldChange]:
    label = capfirst(str(column.verbose_name))
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                yield FieldChange(f"{label}: {key}", _words(before.get(key)), _words(after.get(key)))
    else:
        yield FieldChange(label, names.value(column, before), names.value(column, after))


def _words(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, datetime):
        return date_format(localtime(value), "DATETIME_FORMAT")
    return "" if value is None else str(value)


class _Names:
    """The names of all people and tenants on a page, and the objects that are still there: one query for each kind."""

    def __init__(self, entries: Sequence[_Entry], asker: User) -> None:
        records = [record for entry in entries for record in (entry.record, entry.previous) if record is not None]
        people = _keys(records, User) | {record.history_user_id for record in records}
        self._people = User.objects.in_bulk([key for key in people if key])
        known = people_known(asker).filter(pk__in=self._people)
        self._known = frozenset(known.values_list("pk", flat=True))
        self._tenants = Tenant.objects.in_bulk([key for key in _keys(records, Tenant) if key])
        self._rows = {kind: _still_there(kind, entries) for kind in {entry.kind for entry in entries}}

    def author(self, key: UUID | None) -> str:
        """Who made a change; people outside the reader's tenants have no name here."""
        if key is None:
            return _NOBODY
        return str(self._people[key]) if key in self._known and key in self._people else STRANGER

    def value(self, column: Any, value: Any) -> str:
        """A column's value in words: names of rows, labels of choices."""
        if value is None:
            return ""
        if column.is_relation:
            found = (self._people if column.related_model is User else self._tenants).get(value)
            return str(found) if found else "deleted"
        return str(dict(column.flatchoices).get(value, _words(value)))

    def subject(self, entry: _Entry) -> str:
        """What was changed."""
        if entry.kind in _ABOUT:
            return self.person(getattr(entry.record, _ABOUT[entry.kind]))
        if entry.kind == "settings":
            return self.tenant_of(entry)
        return _OWN_WORDS[entry.kind](entry.record) if entry.kind in _OWN_WORDS else str(entry.record.name)

    def person(self, key: UUID) -> str:
        """A person that changes are about."""
        return str(self._people[key]) if key in self._people else "deleted user"

    def tenant_of(self, entry: _Entry) -> str:
        """The tenant it happened in, "" for people and groups, who belong to several."""
        key = getattr(entry.record, "id" if entry.kind == "tenant" else "tenant_id", None)
        found = self._tenants.get(key) if key else None
        return str(found) if found else ""

    def members(self, record: Any) -> str:
        """The tenants of a group's version, by name."""
        return ", ".join(
            sorted(str(self._tenants.get(row.tenant_id, "deleted")) for row in getattr(record, _MEMBERS).all())
        )

    def row(self, entry: _Entry) -> Model | None:
        """The object, if it still exists."""
        return self._rows[entry.kind].get(entry.record.id)


def _keys(records: Iterable[Any], model: type[Model]) -> set[UUID | None]:
    """The keys of the model's rows that these versions name."""
    found: set[UUID | None] = set()
    for record in records:
        if record.instance_type is model:
            found.add(record.id)
        for column in record.tracked_fields:
            if column.is_relation and column.related_model is model:
                found.add(getattr(record, column.attname))
        if model is Tenant and record.instance_type is TenantGroup:
            found.update(row.tenant_id for row in getattr(record, _MEMBERS).all())
    return found


def _still_there(kind: str, entries: Sequence[_Entry]) -> dict[UUID, Model]:
    """The objects of these changes that still exist; they are within reach, as the changes are."""
    keys = {entry.record.id for entry in entries if entry.kind == kind}
    rows: QuerySet[Any] = KINDS[kind]._base_manager.filter(pk__in=keys)  # noqa: SLF001 - Django's documented way to all rows
    return {row.pk: row for row in rows.only("pk")}
