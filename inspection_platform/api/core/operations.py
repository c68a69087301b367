"""Who may do what in the core family: one table, asked before every operation and tried out by a generated test.

The contract states few callers and leaves the rest open; what it leaves open is ours, and each operation's page in the
public reference names its callers from this table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tenants.models import ANNOTATOR, GLOBAL_ADMIN, REVIEWER, Role


class Caller(StrEnum):
    """Who may call an operation. Global admins may call every one but those of devices."""

    PUBLIC = "everybody, without credentials"
    MEMBER = "everybody with credentials"
    SELF = "the person concerned"
    TENANT_ADMIN = "tenant admins"
    ANNOTATOR = "annotators"
    REVIEWER = "reviewers"
    GLOBAL_ADMIN = "global admins"
    DEVICE = "capture units, with their device key"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its number in the contract (D: ours, for devices), its methods and path, and who may call it."""

    number: str
    methods: tuple[str, ...]
    path: str
    callers: frozenset[Caller]

    def allows(
        self, *, groups: Collection[str], roles: Collection[str], is_self: bool, is_device: bool = False
    ) -> bool:
        """Whether somebody of these groups may call it, or a device.

        `roles` are the person's roles in the tenants concerned ("" in one they are no member of): a tenant admin must
        be one in all of them. `is_self`: the operation is about the person who asks.
        """
        is_tenant_admin = bool(roles) and all(role == Role.ADMIN_TENANT for role in roles)
        held = {
            Caller.MEMBER: True,
            Caller.SELF: is_self,
            Caller.TENANT_ADMIN: is_tenant_admin,
            Caller.ANNOTATOR: ANNOTATOR in groups,
            Caller.REVIEWER: REVIEWER in groups,
            Caller.DEVICE: is_device,
        }
        return GLOBAL_ADMIN in groups or any(held.get(caller, False) for caller in self.callers)


def _operation(number: str, methods: str, path: str, *callers: Caller) -> Operation:
    return Operation(number, tuple(methods.split()), path, frozenset(callers))


