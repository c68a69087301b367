"""Tenants and their settings: one table says which key of the contract is which column, and what it accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tenants.catalogue import CAMERAS, DEFAULT_FRAME_LIMITS, MAX_FRAMES
from tenants.errors import Conflict, Invalid
from tenants.models import PublishResult, Service, Tenant, TenantSettings, User
from tenants.services.quotas import LARGEST_LIMIT, quota_set, usage_of
from tenants.services.rows import row_author, row_check
from tenants.services.secrets import signing_secret_rotate
from tenants.zones import validate_time_zone

Value = bool | int | str
LONGEST_EXPIRY_DAYS: Final = 36_500
#: How much of an unknown key is repeated to who sent it, and how deep inside objects keys are looked for.
_LONGEST_KEY: Final = 100
_DEEPEST: Final = 2


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its dotted key, its column (`item`: the entry in a JSON column), what it accepts and how it reads.

    `clean` turns a value from outside into the column's or raises ValueError; `show` turns it back. Only the operator
    of the installation may change an `operator` setting; `contract` ones are those of the contract's section 4.1.
    """

    key: str
    column: str
    clean: Callable[[object], Value]
    item: str = ""
    show: Callable[[Value], Value] = lambda value: value
    contract: bool = True
    operator: bool = False

    def read(self, row: TenantSettings) -> Value:
        """The value as the outside sees it."""
        stored = getattr(row, self.column)
        return self.show(stored[self.item] if self.item else stored)

    def write(self, row: TenantSettings, value: Value) -> None:
        """Put a cleaned value into its column."""
        if self.item:
            getattr(row, self.column)[self.item] = value
        else:
            setattr(row, self.column, value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is needed.")  # noqa: TRY004 - every wrong value is one kind of error here
    return value


def _whole(least: int, most: int = LARGEST_LIMIT) -> Callable[[object], int]:
    def clean(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"A whole number from {least} to {most} is needed.")
        return value

    return clean


def _choice(words: Mapping[str, Value]) -> Callable[[object], Value]:
    def clean(value: object) -> Value:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"One of {', '.join(words)} is needed.")
        return words[value]

    return clean


def _word(words: Mapping[str, Value]) -> Callable[[Value], Value]:
    back = {value: word for word, value in words.items()}
    return lambda value: back[value]


def _zone(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("The name of a time zone is needed.")  # noqa: TRY004 - as above
    try:
        validate_time_zone(value)
    except ValidationError as error:
        raise ValueError(error.message) from error
    return value


_WINDOW: Final = {"open": True, "closed": False}
_SWITCH: Final = {"on": True, "off": False}
_PUBLISH: Final = {str(value): str(value) for value in PublishResult.values}

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("damageDetectionServiceEnabled", "damage_detection_enabled", _boolean),
    Setting("expiryAfter", "expiry_after_days", _whole(0, LONGEST_EXPIRY_DAYS)),
    *(Setting(f"faceblurServiceEnabled.{camera}", "face_blur", _boolean, item=camera) for camera in CAMERAS),
    Setting("isHandicapped", "is_handicapped", _boolean),
    Setting("manualAnnotationEnabled", "manual_annotation_enabled", _boolean),
    Setting("manualReviewEnabled", "manual_review_enabled", _boolean),
    *(
        Setting(f"maxFramesForCameras.{camera}", "max_frames_for_cameras", _whole(1, MAX_FRAMES), item=camera)
        for camera in DEFAULT_FRAME_LIMITS
    ),
    Setting("minDamagesForManualProcessing", "min_damages_for_manual_processing", _whole(0)),
    Setting("newDamageNotification", "new_damage_notification", _boolean),
    Setting("turnaroundConfiguration.isEnabled", "turnaround_enabled", _boolean),
    Setting("turnaroundConfiguration.threshold", "turnaround_threshold_s", _whole(0)),
    Setting("publishResult", "publish_result", _choice(_PUBLISH), contract=False),
    Setting("timeZone", "time_zone", _zone, contract=False),
    Setting("rate.instavid360", "rate_instavid360", _whole(1), contract=False, operator=True),
    Setting(
        "window.inspektlabs", "inspektlabs_window_open", _choice(_WINDOW), show=_word(_WINDOW),
        contract=False, operator=True,
    ),
    Setting(
        "feature.incremental", "incremental_enabled", _choice(_SWITCH), show=_word(_SWITCH),
        contract=False, operator=True,
    ),
)  # fmt: skip
_QUOTA: Final = "quota."
NO_QUOTA: Final = "none"


