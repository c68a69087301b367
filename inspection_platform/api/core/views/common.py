"""The base of the core family's views."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from inspection_platform.api.base import FamilyView
from inspection_platform.api.core import errors
from inspection_platform.api.core.authentication import ApiKeyAuthentication, IdTokenAuthentication
from inspection_platform.api.refusals import FamilyEnvelope
from tenants.errors import NotFound
from tenants.models import Tenant, User


class CoreView(FamilyView):
    """A view for the bearer of an idToken or an API key."""

    envelope: ClassVar[FamilyEnvelope] = errors
    authentication_classes = [IdTokenAuthentication, ApiKeyAuthentication]

    @property
    def user(self) -> User:
        """The person who asks; a key of this family acts as its user, so there always is one."""
        user = self.actor.user
        if user is None:
            raise TypeError("An actor of the core family has a user.")
        return user

    def check_tenant(self, tenant_id: UUID | None) -> None:
        """NotFound for a tenant that the actor cannot see; None is no tenant to check."""
        if tenant_id is None:
            return
        is_covered = self.actor.reach.covers(tenant_id)
        if not is_covered or (self.actor.is_global_admin and not Tenant.objects.filter(pk=tenant_id).exists()):
            raise NotFound("Tenant not found.")


class PublicCoreView(FamilyView):
    """A view for everybody."""

    envelope: ClassVar[FamilyEnvelope] = errors
    authentication_classes = []
    permission_classes = []
