"""`manage.py tenant ID [--set KEY=VALUE ...]`: show or change a tenant from the shell."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from tenants.errors import DomainError
from tenants.models import Tenant
from tenants.services.settings import SETTINGS, tenant_configuration, tenant_configure


class Command(BaseCommand):
    """A thin door to the services behind the admin's form, with the same history."""

    help = "Show a tenant's settings and quotas, or change them: --set KEY=VALUE (VALUE as JSON or a bare word)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """ID, the changes, and the form of the output."""
        keys = ", ".join([*(setting.key for setting in SETTINGS), "quota.SERVICE (a number or none)"])
        parser.add_argument("id", metavar="ID", help="The tenant's id or its exact name.")
        parser.add_argument("--set", metavar="KEY=VALUE", nargs="+", action="extend", default=[], help=f"Keys: {keys}.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Change what is to be changed, all or nothing, and show how the tenant stands."""
        tenant = _tenant(options["id"])
        changes = dict(_change(text) for text in options["set"])
        if changes:
            try:
                tenant_configure(tenant=tenant, changes=changes, reason="from the shell")
            except DomainError as error:
                raise CommandError(error.message) from error
        self._show(tenant, as_json=options["json"])

    def _show(self, tenant: Tenant, *, as_json: bool) -> None:
        values = {"id": str(tenant.pk), "name": tenant.name, "active": tenant.is_active} | tenant_configuration(tenant)
        if as_json:
            self.stdout.write(json.dumps(values, ensure_ascii=False, indent=2))
            return
        for key, value in values.items():
            self.stdout.write(f"{key}={value if isinstance(value, str) else json.dumps(value)}")


def _tenant(text: str) -> Tenant:
    try:
        found = Tenant.objects.filter(pk=UUID(text))
    except ValueError:
        found = Tenant.objects.filter(name=text)
    tenant = found.select_related("settings").first()
    if tenant is None:
        raise CommandError(f"There is no tenant {text}.")
    return tenant


def _change(text: str) -> tuple[str, object]:
    """Key and value of `KEY=VALUE`; a value that is no JSON (open, on, Europe/Oslo) is the word itself."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise CommandError(f"{text!r} does not have the form KEY=VALUE.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
