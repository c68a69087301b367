"""The base of the core family's views: who may see what is concerned, and then who may do this to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, overload
from uuid import UUID

from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request

from inspection_platform.api.base import ActorKind, FamilyView
from inspection_platform.api.core import errors
from inspection_platform.api.core.authentication import ApiKeyAuthentication, IdTokenAuthentication
from inspection_platform.api.core.operations import OPERATIONS
from inspection_platform.api.core.serializers.common import is_true
from inspection_platform.api.refusals import FamilyEnvelope
from tenants.errors import Forbidden, NotFound
from tenants.models import Tenant, User
from tenants.rights import roles_of
from tenants.scope import Reach
from tenants.selectors import people_within, tenants_within
from tenants.services.tenant_groups import acting_reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """What a request is about, for the table of operations.

    `tenants` None: the tenant that the asker works in. `person`: whom it is about, if anybody.
    """

    tenants: tuple[UUID, ...] | None = None
    person: User | None = None


class CoreView(FamilyView):
    """A view for the bearer of an idToken or an API key.

    The order of refusals is fixed here: 401 (credentials), 404 (`find`), 403 (the table of operations), and then
    whatever the method itself finds. A method without its row in `operations` lets nobody in.
    """

    envelope: ClassVar[FamilyEnvelope] = errors
    authentication_classes = [IdTokenAuthentication, ApiKeyAuthentication]
    #: HTTP method to the operation's number in the contract.
    operations: ClassVar[Mapping[str, str]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, throttle, find, permit."""
        super().initial(request, *args, **kwargs)
        method = "GET" if request.method == "HEAD" else str(request.method)
        # OPTIONS tells nothing of anybody; a method that the route does not have is refused as such later.
        if method != "OPTIONS" and method.lower() in self.http_method_names and hasattr(self, method.lower()):
            self._permit(method, self.find(request, **kwargs))

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - for the views that override it
        """What the request is about; NotFound for anything in path, query or body that the asker cannot see.

        Views that name objects override this. Values that are no ids are left to the validation that follows.
        """
        return Concern()

    def _permit(self, method: str, concern: Concern) -> None:
        number = self.operations.get(method)
        tenants = concern.tenants
        if tenants is None:
            tenants = (self.actor.tenant.pk,) if self.actor.tenant else ()
        if self.actor.is_global_admin:
            # Roles are not asked for where none is needed.
            tenants = ()
        if number is None or not OPERATIONS[number].allows(
            groups=self.actor.groups,
            roles=[self.role_in(tenant_id) for tenant_id in tenants],
            is_self=concern.person is not None and concern.person.pk == self.user.pk,
            is_device=self.actor.capture_unit is not None,
        ):
            raise Forbidden("You may not do this.")

    # --- who asks ---

    @property
    def user(self) -> User:
        """The person who asks; a key of this family acts as its user, so there always is one."""
        user = self.actor.user
        if user is None:
            raise TypeError("An actor of the core family has a user.")
        return user

    def role_in(self, tenant_id: UUID) -> str:
        """The asker's role in a tenant, "" if none; the tenant worked in costs no query."""
        if self.actor.tenant is not None and self.actor.tenant.pk == tenant_id and self.actor.role:
            return self.actor.role
        return self.own_roles.get(tenant_id, "")

    @cached_property
    def own_roles(self) -> Mapping[UUID, str]:
        """Role by tenant: of all of the person's tenants with a token, of its own tenant with a key."""
        roles = roles_of(self.user)
        if self.actor.kind == ActorKind.BEARER or self.actor.is_global_admin:
            return roles
        return {tenant_id: role for tenant_id, role in roles.items() if self.actor.reach.covers(tenant_id)}

    @property
    def own_reach(self) -> Reach:
        """The tenants whose people and settings the asker may know: all of theirs, not only the one worked in."""
        return Reach.every() if self.actor.is_global_admin else Reach.some(self.own_roles)

    # --- what is concerned ---

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object of the body for `find`; {} for anything else, which the validation refuses later."""
        try:
            data = self.request.data
        except (ParseError, UnsupportedMediaType) as error:
            self._unreadable = error
            return {}
        return data if isinstance(data, dict) else {}

    def validated(self, form: Any) -> dict[str, Any]:
        """The values of a serializer over the body; what made the body unreadable is told only now, after 404 and 403.

        `form` is the serializer's class.
        """
        unreadable: Exception | None = getattr(self, "_unreadable", None)
        if unreadable is not None:
            raise unreadable
        serializer = form(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    @overload
    def seen_tenant(self, tenant_id: UUID) -> Tenant: ...
    @overload
    def seen_tenant(self, tenant_id: UUID | None) -> Tenant | None: ...
    def seen_tenant(self, tenant_id: UUID | None) -> Tenant | None:
        """The tenant with its settings, if the asker may know it; None for None. NotFound otherwise."""
        if tenant_id is None:
            return None
        tenant = tenants_within(self.own_reach).select_related("settings").filter(pk=tenant_id).first()
        if tenant is None:
            raise NotFound("Tenant not found.")
        return tenant

    @overload
    def seen_person(self, user_id: UUID) -> User: ...
    @overload
    def seen_person(self, user_id: UUID | None) -> User | None: ...
    def seen_person(self, user_id: UUID | None) -> User | None:
        """The person, if the asker may know them; None for None. NotFound otherwise."""
        if user_id is None:
            return None
        person = people_within(self.own_reach, asker_id=self.user.pk).filter(pk=user_id).first()
        if person is None:
            raise NotFound("User not found.")
        return person

    def acting_reach(self, flag: object) -> Reach:
        """The tenants whose rows the actor reaches now; with `masterTenantAction` also those that its tenant acts for.

        `flag` is that parameter as it came: what is no boolean counts as false here, and is left to the validation.
        """
        tenant = self.actor.tenant
        if self.actor.is_global_admin or tenant is None or not is_true(flag):
            return self.actor.reach
        return acting_reach(tenant)

    def check_tenant(self, tenant_id: UUID | None, *, reach: Reach | None = None) -> None:
        """NotFound for a tenant whose rows the actor (or `reach`) cannot reach now; None is no tenant to check."""
        if tenant_id is None:
            return
        is_covered = (reach or self.actor.reach).covers(tenant_id)
        if not is_covered or (self.actor.is_global_admin and not Tenant.objects.filter(pk=tenant_id).exists()):
            raise NotFound("Tenant not found.")


class PublicCoreView(FamilyView):
    """A view for everybody."""

    envelope: ClassVar[FamilyEnvelope] = errors
    authentication_classes = []
    permission_classes = []
    #: As in CoreView; the table marks them public.
    operations: ClassVar[Mapping[str, str]] = {}
