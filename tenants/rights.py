"""What a membership lets a person do on the admin's pages, and in which tenants.

Django's permissions say what somebody may do everywhere; a membership says what somebody may do in one tenant. Both
have the same names (`tenants.change_webhook`): `permission_reach` tells in which tenants a person has one, and
`RoleBackend` lets Django know that they have it at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.db import models

from tenants.models import GLOBAL_ADMIN, Membership, Role, User
from tenants.scope import Reach
from tenants.selectors import people_within

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_READ: Final = ("view",)
_EDIT: Final = ("view", "change")
_KEEP: Final = ("view", "add", "change")
_OWN: Final = ("view", "add", "change", "delete")

#: What every member may see of their tenant: what was captured, and what came of it.
_MEMBER: Final[Mapping[str, tuple[str, ...]]] = {
    "assets.captureset": _READ,
    "assets.captureunit": _READ,
    "assets.car": _READ,
    "assets.image": _READ,
    "assets.imageset": _READ,
    "assets.logo": _READ,
    "assets.passage": _READ,
    "assets.pricepoint": _READ,
    "assets.recording": _READ,
    "assets.submission": _READ,
    "assets.upload": _READ,
    "damages.damage": _READ,
    "damages.damagedecision": _READ,
    "damages.damagedpart": _READ,
    "damages.finishedstep": _READ,
    "damages.manualprocessing": _READ,
    "damages.pictogramdamage": _READ,
    "damages.resultversion": _READ,
    "imaging.detection": _READ,
    "imaging.imagetask": _READ,
    "imaging.jobrun": _READ,
    "imaging.modelversion": _READ,
    "imaging.pipelinerun": _READ,
    "imaging.platereading": _READ,
    "imaging.taskimage": _READ,
    "tenants.tenant": _READ,
}
#: What a tenant's admins may do besides: people, keys, addresses, settings, and the register of cars.
_ADMIN: Final[Mapping[str, tuple[str, ...]]] = {
    "assets.captureset": _EDIT,
    "assets.car": _OWN,
    "assets.imageset": _EDIT,
    "assets.passage": _EDIT,
    "assets.pricepoint": _OWN,
    "assets.retentionrecord": _READ,
    "damages.damage": _EDIT,
    "damages.manualprocessing": _EDIT,
    "tenants.apikey": _KEEP,
    "tenants.authsession": _EDIT,
    "tenants.delivery": _EDIT,
    "tenants.deliveryattempt": _READ,
    "tenants.event": _READ,
    "tenants.idempotencyrecord": _READ,
    "tenants.invitation": _EDIT,
    "tenants.membership": _OWN,
    "tenants.quota": _READ,
    "tenants.signingsecret": _EDIT,
    "tenants.tenantsettings": _EDIT,
    "tenants.usagecounter": _READ,
    "tenants.user": _KEEP,
    "tenants.webhook": _OWN,
}


#: What stands for a person whose name the reader may not read.
STRANGER: Final = "somebody outside your tenants"


def _names(table: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for label, verbs in table.items():
        app, model = label.split(".")
        yield from (f"{app}.{verb}_{model}" for verb in verbs)


#: Role -> names of the permissions it carries inside its tenant.
ROLE_PERMISSIONS: Final[Mapping[str, frozenset[str]]] = {
    Role.USER: frozenset(_names(_MEMBER)),
    Role.ADMIN_TENANT: frozenset(_names(_MEMBER)) | frozenset(_names(_ADMIN)),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands: whether they are a global admin, and their role in each active tenant."""

    is_global: bool
    roles: Mapping[UUID, str]

    def tenants_with(self, permission: str) -> frozenset[UUID]:
        """The tenants in which the person's role carries the permission."""
        return frozenset(tenant for tenant, role in self.roles.items() if permission in ROLE_PERMISSIONS[role])


# Like Django's own permission caches they live as long as the user object, that is for one request.
_REMEMBERED: Final = "_standing_remembered"
_ROLES_REMEMBERED: Final = "_roles_remembered"


def standing_of(user: User) -> Standing:
    """The person's standing: two queries, asked once for each user object."""
    standing: Standing | None = getattr(user, _REMEMBERED, None)
    if standing is None:
        standing = _standing(user)
        setattr(user, _REMEMBERED, standing)
    return standing


def roles_of(user: User) -> Mapping[UUID, str]:
    """The person's role in each active tenant they are a member of: one query, asked once for each user object."""
    roles: Mapping[UUID, str] | None = getattr(user, _ROLES_REMEMBERED, None)
    if roles is None:
        roles = dict(_memberships(user).filter(tenant__is_active=True).values_list("tenant_id", "role"))
        setattr(user, _ROLES_REMEMBERED, roles)
    return roles


def permission_reach(user: User, permission: str) -> Reach:
    """The tenants in which the person has the permission (`app.verb_model`); nothing for people who are gone.

    A group's permission holds in every tenant for global admins, and for others in those they are members of.
    """
    if not user.is_active or user.deleted_at is not None:
        return Reach.some(())
    if user.is_superuser:
        return Reach.every()
    standing = standing_of(user)
    by_group = permission in ModelBackend().get_all_permissions(user)
    if by_group and standing.is_global:
        return Reach.every()
    return Reach.some(standing.roles if by_group else standing.tenants_with(permission))


def people_known(user: User) -> models.QuerySet[User]:
    """The people whose names somebody may read: those they share a tenant with, and all for global admins."""
    standing = standing_of(user)
    reach = Reach.every() if standing.is_global else Reach.some(standing.roles)
    return people_within(reach, asker_id=user.pk)


def reaches_beyond(target: User, asker: User) -> bool:
    """Whether `target` may do something that `asker` may not: then `asker` must get neither their password nor a key.

    That is so for superusers, for global admins, and for members of a tenant in which `asker` may not change people.
    """
    if asker.is_superuser or target.pk == asker.pk:
        return False
    if target.is_superuser:
        return True
    if standing_of(asker).is_global:
        return False
    reach = permission_reach(asker, "tenants.change_user")
    tenants = _memberships(target).values_list("tenant_id", flat=True)
    return standing_of(target).is_global or not all(reach.covers(tenant) for tenant in tenants)


class RoleBackend(BaseBackend):
    """Tells Django which permissions a person has by membership; it logs nobody in."""

    def get_all_permissions(
        self, user_obj: AbstractBaseUser | AnonymousUser, obj: models.Model | None = None
    ) -> set[str]:
        """Names of all permissions that the person has in at least one tenant."""
        if not isinstance(user_obj, User) or not user_obj.is_active or user_obj.deleted_at or obj is not None:
            return set()
        return {name for role in set(standing_of(user_obj).roles.values()) for name in ROLE_PERMISSIONS[role]}

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        """Whether the person has any permission of the app by membership."""
        return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions(user_obj))


def _memberships(user: User) -> models.QuerySet[Membership]:
    """All memberships of the person, asked afresh: `user.memberships` may hold only those that a list shows."""
    return Membership.objects.all_tenants("a person's memberships decide what is within reach").filter(user=user)


def _standing(user: User) -> Standing:
    return Standing(
        is_global=user.is_superuser or user.groups.filter(name=GLOBAL_ADMIN).exists(),
        roles=roles_of(user),
    )
