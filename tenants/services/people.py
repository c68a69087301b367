"""People: who is asking, what they belong to and how far they reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib.auth import authenticate
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from tenants.errors import Conflict, Invalid, NotAuthenticated, NotFound
from tenants.models import GLOBAL_ADMIN, GROUPS, Membership, Role, Tenant, User
from tenants.phones import login_name
from tenants.scope import Reach
from tenants.services.groups import groups_ensure
from tenants.services.rows import row_author

__all__ = [
    "current_tenant_set", "global_admins", "group_assign", "group_unassign", "groups_ensure", "is_global_admin",
    "last_global_admin_check", "membership_remove", "membership_set", "memberships_assign", "memberships_unassign",
    "reach_of", "user_authenticate", "user_groups", "working_tenant",
]  # fmt: skip


def user_authenticate(*, request: HttpRequest, username: str, password: str) -> User:
    """The person with this phone number or verified e-mail address and this password.

    Raises NotAuthenticated, in one wording for every cause, lock-out by django-axes included: no answer tells whether
    a user exists. Success is announced with Django's own signal, on which axes forgets the failures.
    """
    user = authenticate(request, username=_login_name(username), password=password)
    if not isinstance(user, User) or user.deleted_at:
        raise NotAuthenticated("Wrong user name or password.")
    user_logged_in.send(sender=User, request=request, user=user)
    return user


def _login_name(typed: str) -> str:
    """The phone number of the one person with this verified address, or what was typed in its canonical form."""
    name = login_name(typed)
    if "@" not in name:
        return name
    phones = User.objects.filter(email__iexact=name, email_verified_at__isnull=False)
    found = list(phones.values_list("phone", flat=True)[:2])
    return found[0] if len(found) == 1 else name.lower()


def user_groups(user: User) -> frozenset[str]:
    """The platform's groups this person is in (one query)."""
    return frozenset(user.groups.filter(name__in=GROUPS).values_list("name", flat=True))


def is_global_admin(user: User) -> bool:
    """Whether the person may do everything everywhere: a superuser or a member of GLOBAL_ADMIN."""
    return _is_alive(user) and (user.is_superuser or user.groups.filter(name=GLOBAL_ADMIN).exists())


def reach_of(user: User, tenant: Tenant | None = None) -> Reach:
    """The tenants the person may touch: all for global admins, otherwise the active ones they are a member of.

    With `tenant`, members reach that one alone and everybody else nothing.
    """
    if is_global_admin(user):
        return Reach.every()
    if not _is_alive(user):
        return Reach.some(())
    own = user.memberships.filter(tenant__is_active=True)
    if tenant is not None:
        own = own.filter(tenant=tenant)
    return Reach.some(own.values_list("tenant_id", flat=True))


def _is_alive(user: User) -> bool:
    return user.is_active and user.deleted_at is None


def global_admins() -> QuerySet[User]:
    """The people who may do everything everywhere now."""
    members = User.groups.through.objects.filter(user=OuterRef("pk"), group__name=GLOBAL_ADMIN)
    return User.objects.filter(Q(is_superuser=True) | Exists(members), is_active=True, deleted_at__isnull=True)


def last_global_admin_check(user: User) -> None:
    """Raise Conflict if nobody else is a global admin, inside the transaction that makes this person cease to be one.

    Two admins who leave at once take turns, so that the second sees that the first is gone.
    """
    Group.objects.select_for_update(no_key=True).get(name=GLOBAL_ADMIN)
    if is_global_admin(user) and not global_admins().exclude(pk=user.pk).exists():
        raise Conflict("This is the last global admin: make somebody else one first.")


def working_tenant(user: User, wished: Tenant | None = None) -> Tenant | None:
    """The tenant a new token or key is for: the wished, else the current one, else the first the user belongs to.

    A tenant the user does not belong to (any more), or that is inactive, is passed over; global admins need not belong.
    """
    memberships = user.memberships.filter(tenant__is_active=True).select_related("tenant").order_by("created_at")
    own = {membership.tenant_id: membership.tenant for membership in memberships}
    is_global = is_global_admin(user)
    for tenant in (wished, user.current_tenant):
        if tenant is not None and (tenant.pk in own or (is_global and tenant.is_active)):
            return tenant
    return next(iter(own.values()), None)