_TABLE: Final = (
    _operation("W1", "GET", "/profile", Caller.TENANT_ADMIN),
    _operation("W2", "GET", "/profile/names", Caller.MEMBER),
    _operation("W3", "GET", "/profile/{id}", Caller.MEMBER),
    _operation("W4", "GET", "/profile/{id}/tenants", Caller.MEMBER),
    _operation("W5", "POST", "/auth/login", Caller.PUBLIC),
    _operation("W6", "POST", "/auth/apiKey", Caller.GLOBAL_ADMIN),
    _operation("W7", "DELETE", "/auth/apiKey/{id}", Caller.GLOBAL_ADMIN),
    _operation("W8", "GET", "/auth/apiKey/{id}", Caller.GLOBAL_ADMIN),
    _operation("W9", "POST", "/auth/currentTenant", Caller.MEMBER),
    _operation("W10", "POST", "/auth/groups/assign", Caller.GLOBAL_ADMIN),
    _operation("W11", "POST DELETE", "/auth/groups/unassign", Caller.GLOBAL_ADMIN),
    _operation("W12", "POST", "/auth/register", Caller.PUBLIC),
    _operation("W13", "POST", "/auth/register/verify", Caller.PUBLIC),
    _operation("W14", "POST", "/auth/resetPassword", Caller.PUBLIC),
    _operation("W15", "POST", "/auth/resetPassword/confirm", Caller.PUBLIC),
    _operation("W16", "GET", "/auth/tenantGroups", Caller.GLOBAL_ADMIN),
    _operation("W17", "POST", "/auth/tenantGroups", Caller.GLOBAL_ADMIN),
    _operation("W18", "PATCH", "/auth/tenantGroups/{id}", Caller.GLOBAL_ADMIN),
    _operation("W19", "GET", "/auth/tenants", Caller.GLOBAL_ADMIN),
    _operation("W20", "POST", "/auth/tenants", Caller.GLOBAL_ADMIN),
    _operation("W21", "POST", "/auth/tenants/assign", Caller.TENANT_ADMIN),
    _operation("W22", "POST DELETE", "/auth/tenants/unassign", Caller.TENANT_ADMIN),
    _operation("W23", "GET", "/auth/tenants/users", Caller.MEMBER),
    _operation("W24", "GET", "/auth/tenants/{id}", Caller.MEMBER),
    _operation("W25", "PATCH", "/auth/tenants/{id}", Caller.TENANT_ADMIN),
    _operation("W26", "POST", "/auth/token/refresh", Caller.PUBLIC),
    _operation("W27", "DELETE", "/auth/users/{id}", Caller.SELF),
    _operation("W28", "GET", "/carInfo/licensePlate/{id}", Caller.MEMBER),
    _operation("W29", "GET", "/carInfo/price/{id}", Caller.MEMBER),
    _operation("W30", "GET", "/carInfo/vin/{id}", Caller.MEMBER),
    _operation("W31", "GET", "/annotators/statistics", Caller.REVIEWER),
    _operation("W32", "POST", "/reviewers/queue", Caller.REVIEWER),
    _operation("W33", "DELETE", "/imageSets/{id}", Caller.TENANT_ADMIN),
    _operation("W34", "GET", "/captureSets", Caller.MEMBER),
    _operation("W35", "POST", "/captureSets", Caller.TENANT_ADMIN),
    _operation("W36", "GET", "/captureSets/search", Caller.MEMBER),
    _operation("W37", "GET", "/captureSets/{id}", Caller.MEMBER),
    _operation("W38", "PATCH", "/captureSets/{id}", Caller.TENANT_ADMIN),
    _operation("W39", "GET", "/captureUnits", Caller.MEMBER),
    _operation("W40", "GET", "/captureUnits/{id}", Caller.MEMBER),
    _operation("W41", "POST", "/captureUnits/{id}/assign", Caller.GLOBAL_ADMIN),
    _operation("W42", "PUT", "/captureUnits/{id}/default", Caller.GLOBAL_ADMIN),
    _operation("W43", "POST", "/captureUnits/{id}/unassign", Caller.GLOBAL_ADMIN),
    _operation("W44", "DELETE", "/cars", Caller.TENANT_ADMIN),
    _operation("W45", "GET", "/cars", Caller.MEMBER),
    _operation("W46", "POST", "/cars", Caller.TENANT_ADMIN),
    _operation("W47", "PUT", "/cars", Caller.TENANT_ADMIN),
    _operation("W48", "DELETE", "/damages", Caller.TENANT_ADMIN, Caller.ANNOTATOR, Caller.REVIEWER),
    _operation("W49", "GET", "/damages", Caller.MEMBER),
    _operation("W50", "PATCH", "/damages", Caller.TENANT_ADMIN, Caller.ANNOTATOR, Caller.REVIEWER),
    _operation("W51", "POST", "/damages", Caller.ANNOTATOR, Caller.REVIEWER),
    _operation("W52", "POST", "/damages/merge", Caller.ANNOTATOR, Caller.REVIEWER),
    _operation("W53", "GET", "/damages/{id}", Caller.MEMBER),
    _operation("W54", "GET", "/imageSets", Caller.MEMBER),
    _operation("W55", "POST", "/imageSets", Caller.MEMBER),
    # How images come to a set is ours: the contract leaves it open.
    _operation("W55-images", "POST", "/imageSets/{id}/images", Caller.MEMBER),
    _operation("W55-submit", "POST", "/imageSets/{id}/submit", Caller.MEMBER),
    _operation("W56", "PUT", "/imageSets", Caller.MEMBER),
    _operation("W57", "GET", "/imageSets/count", Caller.ANNOTATOR, Caller.REVIEWER),
    _operation("W58", "GET", "/imageSets/newDamages", Caller.MEMBER),
    _operation("W59", "POST", "/imageSets/redirect", Caller.MEMBER),
    _operation("W60", "GET", "/imageSets/{id}", Caller.MEMBER),
    _operation("W61", "PATCH", "/imageSets/{id}", Caller.MEMBER),
    _operation("W62", "POST", "/imageSets/{id}/lock", Caller.ANNOTATOR, Caller.REVIEWER),
    _operation("W63", "PATCH", "/imageSets/{id}/status", Caller.ANNOTATOR, Caller.REVIEWER),
    _operation("W64", "POST", "/imageSets/{id}/unlock", Caller.ANNOTATOR, Caller.REVIEWER),
    _operation("W65", "GET", "/images", Caller.MEMBER),
    _operation("W66", "DELETE", "/images/{id}", Caller.TENANT_ADMIN),
    _operation("W67", "GET", "/images/{id}", Caller.MEMBER),
    _operation("W68", "GET", "/logos", Caller.MEMBER),
    _operation("W69", "POST", "/logos", Caller.TENANT_ADMIN),
    _operation("D1", "POST", "/recordings", Caller.DEVICE),
    _operation("D2", "GET", "/recordings/{id}", Caller.DEVICE),
    _operation("D3", "GET", "/recordings/{id}/cameras/{id}", Caller.DEVICE),
    _operation("D4", "PUT", "/recordings/{id}/cameras/{id}", Caller.DEVICE),
    _operation("D5", "POST", "/recordings/{id}/complete", Caller.DEVICE),
)

#: By number; an operation that is not served has no row.
OPERATIONS: Final[dict[str, Operation]] = {operation.number: operation for operation in _TABLE}


def callers_text(number: str) -> str:
    """Who may call an operation, as a sentence of the public reference."""
    callers = OPERATIONS[number].callers
    if callers & {Caller.PUBLIC, Caller.MEMBER, Caller.DEVICE}:
        return f"For {next(iter(callers)).value}."
    return f"For {_listed(sorted({*callers, Caller.GLOBAL_ADMIN}, key=list(Caller).index))}."


def _listed(callers: Iterable[Caller]) -> str:
    *first, last = (caller.value for caller in callers)
    return f"{', '.join(first)} and {last}" if first else last
