"""Forgotten password: two pages for people who cannot log in, by the same services and limits as the API's."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from inspection_platform.api.throttles import (
    CodeAddressThrottle,
    CodeAskThrottle,
    CodeTryThrottle,
    SlotThrottle,
    slot_wait,
)
from inspection_platform.codes import reset_ask
from tenants.errors import Invalid
from tenants.phones import LONGEST_LOGIN_NAME
from tenants.services.registration import reset_confirm

#: Where the session keeps the name between the two pages.
_NAME: Final = "forgotten_password_of"
_LONGEST: Final = 1000
_TOO_MANY: Final = "too_many"


class NameForm(forms.Form):
    """Who cannot log in."""

    username = forms.CharField(
        label="Phone number or e-mail",
        max_length=LONGEST_LOGIN_NAME,
        help_text="The number with country code: +4712345678.",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "username", "autofocus": True}),
    )


class PasswordForm(forms.Form):
    """The code, and the new password twice."""

    username = forms.CharField(
        label="Phone number or e-mail",
        max_length=LONGEST_LOGIN_NAME,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "username"}),
    )
    code = forms.CharField(
        label="Code",
        max_length=100,
        help_text="Six letters and digits.",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "autocapitalize": "characters"}),
    )
    password = forms.CharField(
        label="New password",
        max_length=_LONGEST,
        strip=False,
        help_text="Capital and small letters and digits, at least 8 characters.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="New password again",
        max_length=_LONGEST,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse two passwords that differ."""
        values = super().clean() or self.cleaned_data
        if "password" in values and "again" in values and values["password"] != values["again"]:
            self.add_error("again", "The two passwords differ.")
        return values


@never_cache
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """The first page: who it is. Whoever it is, a code may be on its way then."""
    form = NameForm(request.POST or None)
    if not form.is_valid() or _refused(request, form, CodeAskThrottle):
        return _page(request, "portal/password_ask.html", form)
    username = form.cleaned_data["username"]
    reset_ask(username)
    request.session[_NAME] = username
    return redirect("admin_password_choose")


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """The second page: the code and the new password; then the log-in page."""
    form = PasswordForm(request.POST or None, initial={"username": request.session.get(_NAME, "")})
    if not form.is_valid() or _refused(request, form, CodeTryThrottle):
        return _page(request, "portal/password_choose.html", form)
    values = form.cleaned_data
    try:
        reset_confirm(username=values["username"], code=values["code"], password=values["password"])
    except Invalid as error:
        for name, reasons in error.fields.items():
            form.add_error(name, reasons)
        return _page(request, "portal/password_choose.html", form)
    request.session.pop(_NAME, None)
    messages.success(request, "Your new password is set. Log in with it.")
    return redirect("admin:login")


def _refused(request: HttpRequest, form: forms.Form, throttle: type[SlotThrottle]) -> bool:
    """Whether this was asked too often; the form says when to come back."""
    wait = slot_wait(request, CodeAddressThrottle, throttle)
    if wait is not None:
        form.add_error(None, ValidationError(f"Too many requests. Try again in {-(-wait // 60)} minutes.", _TOO_MANY))
    return wait is not None


def _page(request: HttpRequest, template: str, form: forms.Form) -> HttpResponse:
    """A page in the look of the log-in page; 429 if the form was refused for being sent too often."""
    context = {**admin.site.each_context(request), "title": "Forgotten password", "form": form}
    status = HTTPStatus.TOO_MANY_REQUESTS if form.has_error(NON_FIELD_ERRORS, _TOO_MANY) else HTTPStatus.OK
    return render(request, template, context, status=status)