def current_tenant_set(*, user: User, tenant: Tenant | None, by: User | None = None) -> None:
    """Let the person work in this tenant from now on; whether they may is the caller's to know."""
    if user.current_tenant_id == (tenant.pk if tenant else None):
        return
    user.current_tenant = tenant
    row_author(user, by=by)
    user.save(update_fields=["current_tenant", "modified_at"])


@transaction.atomic
def membership_set(*, user: User, tenant: Tenant, role: str, by: User | None = None, reason: str = "") -> Membership:
    """Make the person a member of the tenant with this role, or change the role; their first tenant becomes current.

    `reason` is for the history. Raises Invalid for an unknown role.
    """
    if role not in Role.values:
        raise Invalid(f"Unknown role {role!r}.", {"role": [f"One of {', '.join(Role.values)}."]})
    _locked(user)
    membership = Membership.objects.of(tenant.id).filter(user=user).first() or Membership(
        user=user, tenant=tenant, role=""
    )
    if membership.role != role:
        membership.role = role
        row_author(membership, by=by, reason=reason)
        membership.save()
    if user.current_tenant_id is None:
        current_tenant_set(user=user, tenant=tenant, by=by)
    return membership


@transaction.atomic
def membership_remove(*, user: User, tenant: Tenant, by: User | None = None) -> None:
    """End the person's membership; keys and tokens that act in this tenant stop with it. NotFound if there is none."""
    _locked(user)
    membership = Membership.objects.of(tenant.id).filter(user=user).first()
    if membership is None:
        raise NotFound("The user is not a member of this tenant.")
    row_author(membership, by=by)
    membership.delete()
    if user.current_tenant_id == tenant.id:
        other = user.memberships.select_related("tenant").order_by("created_at").first()
        current_tenant_set(user=user, tenant=other.tenant if other else None, by=by)


@transaction.atomic
def memberships_assign(*, user: User, roles: Mapping[Tenant, str], by: User | None = None) -> None:
    """Make the person a member of each tenant with its role: all of them or none. Raises as `membership_set` does."""
    for tenant, role in roles.items():
        membership_set(user=user, tenant=tenant, role=role, by=by)


@transaction.atomic
def memberships_unassign(*, user: User, tenants: Iterable[Tenant], by: User | None = None) -> None:
    """End the person's membership of each tenant: all of them, or none with NotFound for one they do not belong to."""
    for tenant in tenants:
        membership_remove(user=user, tenant=tenant, by=by)


def _locked(user: User) -> User:
    """The person's row, held until the transaction ends: changes of what they belong to take turns."""
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


@transaction.atomic
def group_assign(*, user: User, group: str, by: User | None = None) -> None:
    """Put the person into one of the platform's groups and let them into the admin, where the group's work is done.

    Somebody who is in it already stays as they are. Raises Invalid for an unknown group.
    """
    row = _group(group)
    _locked(user)
    if user.groups.filter(pk=row.pk).exists():
        return
    user.groups.add(row)
    user.is_staff = True
    row_author(user, by=by, reason=f"joined {group}")
    user.save(update_fields=["is_staff", "modified_at"])


@transaction.atomic
def group_unassign(*, user: User, group: str, by: User | None = None) -> None:
    """Take the person out of the group. The admin stays open to them, and shows what other groups and roles allow.

    Somebody who is not in it stays as they are. Raises Invalid for an unknown group, Conflict for the last global
    admin.
    """
    row = _group(group)
    _locked(user)
    if not user.groups.filter(pk=row.pk).exists():
        return
    if group == GLOBAL_ADMIN and not user.is_superuser:
        last_global_admin_check(user)
    user.groups.remove(row)
    row_author(user, by=by, reason=f"left {group}")
    user.save(update_fields=["modified_at"])


def _group(name: str) -> Group:
    if name not in GROUPS:
        raise Invalid(f"Unknown group {name!r}.", {"groupName": [f"One of {', '.join(GROUPS)}."]})
    return Group.objects.get(name=name)
