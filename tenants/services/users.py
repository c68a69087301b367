"""The end of a person's account: their work stays, they do not."""

from __future__ import annotations

from typing import Any, Final

from axes.models import AccessAttempt, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tenants.errors import NotFound
from tenants.models import ApiKey, Invitation, OneTimePassword, User
from tenants.services.keys import api_key_revoke
from tenants.services.people import group_unassign, last_global_admin_check, membership_remove, user_groups
from tenants.services.rows import row_author
from tenants.services.sessions import sessions_close_all

#: As much of the id as fits into the column of the phone number.
_PLACEHOLDER_DIGITS: Final = 12


@transaction.atomic
def user_delete(*, user: User, by: User | None = None) -> None:
    """Close the person's account and erase what tells who they were, in their row and in its history.

    The row stays, so that decisions, records and histories keep their author, now "deleted user". Tokens and keys open
    nothing from this moment on, and the phone number is free to register again. Raises NotFound for somebody who is
    deleted already, Conflict for the last global admin.
    """
    row = User.objects.select_for_update(no_key=True).filter(pk=user.pk, deleted_at__isnull=True).first()
    if row is None:
        raise NotFound("User not found.")
    last_global_admin_check(row)
    _let_go(row, by=by)
    _forget_log_ins(row)
    _erase(row, by=by)
    user.refresh_from_db()


def _let_go(user: User, *, by: User | None) -> None:
    """Take back all that the person may do."""
    for group in sorted(user_groups(user)):
        group_unassign(user=user, group=group, by=by)
    for membership in list(user.memberships.select_related("tenant")):
        membership_remove(user=user, tenant=membership.tenant, by=by)
    keys = ApiKey.objects.all_tenants("a person's keys end in every tenant")
    for key in keys.filter(user=user, revoked_at__isnull=True):
        api_key_revoke(key=key, by=by)
    sessions_close_all(user=user)
    Invitation.objects.all_tenants("what was typed about a person goes with them").filter(user=user).delete()


def _forget_log_ins(user: User) -> None:
    """Delete codes and the log of the person's log-ins, which know them by phone number or address."""
    names = [user.phone, *([user.email.lower()] if user.email else [])]
    OneTimePassword.objects.filter(Q(user=user) | Q(username__in=names)).delete()
    AccessAttempt.objects.filter(username__in=names).delete()
    AccessLog.objects.filter(username__in=names).delete()


def _erase(user: User, *, by: User | None) -> None:
    """Overwrite what tells who the person was: in the row, its history, and the admin's log of it."""
    personal: dict[str, Any] = {
        "phone": f"deleted-{user.pk.hex[-_PLACEHOLDER_DIGITS:]}",
        "email": "",
        "email_verified_at": None,
        "first_name": "",
        "last_name": "",
        "partner_id": "",
    }
    gone = {"is_active": False, "is_staff": False, "is_superuser": False, "last_login": None}
    for column, value in (personal | gone | {"current_tenant": None, "deleted_at": timezone.now()}).items():
        setattr(user, column, value)
    user.set_unusable_password()
    row_author(user, by=by, reason="deleted")
    user.save()
    User.history.filter(id=user.pk).update(**personal)
    logged = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk))
    logged.update(object_repr=str(user))
