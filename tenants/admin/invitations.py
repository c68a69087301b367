"""Admin pages of invitations: who was invited where, how telling them went, and what they answered."""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timezone import localtime

from tenants.admin_base import RecordAdmin
from tenants.admin_parts import ReachFilter, column, invite_address, page_action, state_column
from tenants.models import Invitation, InvitationState, Membership, Role, SendingState
from tenants.services.invitations import invitation_withdraw

_COLOURS: Final[dict[str, str]] = {
    InvitationState.PENDING: "info",
    InvitationState.ACCEPTED: "success",
    InvitationState.DECLINED: "warning",
}
_SENDING: Final[dict[str, str]] = {SendingState.FAILED: "danger", SendingState.WAITING: "info"}


def sending_words(row: Invitation) -> SafeString:
    """How far the invitation's message is, in words, and when it was asked for."""
    words = row.get_sending_display()
    if row.sending == SendingState.SENT:
        words += f" by {row.get_sent_by_display()}"
    if row.failure:
        words += f": {row.failure}"
    colour = "admin-bad" if row.sending == SendingState.FAILED else ""
    when = date_format(localtime(row.asked_at), "DATETIME_FORMAT")
    return format_html('<span class="{}">{}</span> (asked for {})', colour, capfirst(words), when)


@admin.register(Invitation)
class InvitationAdmin(RecordAdmin[Invitation]):
    """Invitations: of each person what was typed, whether they have an account or not."""

    list_display = (
        "phone",
        column(lambda row: row.full_name, "name", ordering="last_name"),
        "tenant",
        state_column("role", {Role.ADMIN_TENANT: "info"}),
        column(lambda row: (row.standing().value, row.standing().label), "state", ordering="state", label=_COLOURS),
        state_column("sending", _SENDING, "message"),
        "asked_at",
    )
    list_select_related = ("tenant",)
    list_filter = ("state", "sending", ("tenant", ReachFilter), "created_at")
    search_fields = ("phone", "first_name", "last_name", "email")
    ordering = ("-asked_at",)
    actions_list = ("invite",)
    actions_detail = ("send_again", "withdraw")
    readonly_fields = ("standing", "message", "invited")
    fieldsets = (
        (None, {"fields": ("phone", ("first_name", "last_name"), "email", ("tenant", "role"), "is_staff")}),
        ("Answer", {"fields": ("standing", ("expires_at", "answered_at"), "message")}),
        ("Record", {"fields": ("invited", ("id", "created_at", "modified_at"))}),
    )

    @admin.display(description="state")
    def standing(self, row: Invitation) -> str:
        """What came of it, its time being over included."""
        return str(row.standing().label)

    @admin.display(description="message")
    def message(self, row: Invitation) -> SafeString:
        """How far it is."""
        return sending_words(row)

    @admin.display(description="invited by")
    def invited(self, row: Invitation) -> str | None:
        """Who asked for the last message."""
        return str(row.invited_by) if row.invited_by else None

    def has_invite_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Whoever may add people to a tenant."""
        return self.admin_site.get_model_admin(Membership).has_add_permission(request)

    @page_action("Invite a colleague", icon="person_add", right="invite")
    def invite(self, request: HttpRequest) -> HttpResponseBase:
        """Lead to the form."""
        return HttpResponseRedirect(invite_address())

    @page_action("Send again", icon="mail")
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Lead to the question."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self.missing(request, object_id)
        return HttpResponseRedirect(invite_address(f"people/invited/{row.pk}/again/"))

    @page_action("Take back", icon="undo", danger=True)
    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """End it before it is answered."""
        return self.do_for_one(
            request, object_id, action=lambda row: invitation_withdraw(invitation=row), done="taken back",
            question="Take this invitation back? Its link ends.",
        )  # fmt: skip
