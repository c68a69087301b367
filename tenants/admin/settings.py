"""Admin pages of tenants, their settings, groups and quotas."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.forms import ModelForm
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from tenants.admin_base import HistoryAdmin, RecordAdmin, person
from tenants.admin_forms import SameTenantForm, ServiceForm
from tenants.admin_inlines import ScopedStacked, ScopedTabular
from tenants.admin_parts import RECORD, ReachFilter, column, state_column
from tenants.catalogue import FRAMES_WITHOUT_CAMERA
from tenants.models import Quota, Tenant, TenantGroup, TenantSettings, UsageCounter, User
from tenants.rights import standing_of
from tenants.scope import Reach
from tenants.services.quotas import quota_set
from tenants.services.rows import row_author
from tenants.services.settings import SETTINGS, Setting, tenant_create, tenant_settings_update


def setting_field_name(setting: Setting) -> str:
    """The form's name of a setting; in a form's name a dot would look like a path."""
    return setting.key.replace(".", "__")


_BY_NAME: Final = {setting_field_name(setting): setting for setting in SETTINGS}


def _names(*keys: str) -> list[str]:
    """The fields of these settings; a key stands for all settings below it."""
    return [name for key in keys for name in _BY_NAME if name == key or name.startswith(f"{key}__")]


_SECTIONS: Final[Any] = (
    (
        "Results",
        {"fields": _names("damageDetectionServiceEnabled", "publishResult", "newDamageNotification", "expiryAfter")},
    ),
    (
        "Manual work",
        {"fields": _names("manualAnnotationEnabled", "manualReviewEnabled", "minDamagesForManualProcessing")},
    ),
    ("Stations", {"fields": _names("timeZone", "turnaroundConfiguration", "isHandicapped")}),
    (
        "Blur faces on photos of",
        {
            "fields": _names("faceblurServiceEnabled"),
            "description": "Each camera by itself. Photos that no camera of a rig took (of phones, for example) are "
            "blurred as soon as one camera is on. What is published already is replaced when its set is run again.",
        },
    ),
    (
        "Frames kept of a video of",
        {
            "fields": _names("maxFramesForCameras"),
            "description": "Stored; acted on once rigs record. Of any other video at most "
            f"{FRAMES_WITHOUT_CAMERA} frames are kept.",
        },
    ),
    (
        "For the operator of the installation",
        {"fields": _names("window", "feature", "rate"), "description": "Only global admins change these."},
    ),
)


#: What the form calls settings whose column's name would need an explanation.
_LABELS: Final = {
    "expiryAfter": "Days until photos as received are deleted",
    "isHandicapped": "Handicapped",
    "minDamagesForManualProcessing": "Least proposals for manual work",
    "newDamageNotification": "Mail about new damages",
    "publishResult": "Results go out",
    "turnaroundConfiguration.isEnabled": "Turnarounds",
    "turnaroundConfiguration.threshold": "Turnaround threshold (seconds)",
    "window.inspektlabs": "Uploads of Inspektlabs-shaped clients",
    "feature.incremental": "Comparing two inspections",
    "rate.instavid360": "InstaVid360-shaped requests a minute",
}


def _field(setting: Setting) -> forms.Field:
    """A form field for a row of the table of settings; what its column is decides how it is asked for."""
    stored = TenantSettings._meta.get_field(setting.column)  # noqa: SLF001 - Django's documented way to a column
    name = str(getattr(stored, "verbose_name", setting.key)).capitalize()
    label = setting.item or _LABELS.get(setting.key, name)
    texts: Any = {"label": label, "help_text": "" if setting.item else str(getattr(stored, "help_text", ""))}
    choices = _choices(setting, stored)
    if choices:
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **texts)
    if isinstance(setting.read(TenantSettings()), bool):
        return forms.BooleanField(required=False, widget=UnfoldBooleanSwitchWidget, **texts)
    return forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget, **texts)


def _choices(setting: Setting, stored: Any) -> list[tuple[Any, Any]]:
    """The words a setting accepts, [] for numbers and switches."""
    if isinstance(stored, models.BooleanField) and not isinstance(setting.show(True), bool):  # noqa: FBT003 - a value
        return [(setting.show(value), setting.show(value)) for value in (True, False)]
    if setting.column == "time_zone":
        return [(name, name) for name in sorted(available_timezones())]
    return list(getattr(stored, "choices", None) or [])


class SettingsForm(SameTenantForm[TenantSettings]):
    """Every setting of the table that the API and the shell use too, judged by the same rules."""

    #: Who changes them, and whether they run the installation; set on the class made for each request.
    by: ClassVar[User]
    operator: ClassVar[bool] = False

    class Meta:
        model = TenantSettings
        fields: ClassVar[list[str]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, setting in _BY_NAME.items():
            field = self.fields[name] = _field(setting)
            field.disabled = setting.operator and not self.operator
            self.initial.setdefault(name, setting.read(self.instance))

    def clean(self) -> dict[str, Any]:
        """Refuse what the service would refuse, at the field."""
        values = super().clean()
        for name in [name for name in self.changed_data if name in values]:
            try:
                _BY_NAME[name].clean(values[name])
            except ValueError as error:
                self.add_error(name, str(error))
        return values

    def carry_out(self) -> None:
        """Change the settings that were changed here; what somebody else changed meanwhile stays."""
        changes = {_BY_NAME[name].key: self.cleaned_data[name] for name in self.changed_data if name in _BY_NAME}
        tenant_settings_update(tenant=self.instance.tenant, changes=changes, by=self.by, operator=self.operator)


class SettingsInline(ScopedStacked[TenantSettings, Tenant]):
    """The settings on the tenant's page."""

    model = TenantSettings
    form = SettingsForm
    fieldsets = _SECTIONS
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A tenant has settings from its first moment."""
        return False

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The form set of this request, which knows who fills it in."""
        formset = super().get_formset(request, obj, fields=[], **kwargs)
        _introduce(formset.form, request)
        return formset


