"""Inviting a colleague: a form for whoever may add people to a tenant, and one more message for those invited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from inspection_platform.invitations import invitation_enqueue
from inspection_platform.portal.access import person_of
from tenants.acting import reach_narrowed
from tenants.errors import DomainError, Invalid
from tenants.messages import Channel, serves
from tenants.models import Invitation, Membership, Role, Tenant, User
from tenants.rights import permission_reach
from tenants.scope import Reach
from tenants.selectors import tenants_within
from tenants.services.invitations import invitation_make, invitation_renew, member_remind


class InviteForm(forms.Form):
    """Who is invited where."""

    phone = forms.CharField(
        max_length=20, widget=UnfoldAdminTextInputWidget(attrs={"type": "tel", "autocomplete": "off"}),
        help_text="With country code: +4712345678. It is the name to log in with.",
    )  # fmt: skip
    first_name = forms.CharField(max_length=150, required=False, widget=UnfoldAdminTextInputWidget())
    last_name = forms.CharField(max_length=150, required=False, widget=UnfoldAdminTextInputWidget())
    email = forms.EmailField(
        label="E-mail", required=False, widget=UnfoldAdminEmailInputWidget(),
        help_text="Where the invitation goes if this installation sends no text messages.",
    )  # fmt: skip
    tenant = forms.ModelChoiceField(Tenant.objects.none(), widget=UnfoldAdminSelectWidget)
    role = forms.ChoiceField(
        choices=Role.choices, initial=Role.USER, widget=UnfoldAdminSelectWidget,
        help_text="Tenant admins keep people, keys and settings; users work in the tenant.",
    )  # fmt: skip
    is_staff = forms.BooleanField(
        label="Admin access", required=False, initial=True, widget=UnfoldBooleanSwitchWidget,
        help_text="Once they accept, they may log in to these pages, and see there what the role allows.",
    )  # fmt: skip

    def __init__(self, data: Any, *, tenants: QuerySet[Tenant], by: User) -> None:
        super().__init__(data)
        self._by = by
        first = list(tenants[:2])
        only = first[0] if len(first) == 1 else None
        self.fields["tenant"] = forms.ModelChoiceField(tenants, widget=UnfoldAdminSelectWidget, initial=only)
        self.fields["email"].required = not serves(Channel.PHONE)
        self.order_fields(["phone", "first_name", "last_name", "email", "tenant", "role", "is_staff"])

    def invite(self) -> Invitation | None:
        """Invite the person and have them told; None, with errors at the fields, if that is refused."""
        try:
            with transaction.atomic():
                invitation = invitation_make(**self.cleaned_data, by=self._by)
                invitation_enqueue(invitation)
        except DomainError as refusal:
            fields = refusal.fields if isinstance(refusal, Invalid) else {}
            for name, reasons in fields.items():
                self.add_error(name if name in self.fields else None, list(reasons))
            if not fields:
                self.add_error("phone", refusal.message)
            return None
        return invitation


def invite(request: HttpRequest) -> HttpResponse:
    """The form. The answer is the same whether the person was on the platform before or not."""
    reach = _reach(request)
    if reach.tenant_ids is not None and not reach.tenant_ids:
        raise PermissionDenied
    tenants = tenants_within(reach).filter(is_active=True)
    form = InviteForm(request.POST or None, tenants=tenants, by=person_of(request))
    if request.method == "POST" and form.is_valid() and form.invite():
        values = form.cleaned_data
        messages.success(
            request,
            f"The invitation of {values['phone']} is on its way; they belong to {values['tenant']} once they accept.",
        )
        return redirect("admin:tenants_invitation_changelist")
    context = {**admin.site.each_context(request), "title": "Invite a colleague", "form": form}
    return render(request, "portal/invite.html", context)


def invite_again(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Ask, then send the invitation's message once more, with a new link."""
    row = Invitation.objects.of(_reach(request)).select_related("tenant").filter(pk=invitation_id).first()
    if row is None:
        raise Http404("There is no such invitation.")
    back = reverse("admin:tenants_invitation_change", args=[row.pk])

    def ask() -> Invitation:
        invitation_renew(invitation=row)
        return row

    return _one_more(request, row, "Send this invitation again? Its earlier link ends.", back, ask)


def remind(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """Ask, then tell a member once more that they belong here and how to log in."""
    row = Membership.objects.of(_reach(request)).select_related("tenant", "user").filter(pk=membership_id).first()
    if row is None:
        raise Http404("There is no such membership.")
    back = reverse("admin:tenants_membership_change", args=[row.pk])
    by = person_of(request)
    question = "Send this person a message about how to log in?"
    return _one_more(request, row, question, back, lambda: member_remind(membership=row, by=by))


def _one_more(
    request: HttpRequest, row: Invitation | Membership, question: str, back: str, ask: Callable[[], Invitation]
) -> HttpResponse:
    if request.method != "POST":
        context = {
            **admin.site.each_context(request), "title": "Are you sure?", "back": back, "rows": [row],
            "question": question, "label": "Yes, I’m sure",
        }  # fmt: skip
        return render(request, "tenants/admin/confirm.html", context)
    try:
        with transaction.atomic():
            invitation_enqueue(ask())
        messages.success(request, "The message is on its way.")
    except DomainError as refusal:
        messages.error(request, refusal.message)
    return redirect(back)


def _reach(request: HttpRequest) -> Reach:
    """The tenants in which the person may add people, as far as they act for them now."""
    return reach_narrowed(request, permission_reach(person_of(request), "tenants.add_membership"))
