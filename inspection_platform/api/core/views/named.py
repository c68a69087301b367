"""Views whose request names people and tenants: found once, before anybody is asked whether they may."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request

from inspection_platform.api.base import as_uuid
from inspection_platform.api.core.serializers.common import maybe_uuid
from inspection_platform.api.core.views.common import Concern, CoreView
from tenants.errors import NotFound
from tenants.models import Tenant, User
from tenants.selectors import tenants_within


class PathPersonView(CoreView):
    """A view about the person whose id is in the path."""

    person: User

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The person, if the asker may know them."""
        self.person = self.seen_person(as_uuid(kwargs["user_id"], "User"))
        return Concern(person=self.person)


class BodyPersonView(CoreView):
    """A view about the person whom the body names in `person_key`."""

    person_key: ClassVar[str] = "userId"
    _person: User | None = None

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The person, if the body names one and the asker may know them."""
        self._person = self.seen_person(maybe_uuid(self.body.get(self.person_key)))
        return Concern(person=self._person)

    @property
    def person(self) -> User:
        """The person, once the validation has seen that the body names one."""
        if self._person is None:
            raise TypeError("A body that names nobody is refused before.")
        return self._person


def tenants_named(view: CoreView, ids: Collection[UUID]) -> dict[UUID, Tenant]:
    """The tenants with these ids, by id, in one query; NotFound if the asker may not know one of them."""
    if not ids:
        return {}
    found = {tenant.pk: tenant for tenant in tenants_within(view.own_reach).filter(pk__in=ids)}
    if len(found) < len(set(ids)):
        raise NotFound("Tenant not found.")
    return found


def ids_in(values: Iterable[object]) -> list[UUID]:
    """The ids among the values; what is none is left to the validation."""
    return [found for value in values if (found := maybe_uuid(value)) is not None]
