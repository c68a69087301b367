"""Installations to back up: with a row of everything, or with a few."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command

from tenants.models import Tenant
from tests import factories
from tests.admin_rows import MAKERS, make
from tests.backup.content import Content, files_now, rows_now
from tests.factories import House


@pytest.fixture(autouse=True)
def as_migrated() -> None:
    """Tests with transactions begin without permissions; an installation has them."""
    call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def everything(ours: House, outsider: House) -> tuple[dict[str, list[Content]], dict[str, str]]:
    """Rows of every model there is, and files; what they are."""
    for house in (ours, outsider):
        factories.image_set(house.tenant, photos=2)
    for model in MAKERS:
        make(model, ours)
    ours.staff.user_permissions.add(Permission.objects.get(codename="view_car"))
    ours.staff.first_name = "Ærlend 'quoted' \\ \u2028 line"
    ours.staff.save()
    kind = ContentType.objects.get_for_model(Tenant)
    LogEntry.objects.create(
        user=ours.staff, content_type=kind, object_id=str(ours.tenant.pk), object_repr="x", action_flag=CHANGE
    )
    default_storage.save("logos/a b/ünï.png", ContentFile(b"logo"))
    default_storage.save("empty", ContentFile(b""))
    return rows_now(), files_now()


@pytest.fixture
def few(ours: House) -> House:
    """A small installation: one photo, one house."""
    factories.image_set(ours.tenant)
    return ours
