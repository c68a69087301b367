"""The two demo tenants with their people and keys; what is there already is found, what people changed stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from inspection_platform.demo.secrets import demo_password, demo_signing_secret, demo_token, demo_uuid
from tenants.models import ANNOTATOR, GLOBAL_ADMIN, REVIEWER, ApiKey, Family, Membership, Role, Tenant, User
from tenants.services.keys import api_key_find, api_key_issue, api_key_revoke
from tenants.services.people import group_assign, membership_set, user_groups
from tenants.services.sealing import SealBroken, digest
from tenants.services.secrets import signing_secret_rotate, signing_secrets_valid
from tenants.services.settings import tenant_configure, tenant_create

PAVE_USERNAME: Final = "demo"

#: Everything on, nothing limited: what a visitor wants to see.
_SETTINGS: Final = {
    "manualAnnotationEnabled": True,
    "manualReviewEnabled": True,
    "publishResult": "afterModels",
    "window.inspektlabs": "open",
    "feature.incremental": "on",
    "rate.instavid360": 2_147_483_647,
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who a demo user is: first name, role in the tenant, group."""

    name: str
    role: Role = Role.USER
    group: str = ""


PEOPLE: Final[dict[str, Person]] = {
    "global_admin": Person("Gail", Role.ADMIN_TENANT, GLOBAL_ADMIN),
    "tenant_admin": Person("Tom", Role.ADMIN_TENANT),
    "annotator": Person("Anna", group=ANNOTATOR),
    "reviewer": Person("Rita", group=REVIEWER),
    "staff": Person("Sam"),
}


@dataclass(frozen=True, slots=True)
class Spec:
    """One demo tenant: its key in the output, its name, the start of its phone numbers, its car's plate."""

    key: str
    name: str
    phones: str
    plate: str

    def phone(self, who: str) -> str:
        """The user name of one of the people: numbers that no operator gives out."""
        return f"{self.phones}{list(PEOPLE).index(who) + 1:02d}"


SPECS: Final = (
    Spec("demo", "Demo Rental", "+47100001", "DR10001"),
    Spec("other", "Other Rental", "+47100002", "OR20002"),
)


@dataclass(slots=True)
class Staffed:
    """A demo tenant with its people by role and the values of its keys."""

    spec: Spec
    tenant: Tenant
    users: dict[str, User] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def password(self, who: str) -> str:
        """The password of one of the people."""
        return demo_password(f"{self.spec.key}:password:{who}")

    @property
    def pave_secret(self) -> str:
        """What PAVE-shaped requests are signed with."""
        return demo_token(f"{self.spec.key}:pave-secret")

    @property
    def webhook_secret(self) -> str:
        """What signs the tenant's callbacks."""
        return demo_signing_secret(f"{self.spec.key}:webhook")


@transaction.atomic
def tenant_staff(spec: Spec) -> Staffed:
    """The demo tenant with all its people and keys, made or found."""
    made = Staffed(spec, _tenant(spec))
    if not _signs(made.tenant, made.webhook_secret):
        signing_secret_rotate(tenant=made.tenant, value=made.webhook_secret, overlap=timedelta(0))
    for who in PEOPLE:
        made.users[who] = _user(made, who)
    made.keys = {
        Family.CORE: _key(made, Family.CORE, demo_uuid(f"{spec.key}:core"), user=made.users["tenant_admin"]),
        Family.INSPEKTLABS: _key(made, Family.INSPEKTLABS, demo_token(f"{spec.key}:inspektlabs")),
        Family.PAVE: _key(
            made, Family.PAVE, demo_uuid(f"{spec.key}:pave"), username=PAVE_USERNAME, secret=made.pave_secret
        ),
        Family.INSTAVID360: _key(made, Family.INSTAVID360, demo_token(f"{spec.key}:instavid360")),
    }
    return made


def _tenant(spec: Spec) -> Tenant:
    """The tenant of this name, the demo people's if somebody renamed it, or a new one with the demo's settings."""
    members = Membership.objects.all_tenants("the demo's tenant is found by its people")
    theirs = members.filter(user__phone=spec.phone("staff")).order_by("created_at").values_list("tenant", flat=True)
    known = Tenant.objects.select_related("settings")
    tenant = known.filter(name=spec.name).first() or known.filter(pk__in=theirs[:1]).first()
    if tenant is None:
        tenant = tenant_create(name=spec.name, signing_secret=demo_signing_secret(f"{spec.key}:webhook"))
        tenant_configure(tenant=tenant, changes=_SETTINGS, reason="demo data")
    return tenant


def _user(made: Staffed, who: str) -> User:
    person, password = PEOPLE[who], made.password(who)
    user = User.objects.filter(phone=made.spec.phone(who)).first()
    if user is None:
        user = User.objects.create_user(
            made.spec.phone(who), password, first_name=person.name, last_name=made.spec.name.split()[0],
            current_tenant=made.tenant, confirmed_at=timezone.now(), is_staff=True,
        )  # fmt: skip
    elif not _opens(user, password):
        # What this command prints has to open the door.
        user.set_password(password)
        user.save(update_fields=["password", "modified_at"])
    membership_set(user=user, tenant=made.tenant, role=person.role)
    if person.group and person.group not in user_groups(user):
        group_assign(user=user, group=person.group)
    return user


def _signs(tenant: Tenant, secret: str) -> bool:
    """Whether the tenant's callbacks are signed with this secret; not when the sealing key is another one by now."""
    try:
        return secret in signing_secrets_valid(tenant)
    except SealBroken:
        return False


def _opens(user: User, password: str) -> bool:
    """Whether this is the user's password. A check is slow by design, so one that succeeded is remembered."""
    key, proof = f"demo-password:{user.pk}", digest(f"{user.password}:{password}")
    if cache.get(key) == proof:
        return True
    fits = user.check_password(password)
    if fits:
        cache.set(key, proof, timeout=None)
    return fits


def _key(
    made: Staffed,
    family: Family,
    value: str,
    *,
    user: User | None = None,
    username: str = "",
    secret: str | None = None,
) -> str:
    """Make sure that this key opens the door, also if somebody revoked it."""
    if api_key_find(family=family, value=value) is None:
        _revoke_others(made.tenant, family, user)
        revoked = ApiKey.objects.of(made.tenant.pk).filter(digest=digest(value)).first()
        if revoked is not None:
            revoked.revoked_at = None
            revoked.save(update_fields=["revoked_at", "modified_at"])
            return value
        api_key_issue(
            tenant=made.tenant, family=family, name="demo", user=user, username=username, value=value, secret=secret
        )
    return value


def _revoke_others(tenant: Tenant, family: Family, user: User | None) -> None:
    """A user has one key at a time: another one of the demo's tenant admin gives way to the demo's."""
    if user is not None:
        for other in ApiKey.objects.of(tenant.pk).filter(family=family, user=user, revoked_at__isnull=True):
            api_key_revoke(key=other)
