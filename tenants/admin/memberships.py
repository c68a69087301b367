"""Admin pages of memberships: who belongs where, in which role, and how they were told."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from tenants.admin.invitations import sending_words
from tenants.admin_base import HistoryAdmin, person
from tenants.admin_exports import ScopedExport
from tenants.admin_forms import ServiceForm
from tenants.admin_parts import RECORD, ReachFilter, invite_address, page_action, state_column
from tenants.models import Membership, Role
from tenants.services.invitations import invitation_of
from tenants.services.people import membership_remove, membership_set


class MembershipForm(ServiceForm[Membership]):
    """Who belongs where, in which role."""

    def carry_out(self) -> Membership:
        """Make the person a member, or change the role."""
        row = self.instance
        return membership_set(user=row.user, tenant=row.tenant, role=row.role, by=self.by)


@admin.register(Membership)
class MembershipAdmin(ScopedExport, HistoryAdmin[Membership]):
    """Roles of people in tenants, and how the people were told."""

    form = MembershipForm
    list_display = ("user", "tenant", state_column("role", {Role.ADMIN_TENANT: "info"}), "created_at")
    list_select_related = ("user", "tenant")
    list_filter = ("role", ("tenant", ReachFilter), "created_at")
    search_fields = ("user__phone", "user__first_name", "user__last_name", "user__email")
    search_ids = ("pk", "user", "tenant")
    ordering = ("-created_at",)
    autocomplete_fields = ("user", "tenant")
    set_once = ("user", "tenant")
    readonly_fields = ("invitation",)
    actions_list = ("invite",)
    actions_detail = ("remind",)
    export_columns: ClassVar[dict[str, str]] = {
        "phone": "user__phone", "first name": "user__first_name", "last name": "user__last_name",
        "e-mail": "user__email", "tenant": "tenant__name", "role": "get_role_display", "since": "created_at",
    }  # fmt: skip
    fieldsets = (
        (None, {"fields": ("user", "tenant", "role", "invitation")}),
        RECORD,
    )
    add_fieldsets = ((None, {"fields": ("user", "tenant", "role")}),)

    @admin.display(description="invitation")
    def invitation(self, membership: Membership) -> SafeString:
        """How they came, and how far the last message to them is."""
        found = invitation_of(membership)
        if found is None:
            return SafeString("Never invited.")
        return format_html("{}. Message: {}", capfirst(found.standing().label), sending_words(found))

    @page_action("Invite a colleague", icon="person_add", right="add")
    def invite(self, request: HttpRequest) -> HttpResponseBase:
        """Lead to the form."""
        return HttpResponseRedirect(invite_address())

    @page_action("Tell them how to log in", icon="mail")
    def remind(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Lead to the question."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self.missing(request, object_id)
        return HttpResponseRedirect(invite_address(f"people/{row.pk}/remind/"))

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        """End the membership through its service."""
        membership_remove(user=obj.user, tenant=obj.tenant, by=person(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        """End each membership through its service."""
        for row in queryset:
            self.delete_model(request, row)
