"""People's accounts as an admin makes them, or invites to them."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from tenants.errors import Conflict, Invalid
from tenants.models import Role, Tenant, User
from tenants.phones import e164
from tenants.services.people import membership_set
from tenants.services.rows import row_author, row_check


@transaction.atomic
def user_create(
    *,
    phone: str,
    password: str | None,
    tenant: Tenant | None = None,
    role: str = Role.USER,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    is_staff: bool = False,
    by: User | None = None,
) -> User:
    """A new person, a member of `tenant` if one is given. The phone counts as unconfirmed and so does the e-mail.

    `password` None: nobody can log in until one is set. Raises Invalid for an impossible number or address, Conflict
    for a number that is taken.
    """
    user = User(phone=_phone(phone), first_name=first_name, last_name=last_name, email=email, is_staff=is_staff)
    user.set_password(password)
    row_check(user)
    row_author(user, by=by)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("Somebody has this phone number already.") from error
    if tenant is not None:
        membership_set(user=user, tenant=tenant, role=role, by=by)
    return user


def _phone(typed: str) -> str:
    try:
        return e164(typed)
    except ValueError as error:
        raise Invalid(str(error), {"phone": [str(error)]}) from error
