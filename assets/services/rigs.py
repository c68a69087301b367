"""Rigs: capture sets, their units, and the tenants that units record for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from assets.models import CaptureSet, CaptureUnit
from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import Tenant, User
from tenants.services.rows import row_author, row_check

#: Virtual capture sets that a tenant may have (contract section 5, rule 7).
MAX_VIRTUAL: Final = 1000
SIDES: Final = ("left", "right")

#: Columns of a capture set that its people set.
_EDITABLE: Final = frozenset(
    {
        "cameras_count", "country_code", "label", "lenses", "location", "min_license_plate_area", "name",
        "pipeline_mask", "priority",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitGiven:
    """What is said about the unit on one side of a rig; None leaves a thing as it is.

    `unit` is an existing one that takes this side. Without it the unit that is there is meant, or a new one: it records
    for the tenants of the rig's other unit, or else for the rig's owner, unless `tenant_ids` says otherwise.
    """

    side: str
    unit: CaptureUnit | None = None
    tenant_ids: frozenset[UUID] | None = None
    balena_id: str | None = None


def capture_set_create(
    *,
    tenant: Tenant,
    values: Mapping[str, Any],
    units: Sequence[UnitGiven] = (),
    is_virtual: bool = False,
    by: User | None = None,
) -> CaptureSet:
    """A new rig of the tenant: a virtual one without units, or one with one or two.

    `values` are by column; lenses and their numbers that are not named get the defaults. Raises Invalid for wrong
    values and numbers of units, Conflict for one virtual rig too many and for units that cannot take their place.
    """
    if is_virtual and units:
        raise Invalid(*_about_units("A virtual capture set has no units."))
    if not is_virtual and not units:
        raise Invalid(*_about_units("A capture set needs one or two units."))
    rig = CaptureSet(tenant=tenant, is_virtual=is_virtual)
    _fill(rig, values)
    with transaction.atomic():
        if is_virtual:
            _room_check(tenant.pk)
        row_author(rig, by=by)
        rig.save(force_insert=True)
        _units_place(rig, units, by=by)
    return rig


def capture_set_update(
    *, capture_set: CaptureSet, values: Mapping[str, Any], units: Sequence[UnitGiven] = (), by: User | None = None
) -> CaptureSet:
    """Change the named columns and the units of the named sides; what is not named stays.

    Raises Invalid as `capture_set_create`, Conflict for a virtual rig and for units that cannot take their place,
    NotFound if the rig was deleted meanwhile.
    """
    with transaction.atomic():
        rig = _rig_locked(capture_set)
        if rig.is_virtual:
            raise Conflict("A virtual capture set cannot be modified.")
        _fill(rig, values)
        row_author(rig, by=by)
        rig.save()
        _units_place(rig, units, by=by)
    return rig


def capture_set_delete(*, capture_set: CaptureSet, by: User | None = None) -> None:
    """Take a rig out of use; its passages keep their origin. A second call changes nothing."""
    with transaction.atomic():
        rig = _rig_locked(capture_set, deleted_too=True)
        if rig.deleted_at is None:
            _deletion_save(rig, by=by, deleted=True)


def capture_set_restore(*, capture_set: CaptureSet, by: User | None = None) -> None:
    """Take a deleted rig into use again; Conflict if it is a virtual one and its tenant has as many as it may."""
    with transaction.atomic():
        rig = _rig_locked(capture_set, deleted_too=True)
        if rig.deleted_at is None:
            return
        if rig.is_virtual:
            _room_check(rig.tenant_id)
        _deletion_save(rig, by=by, deleted=False)


def capture_unit_assign(*, unit: CaptureUnit, tenants: Collection[Tenant], by: User | None = None) -> None:
    """Let the unit record for these tenants too."""
    with transaction.atomic():
        locked = _unit_locked(unit)
        present = _tenant_ids(locked)
        _tenants_set(locked, present | {tenant.pk for tenant in tenants}, present=present, by=by)


def capture_unit_unassign(*, unit: CaptureUnit, tenants: Collection[Tenant], by: User | None = None) -> None:
    """Let the unit record for these tenants no more; Conflict if the default tenant is among them."""
    with transaction.atomic():
        locked = _unit_locked(unit)
        present = _tenant_ids(locked)
        kept = present - {tenant.pk for tenant in tenants}
        if locked.default_tenant_id in present - kept:
            raise Conflict("This is the default tenant of the capture unit: set another default first.")
        _tenants_set(locked, kept, present=present, by=by)


def capture_unit_default_set(*, unit: CaptureUnit, tenant: Tenant | None, by: User | None = None) -> None:
    """Make the tenant the default of both units of the rig, None: have no default.

    Raises Conflict unless both units record for the tenant.
    """
    with transaction.atomic():
        rig = _rig_locked(unit.capture_set)
        for locked in _units_locked(Q(capture_set=rig)):
            if tenant is not None:
                _default_check(tenant.pk, _tenant_ids(locked))
            _default_save(locked, tenant.pk if tenant else None, by=by)


def units_check(units: Iterable[tuple[UUID | None, Collection[UUID]]]) -> None:
    """The rule for the units of one rig, each given as its default tenant and the tenants it records for.

    Raises Conflict unless all have the same default, or none, and all record for it.
    """
    given = list(units)
    if len({default for default, _ in given}) > 1:
        raise Conflict("Both units of a capture set have the same default tenant.")
    for default, tenant_ids in given:
        if default is not None:
            _default_check(default, tenant_ids)


# --- the rig ---------------------------------------------------------------------------------------------------------


def _fill(rig: CaptureSet, values: Mapping[str, Any]) -> None:
    unknown = values.keys() - _EDITABLE
    if unknown:
        raise TypeError(f"Not columns that people set: {', '.join(sorted(unknown))}.")
    for name, value in values.items():
        setattr(rig, name, _merged(rig.lenses, value) if name == "lenses" else value)
    rig.country_code = rig.country_code.strip().upper()
    row_check(rig, exclude=("tenant",))


def _merged(lenses: Mapping[str, Any], given: object) -> object:
    """The lenses with the given numbers in place of theirs; what has another shape is left to the validation."""
    if not isinstance(given, Mapping):
        return given
    news = {name: {**lenses.get(name, {}), **lens} for name, lens in given.items() if isinstance(lens, Mapping)}
    return {**lenses, **given, **news}


def _room_check(tenant_id: UUID) -> None:
    """Conflict if the tenant has as many virtual rigs as it may; its row makes those who ask at once take turns."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant_id)
    rows = CaptureSet.objects.of(tenant_id).filter(is_virtual=True, deleted_at__isnull=True)
    if rows.count() >= MAX_VIRTUAL:
        raise Conflict(f"A tenant has at most {MAX_VIRTUAL} virtual capture sets.")