class QuotaInline(ScopedTabular[Quota, Tenant]):
    """Monthly limits on the tenant's page."""

    model = Quota
    fields = ("service", "limit")


def _introduce(form: Any, request: HttpRequest) -> None:
    form.by = person(request)
    form.operator = standing_of(form.by).is_global


class TenantForm(SameTenantForm[Tenant]):
    """A tenant's name and whether it is active."""


@admin.register(Tenant)
class TenantAdmin(HistoryAdmin[Tenant]):
    """Customers with their settings and quotas."""

    list_display = (
        "name",
        "is_active",
        column(lambda tenant: tenant.settings.damage_detection_enabled, "damage detection", boolean=True),
        column(lambda tenant: tenant.settings.manual_annotation_enabled, "annotation", boolean=True),
        column(lambda tenant: tenant.settings.manual_review_enabled, "review", boolean=True),
        column(lambda tenant: tenant.settings.get_publish_result_display(), "results go out"),
        "created_at",
    )
    list_select_related = ("settings",)
    list_filter = ("is_active", "settings__manual_annotation_enabled", "settings__manual_review_enabled", "created_at")
    search_fields = ("name",)
    ordering = ("name",)
    inlines = (SettingsInline, QuotaInline)
    set_once = ()
    fieldsets = (
        (None, {"fields": (("name", "is_active"),)}),
        RECORD,
    )
    add_fieldsets = ((None, {"fields": ("name",)}),)

    def rows(self, reach: Reach) -> QuerySet[Tenant]:
        """The tenants within reach."""
        return Tenant.objects.all() if reach.tenant_ids is None else Tenant.objects.filter(pk__in=reach.tenant_ids)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A tenant is made inactive; deleting it would erase everything it ever recorded."""
        return False

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Settings and quotas, for those who may change the tenant; its own admins have a page of settings."""
        return super().get_inlines(request, obj) if obj is not None and self.has_change_permission(request, obj) else ()

    def save_model(self, request: HttpRequest, obj: Tenant, form: ModelForm[Tenant], change: bool) -> None:
        """A new tenant comes with settings and a signing secret; a known one keeps a history of who changed it."""
        if change:
            row_author(obj, by=person(request))
            obj.save()
        else:
            made = tenant_create(name=obj.name, by=person(request))
            obj.pk, obj.created_at, obj.modified_at = made.pk, made.created_at, made.modified_at

    def save_formset(
        self,
        request: HttpRequest,
        form: Any,
        formset: BaseInlineFormSet[Any, Any, Any],
        change: bool,
    ) -> None:
        """Settings and quotas go through their services."""
        if formset.model is TenantSettings:
            formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
            for settings_form in formset.forms:
                if settings_form.has_changed():
                    settings_form.carry_out()
                    formset.changed_objects.append((settings_form.instance, settings_form.changed_data))
            return
        for row in formset.save(commit=False):
            quota_set(tenant=row.tenant, service=row.service, limit=row.limit, by=person(request))
        for row in formset.deleted_objects:
            quota_set(tenant=row.tenant, service=row.service, limit=None, by=person(request))


