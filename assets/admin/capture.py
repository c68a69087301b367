"""Admin pages of capture sets and their units: made, taken out of use and enrolled through the services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from assets.models import CaptureSet, CaptureUnit
from assets.services.device_keys import capture_unit_enrol, capture_unit_revoke
from assets.services.rigs import (
    SIDES,
    UnitGiven,
    capture_set_create,
    capture_set_delete,
    capture_set_restore,
    capture_set_update,
    units_check,
)
from tenants.admin_base import HistoryAdmin, person
from tenants.admin_forms import SameTenantForm, ServiceForm
from tenants.admin_inlines import ScopedTabular
from tenants.admin_parts import RECORD, ReachFilter, column, deleted_column, page_action
from tenants.errors import DomainError

if TYPE_CHECKING:
    from django.forms.models import BaseInlineFormSet

    _FormSet = BaseInlineFormSet[CaptureUnit, CaptureSet, forms.ModelForm[CaptureUnit]]
else:
    from unfold.admin import PaginationInlineFormSet as _FormSet

_DELETE = "Take {} out of use? They are not shown any more; what they recorded stays."
_RESTORE = "Take {} into use again?"


class UnitFormSet(_FormSet):
    """The units of one rig, which share their default tenant."""

    def clean(self) -> None:
        """Refuse what the service of the units would refuse."""
        super().clean()
        given = [form.cleaned_data for form in self.forms if not form.errors and form.cleaned_data]
        try:
            units_check(
                (getattr(values["default_tenant"], "pk", None), {tenant.pk for tenant in values["tenants"]})
                for values in given
            )
        except DomainError as refusal:
            raise ValidationError(refusal.message) from refusal


class UnitInline(ScopedTabular[CaptureUnit, CaptureSet]):
    """The rig's units on its page."""

    model = CaptureUnit
    formset = UnitFormSet
    fields = ("side", "balena_id", "tenants", "default_tenant")
    autocomplete_fields = ("tenants", "default_tenant")
    select_related = ("capture_set", "default_tenant")
    show_change_link = True
    can_delete = False
    max_num = 2

    def get_queryset(self, request: HttpRequest) -> QuerySet[CaptureUnit]:
        """Units with the tenants they serve."""
        return super().get_queryset(request).prefetch_related("tenants")


class CaptureSetNewForm(ServiceForm[CaptureSet]):
    """A new rig with its units."""

    named_by_service: ClassVar[Mapping[str, str]] = {"captureUnits": "units"}
    units = forms.MultipleChoiceField(
        choices=[(side, side) for side in SIDES], required=False, initial=SIDES,
        widget=UnfoldAdminCheckboxSelectMultipleWidget, help_text="A virtual capture set gets none.",
    )  # fmt: skip

    class Meta:
        model = CaptureSet
        fields = (
            "tenant", "name", "label", "location", "country_code", "is_virtual", "cameras_count", "priority",
            "pipeline_mask", "min_license_plate_area", "lenses",
        )  # fmt: skip

    def carry_out(self) -> CaptureSet:
        """Create the rig; its units record for its owner until somebody says otherwise."""
        values = dict(self.cleaned_data)
        tenant, is_virtual, named = values.pop("tenant"), values.pop("is_virtual"), values.pop("units")
        sides = () if is_virtual else named
        units = [UnitGiven(side=side) for side in sides]
        return capture_set_create(tenant=tenant, values=values, units=units, is_virtual=is_virtual, by=self.by)