def _rig_locked(rig: CaptureSet, *, deleted_too: bool = False) -> CaptureSet:
    rows = CaptureSet.objects.of(rig.tenant_id).select_for_update().filter(pk=rig.pk)
    locked = (rows if deleted_too else rows.filter(deleted_at__isnull=True)).first()
    if locked is None:
        raise NotFound("Capture set not found.")
    return locked


def _deletion_save(rig: CaptureSet, *, by: User | None, deleted: bool) -> None:
    rig.deleted_at = timezone.now() if deleted else None
    row_author(rig, by=by)
    rig.save(update_fields=["deleted_at", "modified_at"])


# --- its units -------------------------------------------------------------------------------------------------------


def _units_place(rig: CaptureSet, given: Sequence[UnitGiven], *, by: User | None) -> None:
    """Put each unit in its place and check what holds for both; a rig without named units is left alone."""
    if not given:
        return
    named = [one.unit.pk for one in given if one.unit is not None]
    if len({one.side for one in given}) < len(given) or len(set(named)) < len(named):
        raise Invalid(*_about_units("Each side has one unit of its own."))
    units = {unit.pk: unit for unit in _units_locked(Q(capture_set=rig) | Q(pk__in=named))}
    if not units.keys() >= set(named):
        raise NotFound("Capture unit not found.")
    for one in given:
        unit = _unit_place(rig, one, units, by=by)
        units[unit.pk] = unit
    units_check((unit.default_tenant_id, _tenant_ids(unit)) for unit in units.values())


