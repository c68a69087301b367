"""People and what they belong to."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from simple_history.models import HistoricalRecords

from tenants.models.base import Row, TenantOwned
from tenants.models.tenant import Tenant
from tenants.phones import e164, validate_e164
from tenants.scope import TenantGate

GLOBAL_ADMIN: Final = "GLOBAL_ADMIN"
ANNOTATOR: Final = "ANNOTATOR"
REVIEWER: Final = "REVIEWER"
GROUPS: Final = (GLOBAL_ADMIN, ANNOTATOR, REVIEWER)


class UserManager(BaseUserManager["User"]):
    """Creates users by phone."""

    def create_user(self, phone: str, password: str | None = None, **extra: Any) -> User:
        """A user with the number normalised to E.164 and the password hashed; ValueError for an impossible number."""
        user = self.model(phone=e164(phone), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, phone: str, password: str | None = None, **extra: Any) -> User:
        """A user who may do everything in the admin (`createsuperuser`)."""
        return self.create_user(phone, password, is_staff=True, is_superuser=True, **extra)

    def get_by_natural_key(self, username: str | None) -> User:
        """The user by phone as typed: `+47 123 45 678` finds `+4712345678`."""
        try:
            return self.get(phone=e164(username or ""))
        except ValueError as error:
            raise self.model.DoesNotExist(str(error)) from error


class User(Row, AbstractBaseUser, PermissionsMixin):
    """A person; the phone number is the user name. Deleting keeps the row so that decisions keep their author."""

    phone = models.CharField(
        "phone", max_length=20, unique=True, validators=[validate_e164], help_text="With country code: +4712345678."
    )
    email = models.EmailField(blank=True)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    partner_id = models.CharField(max_length=100, blank=True, help_text="The person's id in a partner's system.")
    current_tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    is_staff = models.BooleanField("admin access", default=False, help_text="May log in to the admin.")
    is_active = models.BooleanField(default=True)
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="When the person proved to hold the phone.")
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = HistoricalRecords(excluded_fields=["password", "last_login"])

    objects = UserManager()

    USERNAME_FIELD = "phone"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering: ClassVar = ["phone"]
        indexes: ClassVar = [
            # Lists show the living by name; how many they are is known from all and the few who are not.
            models.Index(
                fields=["last_name", "first_name", "id"],
                condition=models.Q(deleted_at__isnull=True),
                name="user_living_by_name",
            ),
            models.Index(fields=["deleted_at"], condition=models.Q(deleted_at__isnull=False), name="user_deleted"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.phone

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a log-in changes nothing about the person, so it leaves no record in the history."""
        if list(kwargs.get("update_fields") or ()) != ["last_login"]:
            super().save(*args, **kwargs)
            return
        self.skip_history_when_saving = True
        try:
            super().save(*args, **kwargs)
        finally:
            del self.skip_history_when_saving

    def get_full_name(self) -> str:
        """First and last name; "deleted user" once the person is gone."""
        if self.deleted_at:
            return "deleted user"
        return f"{self.first_name} {self.last_name}".strip()


class Role(models.TextChoices):
    """What a member may do in a tenant."""

    USER = "USER", "user"
    ADMIN_TENANT = "ADMIN_TENANT", "tenant admin"


class Membership(TenantOwned):
    """A person's role in a tenant."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role, default=Role.USER)
    history = HistoricalRecords()

    objects = TenantGate(models.QuerySet["Membership"])

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "tenant"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant}"
