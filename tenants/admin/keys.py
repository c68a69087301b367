"""Admin pages of API keys and signing secrets: issued, revoked and rotated through their services, shown once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from unfold.widgets import UnfoldBooleanSwitchWidget

from tenants.admin_base import HistoryAdmin, RecordAdmin, person
from tenants.admin_exports import ScopedExport
from tenants.admin_forms import SameTenantForm, ServiceForm
from tenants.admin_parts import RECORD, ReachFilter, column, page_action
from tenants.errors import DomainError
from tenants.models import ApiKey, SigningSecret, User
from tenants.rights import reaches_beyond
from tenants.services.keys import IssuedKey, api_key_issue, api_key_revoke, api_key_rotate
from tenants.services.secrets import ROTATION, signing_secret_rotate


class KeyIssueForm(ServiceForm[ApiKey]):
    """What a new key is for; its value is drawn by the service."""

    named_by_service: ClassVar[Mapping[str, str]] = {"userId": "user"}
    issued: IssuedKey | None = None
    with_secret = forms.BooleanField(
        required=False, label="With a secret", widget=UnfoldBooleanSwitchWidget,
        help_text="For PAVE-shaped clients, which sign with a key and a secret.",
    )  # fmt: skip

    class Meta:
        model = ApiKey
        fields = ("tenant", "family", "name", "user", "username", "single_use_tokens", "expires_at")

    def _get_validation_exclusions(self) -> set[str]:
        """Leave to the service what the constraints say about users: it says so in words a person understands."""
        return {*super()._get_validation_exclusions(), "user"}  # type: ignore[misc]  # missing in the stubs

    def clean_user(self) -> User | None:
        """The person the key acts as; nobody takes the place of one who reaches further than themselves."""
        user: User | None = self.cleaned_data.get("user")
        if user is not None and reaches_beyond(user, self.by):
            raise forms.ValidationError("You cannot issue a key that acts as this person.")
        return user

    def carry_out(self) -> ApiKey:
        """Issue the key and keep what is shown once."""
        values = self.cleaned_data
        self.issued = api_key_issue(
            tenant=values["tenant"], family=values["family"], name=values["name"], user=values["user"],
            username=values["username"], with_secret=values["with_secret"], expires_at=values["expires_at"], by=self.by,
        )  # fmt: skip
        key = self.issued.key
        if values["single_use_tokens"]:
            key.single_use_tokens = True
            key.save(update_fields=["single_use_tokens", "modified_at"])
        return key


class KeyForm(SameTenantForm[ApiKey]):
    """What may be changed of a key that was issued: its name and its end."""


def _state(key: ApiKey) -> tuple[str, str]:
    """Whether the key opens the door."""
    if key.revoked_at:
        return "shut", "revoked"
    if key.expires_at and key.expires_at <= timezone.now():
        return "shut", "expired"
    return ("good", "in use") if key.last_used_at else ("new", "never used")


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedExport, HistoryAdmin[ApiKey]):
    """Keys of all families. A value is shown in the answer that issues it and never again."""

    form = KeyForm
    list_display = (
        column(str, "key", ordering="hint"),
        "tenant",
        "name",
        "user",
        column(_state, "state", label={"good": "success", "new": "info", "shut": "danger"}, ordering="revoked_at"),
        "last_used_at",
        "expires_at",
        "created_at",
    )
    list_select_related = ("tenant", "user")
    list_filter = ("family", ("tenant", ReachFilter), ("revoked_at", admin.EmptyFieldListFilter), "last_used_at")
    search_fields = ("name", "username", "hint", "user__phone")
    search_ids = ("pk", "tenant", "user")
    ordering = ("-created_at",)
    autocomplete_fields = ("tenant", "user")
    set_once = ("tenant", "family", "user", "hint", "last_used_at", "revoked_at")
    actions = ("revoke",)
    actions_detail = ("rotate", "revoke_this")
    export_columns: ClassVar[dict[str, str]] = {
        "tenant": "tenant__name", "family": "family", "name": "name", "acts as": "user__phone", "username": "username",
        "last used": "last_used_at", "expires": "expires_at", "revoked": "revoked_at",
        "since": "created_at", "id": "pk",
    }  # fmt: skip
    fieldsets = (
        (None, {"fields": ("tenant", "family", "name", ("user", "username"), "single_use_tokens", "expires_at")}),
        ("Use", {"fields": (("hint", "last_used_at", "revoked_at"),)}),
        RECORD,
    )
    add_fieldsets = (
        (None, {"fields": ("tenant", "family", "name", "user", "expires_at")}),
        ("For clients that sign", {"fields": ("username", "with_secret", "single_use_tokens")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keys are revoked, so that it stays known that they were."""
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """A new key is issued, a known one only named anew."""
        if obj is None:
            kwargs["form"] = KeyIssueForm
        return super().get_form(request, obj, change=change, **kwargs)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> Any:
        """The page that shows the value."""
        issued: IssuedKey = request.__dict__.pop("_issued_key")
        return self.shown_once(
            request, title=f"{obj} is ready", secrets=[("Value", issued.value), ("Secret", issued.secret)],
            back=self.address_of(obj),
        )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ModelForm[ApiKey], change: bool) -> None:
        """Save; what is shown once travels with this request alone."""
        super().save_model(request, obj, form, change)
        if isinstance(form, KeyIssueForm):
            request.__dict__["_issued_key"] = form.issued

    @admin.action(description="Revoke selected keys…", permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponseBase | None:
        """Close the door for keys."""
        return self.do_for_each(
            request, queryset, action=lambda key: api_key_revoke(key=key, by=person(request)), done="revoked",
            question="Revoke these keys? Their clients are refused from now on; this cannot be undone.",
        )  # fmt: skip

    @page_action("Rotate", icon="autorenew", right="rotate")
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Replace a key, asked first and shown once; the old one is refused at once."""
        key = self.get_object(request, unquote(object_id))
        if key is None:
            return self.missing(request, object_id)
        if request.method != "POST":
            question = "Replace this key by a new one? Clients with the old one are refused at once."
            return self.ask(request, [key], question=question, back=self.address_of(key))
        try:
            issued = api_key_rotate(key=key, by=person(request))
        except DomainError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return HttpResponseRedirect(self.address_of(key))
        self.log_change(request, key, "rotated")
        return self.shown_once(
            request, title=f"{issued.key} is ready", back=self.address_of(issued.key), note=f"{key} is refused now.",
            secrets=[("Value", issued.value), ("Secret", issued.secret)],
        )  # fmt: skip

    def has_rotate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changing; nobody gets a key that acts as a person who reaches further than themselves."""
        if not self.has_operate_permission(request, obj):
            return False
        key = obj if isinstance(obj, ApiKey) or obj is None else self.get_object(request, unquote(str(obj)))
        if key is None:
            return True
        return key.revoked_at is None and (key.user is None or not reaches_beyond(key.user, person(request)))

    @page_action("Revoke", icon="block", danger=True)
    def revoke_this(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Close the door for one key."""
        return self.do_for_one(
            request, object_id, action=lambda key: api_key_revoke(key=key, by=person(request)), done="revoked",
            question="Revoke this key? Its clients are refused from now on; this cannot be undone.",
        )  # fmt: skip


def _secret_state(secret: SigningSecret) -> tuple[str, str]:
    return ("replaced", "replaced") if secret.retires_at else ("current", "current")


@admin.register(SigningSecret)
class SigningSecretAdmin(RecordAdmin[SigningSecret]):
    """Secrets that sign what tenants receive; a rotation shows the new one once."""

    list_display = (
        column(lambda secret: f"…{secret.hint}", "secret"),
        "tenant",
        column(_secret_state, "state", label={"current": "success", "replaced": "warning"}, ordering="retires_at"),
        "created_at",
        "retires_at",
    )
    list_select_related = ("tenant",)
    list_filter = (("tenant", ReachFilter), ("retires_at", admin.EmptyFieldListFilter))
    search_fields = ("tenant__name", "hint")
    search_ids = ("pk", "tenant")
    ordering = ("-created_at",)
    fields = ("id", "tenant", "hint", "created_at", "retires_at")
    actions_detail = ("rotate",)

    @page_action("Rotate", icon="autorenew")
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Give the tenant a new secret, asked first and shown once."""
        secret = self.get_object(request, unquote(object_id))
        if secret is None:
            return self.missing(request, object_id)
        if not self.has_operate_permission(request, secret):
            raise PermissionDenied
        hours = int(ROTATION.total_seconds() // 3600)
        if request.method != "POST":
            question = f"Give {secret.tenant} a new secret? The one in use signs beside it for {hours} hours more."
            return self.ask(request, [secret], question=question, back=self.address_of(secret))
        value = signing_secret_rotate(tenant=secret.tenant, by=person(request))
        self.log_change(request, secret, "rotated")
        return self.shown_once(
            request, title=f"New secret of {secret.tenant}", secrets=[("Secret", value)], back=self.address_of(secret),
            note=f"Both secrets sign for {hours} hours, so that the receiver can change over.",
        )  # fmt: skip
