"""Clicking through the admin in tests."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.test import Client
from django.urls import reverse

from tenants.models import User


def page(model: type[Model], name: str, *args: Any) -> str:
    """The address of one of the model's pages."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def login(user: User) -> Client:
    """A browser in which the person is logged in."""
    client = Client()
    client.force_login(User.objects.get(pk=user.pk), backend="django.contrib.auth.backends.ModelBackend")
    return client


def rows_of(response: Any) -> set[Any]:
    """The keys of the rows in a list."""
    return {row.pk for row in response.context["cl"].result_list}


def inputs(response: Any) -> dict[str, Any]:
    """What the form of a page would send if the person only pressed Save."""
    form = response.context["adminform"].form
    sent = _values(form)
    for inline in response.context["inline_admin_formsets"]:
        sent |= _values(inline.formset.management_form)
        for row in inline.formset.forms:
            sent |= _values(row)
    return sent


def said(response: Any) -> str:
    """The messages of the page that follows, as one text."""
    return " ".join(str(message) for message in response.context["messages"])


def errors_of(response: Any) -> dict[str, list[str]]:
    """What the page finds wrong with the form."""
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


def _values(form: Any) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if bound.field.disabled or value is None or value is False:
            continue
        widget = bound.field.widget
        parts = widget.decompress(value) if hasattr(widget, "decompress") else None
        if parts is not None:
            sent |= {f"{bound.html_name}_{number}": part for number, part in enumerate(parts) if part is not None}
        else:
            sent[bound.html_name] = value
    return sent