def _unit_place(rig: CaptureSet, one: UnitGiven, units: Mapping[UUID, CaptureUnit], *, by: User | None) -> CaptureUnit:
    """The unit of this side, made, moved here or changed. `units`: those of the rig and those that may move here."""
    own = {unit.side: unit for unit in units.values() if unit.capture_set_id == rig.pk}
    there = own.get(one.side)
    unit = units[one.unit.pk] if one.unit is not None else there
    if there is not None and unit is not there:
        raise Conflict(f"The {one.side} side of the capture set has another unit.")
    other = next((beside for beside in own.values() if beside is not there and beside is not unit), None)
    if unit is None:
        unit, present = CaptureUnit(capture_set=rig, side=one.side), frozenset[UUID]()
        first = _tenant_ids(other) if other is not None else frozenset({rig.tenant_id})
    else:
        present = first = _tenant_ids(unit)
    _unit_save(rig, unit, one, other=other, by=by)
    _tenants_set(unit, first if one.tenant_ids is None else one.tenant_ids, present=present, by=by)
    return unit


def _unit_save(
    rig: CaptureSet, unit: CaptureUnit, one: UnitGiven, *, other: CaptureUnit | None, by: User | None
) -> None:
    """Save the row if anything of it changes; a unit beside another shares the other's default tenant."""
    if unit.capture_set.tenant_id != rig.tenant_id:
        raise Conflict("A capture unit moves between capture sets of one tenant only.")
    is_new, arrives = unit._state.adding, unit.capture_set_id != rig.pk  # noqa: SLF001 - as above
    before = (unit.side, unit.balena_id)
    unit.capture_set, unit.side = rig, one.side
    if one.balena_id is not None:
        unit.balena_id = one.balena_id
    if other is not None and (is_new or arrives):
        unit.default_tenant_id = other.default_tenant_id
    if is_new or arrives or before != (unit.side, unit.balena_id):
        row_check(unit, exclude=("capture_set", "default_tenant"))
        row_author(unit, by=by)
        unit.save()


def _units_locked(wanted: Q) -> list[CaptureUnit]:
    """The units of rigs in use, always in one order, so that two who lock several do not wait for each other."""
    rows = CaptureUnit.objects.all_tenants("units that were reached already are locked together")
    rows = rows.filter(wanted, capture_set__deleted_at__isnull=True).select_related("capture_set")
    return list(rows.select_for_update(of=("self",)).order_by("pk"))


def _unit_locked(unit: CaptureUnit) -> CaptureUnit:
    found = _units_locked(Q(pk=unit.pk))
    if not found:
        raise NotFound("Capture unit not found.")
    return found[0]


def _tenant_ids(unit: CaptureUnit) -> frozenset[UUID]:
    return frozenset(unit.tenants.order_by().values_list("pk", flat=True))


def _tenants_set(unit: CaptureUnit, wanted: Collection[UUID], *, present: Collection[UUID], by: User | None) -> None:
    """Assign what is missing and unassign what is too much; the history gets a record where something changes."""
    missing, extra = set(wanted) - set(present), set(present) - set(wanted)
    row_author(unit, by=by)
    if missing:
        unit.tenants.add(*missing)  # type: ignore[arg-type]  # the stubs know whole numbers as keys only
    if extra:
        unit.tenants.remove(*extra)  # type: ignore[arg-type]  # as above


def _default_check(default: UUID, tenant_ids: Collection[UUID]) -> None:
    if default not in tenant_ids:
        raise Conflict("Both units of the capture set must be assigned to its default tenant.")


def _default_save(unit: CaptureUnit, tenant_id: UUID | None, *, by: User | None) -> None:
    if unit.default_tenant_id == tenant_id:
        return
    unit.default_tenant_id = tenant_id
    row_author(unit, by=by)
    unit.save(update_fields=["default_tenant", "modified_at"])


def _about_units(reason: str) -> tuple[str, dict[str, list[str]]]:
    """An Invalid's sentence and field about the units, which are no column."""
    return reason, {"captureUnits": [reason]}
