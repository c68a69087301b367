"""What each of the platform's groups may do in the admin, by codename; put into the database after migrations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from tenants.models import ANNOTATOR, GLOBAL_ADMIN, REVIEWER

_APPS: Final = ("tenants", "assets", "imaging", "damages")

#: Models that people configure or mend; whatever is a record of what happened is left out, and can only be viewed.
_EDITED_BY_ADMINS: Final = {
    "tenants": (
        "apikey", "membership", "quota", "signingsecret", "tenant", "tenantgroup", "tenantsettings", "user", "webhook",
    ),
    "assets": ("captureset", "captureunit", "car", "logo", "passage", "pricepoint"),
    "damages": ("damage", "damagedpart", "pictogramdamage", "reviewerqueueentry"),
}  # fmt: skip
#: Rows with actions ("send again", "run again", "release") that need the right to change, not to add or delete.
_CHANGED_BY_ADMINS: Final = {
    "tenants": ("delivery", "event"),
    "assets": ("imageset", "image", "recording", "submission"),
    "imaging": ("imagetask", "jobrun", "pipelinerun"),
    "damages": ("manualprocessing",),
}
_SEEN_BY_ANNOTATORS: Final = {
    "assets": ("car", "captureset", "image", "imageset", "passage", "upload"),
    "imaging": ("detection", "modelversion", "platereading"),
    "damages": ("damage", "damagedecision", "damagedpart", "finishedstep", "manualprocessing", "pictogramdamage"),
}
_SEEN_BY_REVIEWERS: Final = {"damages": ("resultversion", "reviewerqueueentry")}

_ALL: Final = ("view", "add", "change", "delete")


def groups_ensure(*, using: str = "default") -> None:
    """Create the three groups and give each exactly the permissions of the table (as far as they exist yet)."""
    with transaction.atomic(using=using):
        for name, wanted in _table():
            group, _ = Group.objects.using(using).get_or_create(name=name)
            group.permissions.set(Permission.objects.using(using).filter(wanted))


def _table() -> Iterator[tuple[str, Q]]:
    annotators = _codenames(_SEEN_BY_ANNOTATORS, "view")
    yield ANNOTATOR, annotators
    yield REVIEWER, annotators | _codenames(_SEEN_BY_REVIEWERS, "view")
    views = Q(content_type__app_label__in=_APPS, codename__startswith="view_")
    groups = Q(content_type__app_label="auth", codename="view_group")
    lockouts = Q(content_type__app_label="axes", codename__in=["view_accessattempt", "delete_accessattempt"])
    edits = _codenames(_EDITED_BY_ADMINS, *_ALL) | _codenames(_CHANGED_BY_ADMINS, "change")
    yield GLOBAL_ADMIN, views | groups | lockouts | edits


def _codenames(models: Mapping[str, tuple[str, ...]], *verbs: str) -> Q:
    """The permissions of these verbs on these models, by app."""
    wanted = Q(pk__in=[])
    for app, names in models.items():
        wanted |= Q(content_type__app_label=app, codename__in=[f"{verb}_{name}" for verb in verbs for name in names])
    return wanted
