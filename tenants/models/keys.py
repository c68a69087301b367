"""What opens doors: API keys, sessions behind refresh tokens, one-time codes, signing secrets."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from simple_history.models import HistoricalRecords

from tenants.models.base import Row, TenantOwned
from tenants.models.tenant import Tenant
from tenants.models.user import User
from tenants.phones import LONGEST_LOGIN_NAME
from tenants.scope import TenantGate


class Family(models.TextChoices):
    """The four HTTP dialects."""

    CORE = "core", "core"
    INSPEKTLABS = "inspektlabs", "Inspektlabs-shaped"
    PAVE = "pave", "PAVE-shaped"
    INSTAVID360 = "instavid360", "InstaVid360-shaped"


class ApiKey(TenantOwned):
    """A key of any family: found by digest, sealed at rest, shown once. A core key acts as its user."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_keys")
    family = models.CharField(max_length=20, choices=Family)
    name = models.CharField(max_length=200, blank=True, help_text="What the key is used for.")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="api_keys")
    username = models.CharField(
        max_length=150, blank=True, help_text="Account name that PAVE-shaped clients sign with."
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    sealed_value = models.TextField(editable=False)
    sealed_secret = models.TextField(blank=True, editable=False)
    hint = models.CharField("ends in", max_length=8, editable=False)
    single_use_tokens = models.BooleanField(default=False, help_text="Refuse a signed PAVE token the second time.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: does not expire.")
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = HistoricalRecords(excluded_fields=["sealed_value", "sealed_secret", "digest", "last_used_at"])

    objects = TenantGate(models.QuerySet["ApiKey"])

    class Meta(TenantOwned.Meta):
        verbose_name = "API key"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(family__in=Family.values), name="api_key_family_known"),
            models.CheckConstraint(
                condition=~models.Q(family=Family.CORE) | models.Q(user__isnull=False), name="api_key_core_has_user"
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(family=Family.CORE, revoked_at__isnull=True),
                name="api_key_one_core_key_per_user",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "family"])]

    def __str__(self) -> str:
        return f"{self.get_family_display()} key …{self.hint}"


class AuthSession(TenantOwned):
    """What a refresh token of the core family stands for: it dies on logout, password change and deletion."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="auth_sessions")
    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = TenantGate(models.QuerySet["AuthSession"])

    class Meta(TenantOwned.Meta):
        indexes: ClassVar = [models.Index(fields=["user", "revoked_at"])]

    def __str__(self) -> str:
        return f"Session of {self.user}"


class CodePurpose(models.TextChoices):
    """What a one-time code proves."""

    REGISTER = "register", "registration"
    RESET = "reset", "password reset"


class OneTimePassword(Row):
    """A request for a code, and the hash of the code that was drawn for it: six characters, ten minutes, five tries.

    A request for a name that nobody has gets its row and its code too; only it is not sent, and opens nothing.
    """

    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="one_time_passwords")
    username = models.CharField(
        "user name", max_length=LONGEST_LOGIN_NAME, help_text="As it was given: phone number or e-mail address."
    )
    purpose = models.CharField(max_length=20, choices=CodePurpose)
    pending = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="The registration that the code confirms; no clear password.",
    )
    digest = models.CharField(max_length=200, blank=True, editable=False)
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often sending was tried.")
    next_attempt_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When it may be sent (again); empty: there is nothing to send."
    )
    sent_to = models.CharField(max_length=LONGEST_LOGIN_NAME, blank=True, help_text="Phone number or e-mail address.")
    sent_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=300, blank=True, help_text="Why it was not sent.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["username", "purpose", "-created_at"], name="one_time_newest"),
            models.Index(
                fields=["next_attempt_at"], name="one_time_due", condition=models.Q(next_attempt_at__isnull=False)
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(purpose__in=CodePurpose.values), name="one_time_purpose_known")
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} code for {self.username}"


class SigningSecret(TenantOwned):
    """A secret that signs what a tenant receives; during a rotation two are valid."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="signing_secrets")
    sealed_value = models.TextField(editable=False)
    hint = models.CharField("ends in", max_length=8, editable=False)
    retires_at = models.DateTimeField(null=True, blank=True, help_text="When a replaced secret stops signing.")
    history = HistoricalRecords(excluded_fields=["sealed_value"])

    objects = TenantGate(models.QuerySet["SigningSecret"])

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(retires_at__isnull=True), name="signing_secret_one_current"
            )
        ]

    def __str__(self) -> str:
        return f"Secret …{self.hint} of {self.tenant}"
