"""The one tenancy gate: rows of a tenant-owned model are reached through a stated reach, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from django.db import models

Q = TypeVar("Q", bound=models.QuerySet[Any])


class UnscopedAccess(RuntimeError):
    """A tenant-owned model was queried without saying for whom."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The tenants whose rows somebody may touch; `tenant_ids=None` means every tenant (global admins)."""

    tenant_ids: frozenset[UUID] | None

    @classmethod
    def only(cls, *tenant_ids: UUID) -> Reach:
        """The reach of exactly these tenants."""
        return cls(frozenset(tenant_ids))

    @classmethod
    def some(cls, tenant_ids: Iterable[UUID]) -> Reach:
        """The reach of these tenants; an empty collection reaches nothing."""
        return cls(frozenset(tenant_ids))

    @classmethod
    def every(cls) -> Reach:
        """The reach of a global admin."""
        return cls(None)

    def within(self, tenant_id: UUID) -> Reach:
        """What is left of this reach inside one tenant: that tenant, or nothing."""
        return Reach.some([tenant_id] if self.covers(tenant_id) else ())

    def covers(self, tenant_id: UUID | None) -> bool:
        """Whether rows of this tenant are within reach; a row without a tenant only is for those who reach all."""
        return self.tenant_ids is None or tenant_id in self.tenant_ids


class TenantGate(Generic[Q]):
    """A model's `objects`: every query starts with `of(reach)`, or with a stated reason for `all_tenants`.

    It is no manager, so there is nothing else to call. Related managers, admin forms and constraints use the model's
    plain manager, since they start from a row already reached. `path` is the look-up from the model to its tenant.
    """

    model: type[models.Model]

    def __init__(self, queryset_class: type[Q], path: str = "tenant") -> None:
        self.queryset_class = queryset_class
        self.path = path

    def contribute_to_class(self, model: type[models.Model], name: str) -> None:
        """Learn the model, as Django's managers and fields do."""
        self.model = model
        setattr(model, name, self)

    def of(self, reach: Reach | UUID) -> Q:
        """Rows of the given reach, or of the one tenant with this id."""
        tenant_ids = frozenset([reach]) if isinstance(reach, UUID) else reach.tenant_ids
        rows = self.queryset_class(self.model)
        if tenant_ids is None:
            return rows
        if len(tenant_ids) == 1:
            return rows.filter(**{self.path: next(iter(tenant_ids))})
        return rows.filter(**{f"{self.path}__in": tenant_ids})

    def all_tenants(self, reason: str) -> Q:
        """Rows of every tenant; `reason` says why (a test lists all callers)."""
        if not reason:
            raise UnscopedAccess("Access to every tenant's rows needs a reason.")
        return self.queryset_class(self.model)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Refuse what a manager would offer, in words."""
            if name.startswith("__"):
                raise AttributeError(name)
            raise UnscopedAccess(f"objects.{name}: say for whom first, with of(reach) or all_tenants(reason).")