@transaction.atomic
def tenant_create(*, name: str, by: User | None = None, signing_secret: str | None = None) -> Tenant:
    """A new tenant with default settings and a signing secret (drawn unless given).

    Raises Invalid for an empty or too long name, Conflict for one that is taken.
    """
    tenant = Tenant(name=name.strip())
    row_check(tenant)
    row_author(tenant, by=by)
    try:
        with transaction.atomic():
            tenant.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("A tenant with this name exists already.") from error
    settings = TenantSettings(tenant=tenant)
    row_author(settings, by=by)
    settings.save(force_insert=True)
    signing_secret_rotate(tenant=tenant, value=signing_secret, by=by)
    return tenant


@transaction.atomic
def tenant_settings_update(
    *, tenant: Tenant, changes: Mapping[str, Any], by: User | None = None, operator: bool = False, reason: str = ""
) -> TenantSettings:
    """Change settings by key, nested as in the contract or dotted; what is not named stays.

    Only the operator (admin pages of the installation, shell) may set `rate.`, `window.` and `feature.` keys. Raises
    Invalid that names every unknown key and wrong value; nothing is stored then. One history record per change.
    """
    # no_key: the rows that point to these settings are not locked with them.
    row = TenantSettings.objects.select_for_update(no_key=True).get(tenant=tenant)
    for setting, value in _cleaned(changes, operator=operator):
        setting.write(row, value)
    if _is_changed(row):
        row_author(row, by=by, reason=reason)
        row.save()
    tenant.settings = row
    return row


@transaction.atomic
def tenant_configure(*, tenant: Tenant, changes: Mapping[str, Any], by: User | None = None, reason: str = "") -> None:
    """The operator's form of `tenant_settings_update`: also takes `quota.SERVICE` (a number, or "none" to lift it)."""
    flat = dict(_flat(changes))
    quotas = {key: value for key, value in flat.items() if key.startswith(_QUOTA)}
    rest = {key: value for key, value in flat.items() if key not in quotas}
    for key, limit in quotas.items():
        quota_set(tenant=tenant, service=_service(key), limit=None if limit == NO_QUOTA else limit, by=by)
    tenant_settings_update(tenant=tenant, changes=rest, by=by, operator=True, reason=reason)


def tenant_settings_present(tenant: Tenant) -> dict[str, Any]:
    """The settings of the contract's section 4.1, nested as there."""
    return _nested({setting.key: setting.read(tenant.settings) for setting in SETTINGS if setting.contract})


def tenant_configuration(tenant: Tenant) -> dict[str, Value]:
    """Every setting and quota by dotted key, in the form that `tenant_configure` takes."""
    values = {setting.key: setting.read(tenant.settings) for setting in SETTINGS}
    quotas = {f"{_QUOTA}{use.service}": NO_QUOTA if use.limit is None else use.limit for use in usage_of(tenant)}
    return values | quotas


def _service(key: str) -> str:
    service = key.removeprefix(_QUOTA)
    if service not in Service.values:
        raise _refused({key: [f"Unknown quota; one of {', '.join(_QUOTA + known for known in Service.values)}."]})
    return service


def _cleaned(changes: Mapping[str, Any], *, operator: bool) -> list[tuple[Setting, Value]]:
    """The table's rows for these changes with values fit for their columns; Invalid names all that are not."""
    known = {setting.key: setting for setting in SETTINGS if operator or not setting.operator}
    result, wrong = [], {}
    for key, value in _flat(changes):
        try:
            setting = known[key]
            result.append((setting, setting.clean(value)))
        except KeyError:
            wrong[printable_key(key)] = [_unknown(key, known)]
        except ValueError as error:
            wrong[key] = [str(error)]
    if wrong:
        raise _refused(wrong)
    return result


def _flat(changes: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Dotted keys and their values; what nests deeper than any setting is a value, and an unknown one."""
    for key, value in changes.items():
        if isinstance(value, Mapping) and depth < _DEEPEST:
            yield from _flat(value, f"{prefix}{key}.", depth + 1)
        else:
            yield f"{prefix}{key}", value


def _nested(flat: Mapping[str, Value]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in flat.items():
        group, _, name = key.rpartition(".")
        (result.setdefault(group, {}) if group else result)[name] = value
    return result


def _unknown(key: str, known: Mapping[str, Setting]) -> str:
    if any(name.startswith(f"{key}.") for name in known):
        return "An object is needed."
    return "Unknown setting."


def printable_key(key: str) -> str:
    """A key from outside as it may stand in an answer: not endless, and without halves of surrogate pairs."""
    return key[:_LONGEST_KEY].encode(errors="backslashreplace").decode()


def _refused(wrong: Mapping[str, list[str]]) -> Invalid:
    return Invalid("; ".join(f"{key}: {reasons[0]}" for key, reasons in wrong.items()), wrong)


def _is_changed(row: TenantSettings) -> bool:
    stored = TenantSettings.objects.get(pk=row.pk)
    columns = {setting.column for setting in SETTINGS}
    return any(getattr(row, column) != getattr(stored, column) for column in columns)