@admin.register(CaptureSet)
class CaptureSetAdmin(HistoryAdmin[CaptureSet]):
    """Rigs and virtual rigs."""

    list_display = ("name", "tenant", "label", "location", "is_virtual", "priority", deleted_column())
    list_select_related = ("tenant",)
    list_filter = ("label", "is_virtual", ("tenant", ReachFilter), ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "location")
    search_ids = ("pk", "tenant")
    ordering = ("name",)
    autocomplete_fields = ("tenant",)
    set_once = ("tenant", "is_virtual")
    readonly_fields = ("deleted_at",)
    actions = ("delete_softly", "restore")
    actions_detail = ("delete_this", "restore_this")
    inlines = (UnitInline,)
    fieldsets = (
        (
            None,
            {"fields": ("tenant", ("name", "label"), ("location", "country_code"), ("is_virtual", "cameras_count"))},
        ),
        ("Processing", {"fields": ("priority", "pipeline_mask", "min_license_plate_area", "lenses")}),
        ("Record", {"fields": (("id", "created_at", "modified_at"), "deleted_at")}),
    )
    add_fieldsets = (*fieldsets[:1], ("Units", {"fields": ("units",)}), *fieldsets[1:2])

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A rig's passages keep their origin."""
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """A new rig is made by its service."""
        if obj is None:
            kwargs["form"] = CaptureSetNewForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Units of rigs that exist."""
        return super().get_inlines(request, obj) if obj is not None and not obj.is_virtual else ()

    @admin.action(description="Take selected capture sets out of use…", permissions=["operate"])
    def delete_softly(self, request: HttpRequest, queryset: QuerySet[CaptureSet]) -> HttpResponseBase | None:
        """Hide rigs; what they recorded keeps its origin."""
        return self.do_for_each(
            request, queryset, action=lambda rig: capture_set_delete(capture_set=rig, by=person(request)),
            done="taken out of use", question=_DELETE.format("these capture sets"),
        )  # fmt: skip

    @admin.action(description="Take selected capture sets into use again…", permissions=["operate"])
    def restore(self, request: HttpRequest, queryset: QuerySet[CaptureSet]) -> HttpResponseBase | None:
        """Show rigs again."""
        return self.do_for_each(
            request, queryset, action=lambda rig: capture_set_restore(capture_set=rig, by=person(request)),
            done="in use", question=_RESTORE.format("these capture sets"),
        )  # fmt: skip

    @page_action("Take out of use", icon="delete", danger=True)
    def delete_this(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Hide one rig."""
        return self.do_for_one(
            request, object_id, action=lambda rig: capture_set_delete(capture_set=rig, by=person(request)),
            done="taken out of use", question=_DELETE.format("this capture set and its units"),
        )  # fmt: skip

    @page_action("Take into use", icon="restore_from_trash")
    def restore_this(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Show one rig again."""
        return self.do_for_one(
            request, object_id, action=lambda rig: capture_set_restore(capture_set=rig, by=person(request)),
            done="in use", question=_RESTORE.format("this capture set"),
        )  # fmt: skip


class UnitNewForm(ServiceForm[CaptureUnit]):
    """A new unit of a rig that exists."""

    named_by_service: ClassVar[Mapping[str, str]] = {"captureUnits": "side"}

    class Meta:
        model = CaptureUnit
        fields = ("capture_set", "side", "balena_id", "tenants")

    def carry_out(self) -> CaptureUnit:
        """Add the unit; without tenants it records for those of the rig's other unit, or for its owner."""
        values, rig = self.cleaned_data, self.cleaned_data["capture_set"]
        named = frozenset(tenant.pk for tenant in values["tenants"]) or None
        given = UnitGiven(side=values["side"], tenant_ids=named, balena_id=values["balena_id"])
        capture_set_update(capture_set=rig, values={}, units=[given], by=self.by)
        made: CaptureUnit = rig.units.get(side=values["side"])
        return made


class UnitForm(SameTenantForm[CaptureUnit]):
    """A unit; its default tenant is set on the page of its rig, since both units share it."""

    def clean_tenants(self) -> Any:
        """The tenants it records for, its default tenant among them."""
        tenants = self.cleaned_data["tenants"]
        try:
            units_check([(self.instance.default_tenant_id, {tenant.pk for tenant in tenants})])
        except DomainError as refusal:
            raise ValidationError(refusal.message) from refusal
        return tenants


def _device(unit: CaptureUnit) -> tuple[str, str]:
    """Whether a device can post recordings for the unit."""
    if not unit.device_key_digest:
        return "none", "not enrolled"
    return ("seen", "in use") if unit.last_seen_at else ("new", "never seen")


@admin.register(CaptureUnit)
class CaptureUnitAdmin(HistoryAdmin[CaptureUnit]):
    """Single rigs of cameras, left or right of the lane. A device key is shown in the answer that makes it."""

    form = UnitForm
    list_display = (
        column(lambda unit: unit.capture_set.name, "capture set", ordering="capture_set__name"),
        "side",
        column(lambda unit: unit.capture_set.tenant, "tenant"),
        "default_tenant",
        "balena_id",
        "recording_count",
        column(_device, "device", label={"none": "", "new": "info", "seen": "success"}, ordering="enrolled_at"),
        "last_seen_at",
    )
    list_select_related = ("capture_set__tenant", "default_tenant")
    list_filter = (
        "side", ("capture_set__tenant", ReachFilter), ("enrolled_at", admin.EmptyFieldListFilter), "last_seen_at",
    )  # fmt: skip
    search_fields = ("balena_id", "capture_set__name")
    search_ids = ("pk", "capture_set")
    ordering = ("capture_set__name", "side")
    autocomplete_fields = ("capture_set", "tenants")
    set_once = ("capture_set", "default_tenant")
    readonly_fields = ("recording_count", "enrolled_at", "last_seen_at")
    actions_detail = ("enrol", "revoke_key")
    fieldsets = (
        (None, {"fields": (("capture_set", "side"), "balena_id", "tenants", "default_tenant")}),
        ("Use", {"fields": (("enrolled_at", "last_seen_at", "recording_count"),)}),
        RECORD,
    )
    add_fieldsets = ((None, {"fields": (("capture_set", "side"), "balena_id", "tenants")}),)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What a unit recorded keeps its origin."""
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """A new unit is made by its service."""
        if obj is None:
            kwargs["form"] = UnitNewForm
        return super().get_form(request, obj, change=change, **kwargs)

    def may_know(self, request: HttpRequest, field: str) -> bool:
        """Not how the digest of the device key changed."""
        return field != "device key digest" and super().may_know(request, field)

    @page_action("Enrol…", icon="vpn_key")
    def enrol(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Give the unit's device a fresh key, asked first and shown once."""
        unit = self.get_object(request, unquote(object_id))
        if unit is None:
            return self.missing(request, object_id)
        if not self.has_operate_permission(request, unit):
            raise PermissionDenied
        if request.method != "POST":
            question = f"Give the device of {unit} a new key? A key that it has now is refused from then on."
            return self.ask(request, [unit], question=question, back=self.address_of(unit))
        try:
            value = capture_unit_enrol(unit=unit, by=person(request))
        except DomainError as refusal:
            self.message_user(request, f"{unit}: {refusal.message}", messages.ERROR)
            return HttpResponseRedirect(self.address_of(unit))
        self.log_change(request, unit, "enrolled")
        return self.shown_once(
            request, title=f"Device key of {unit}", secrets=[("Device key", value)], back=self.address_of(unit),
            note="Put it into the device now: it is not shown again.",
        )  # fmt: skip

    @page_action("Revoke device key", icon="block", danger=True)
    def revoke_key(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Refuse the unit's device from now on."""
        return self.do_for_one(
            request, object_id, action=lambda unit: capture_unit_revoke(unit=unit, by=person(request)),
            done="device key revoked", question="Revoke the device key? The device is refused until it is enrolled.",
        )  # fmt: skip