@admin.register(TenantSettings)
class TenantSettingsAdmin(HistoryAdmin[TenantSettings]):
    """The settings page for a tenant's own admins, with the history of every change."""

    form = SettingsForm
    list_display = (
        "tenant",
        "damage_detection_enabled",
        "manual_annotation_enabled",
        "manual_review_enabled",
        "publish_result",
        "expiry_after_days",
        "time_zone",
        "modified_at",
    )
    list_select_related = ("tenant",)
    list_filter = (
        "damage_detection_enabled",
        "manual_annotation_enabled",
        "manual_review_enabled",
        "publish_result",
        "inspektlabs_window_open",
    )
    search_fields = ("tenant__name",)
    search_ids = ("pk", "tenant")
    ordering = ("tenant__name",)
    fieldsets = (
        (None, {"fields": ("tenant",)}),
        *_SECTIONS,
        RECORD,
    )

    def rows(self, reach: Reach) -> QuerySet[TenantSettings]:
        """The settings of the tenants within reach."""
        rows = TenantSettings.objects.all()
        return rows if reach.tenant_ids is None else rows.filter(tenant__in=reach.tenant_ids)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They come with the tenant."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They go with the tenant."""
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form of this request, which knows who fills it in."""
        form = super().get_form(request, obj, change=change, **(kwargs | {"fields": []}))
        _introduce(form, request)
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through the service, with a history record that says who."""
        form.carry_out()


@admin.register(TenantGroup)
class TenantGroupAdmin(HistoryAdmin[TenantGroup]):
    """Groups of tenants; the power tenant may act for the members where a call asks for it."""

    list_display = ("name", "power_tenant", column(lambda row: ", ".join(str(t) for t in row.members.all()), "members"))
    list_select_related = ("power_tenant",)
    list_filter = (("members", ReachFilter),)
    search_fields = ("name", "members__name")
    ordering = ("name",)
    autocomplete_fields = ("power_tenant", "members")
    set_once = ()
    fieldsets = (
        (None, {"fields": ("name", "power_tenant", "members")}),
        RECORD,
    )
    add_fieldsets = ((None, {"fields": ("name", "power_tenant", "members")}),)

    def rows(self, reach: Reach) -> QuerySet[TenantGroup]:
        """Groups reach across tenants: for those who do so too."""
        return TenantGroup.objects.all() if reach.tenant_ids is None else TenantGroup.objects.none()

    def get_queryset(self, request: HttpRequest) -> QuerySet[TenantGroup]:
        """Groups with their members."""
        return super().get_queryset(request).prefetch_related("members")


class QuotaForm(ServiceForm[Quota]):
    """A monthly limit."""

    def carry_out(self) -> Quota:
        """Set the limit."""
        row = self.instance
        quota_set(tenant=row.tenant, service=row.service, limit=row.limit, by=self.by)
        return Quota.objects.of(row.tenant_id).get(service=row.service)


@admin.register(Quota)
class QuotaAdmin(HistoryAdmin[Quota]):
    """Monthly limits; a service without one is unlimited."""

    form = QuotaForm
    list_display = ("tenant", "service", "limit", "modified_at")
    list_select_related = ("tenant",)
    list_filter = ("service", ("tenant", ReachFilter))
    search_fields = ("tenant__name",)
    search_ids = ("pk", "tenant")
    ordering = ("tenant__name", "service")
    autocomplete_fields = ("tenant",)
    set_once = ("tenant", "service")
    fieldsets = (
        (None, {"fields": ("tenant", "service", "limit")}),
        RECORD,
    )
    add_fieldsets = ((None, {"fields": ("tenant", "service", "limit")}),)

    def delete_model(self, request: HttpRequest, obj: Quota) -> None:
        """Lift the limit."""
        quota_set(tenant=obj.tenant, service=obj.service, limit=None, by=person(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Quota]) -> None:
        """Lift each limit."""
        for row in queryset:
            self.delete_model(request, row)


@admin.register(UsageCounter)
class UsageCounterAdmin(RecordAdmin[UsageCounter]):
    """What was used of each service in each month."""

    list_display = ("tenant", state_column("service", {}), "month", "used", "modified_at")
    list_select_related = ("tenant",)
    list_filter = ("service", ("tenant", ReachFilter), "month")
    search_fields = ("tenant__name",)
    search_ids = ("pk", "tenant")
    ordering = ("-month", "service")
    date_hierarchy = "month"
    fields = ("id", "tenant", "service", "month", "used", "modified_at")
