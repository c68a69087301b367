"""Logos of tenants: two sizes, made anew from what was uploaded, so that nothing but their pixels is kept."""

from __future__ import annotations

import hashlib
from typing import BinaryIO, Final

from django.contrib.admin.models import CHANGE, LogEntry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from assets.models import Logo
from imaging.ops.logos import logo_png
from imaging.ops.media import UnusableMedia
from tenants.errors import Invalid
from tenants.models import Tenant, User

#: Bytes of an uploaded logo.
MOST_BYTES: Final = 500_000


def logo_put(*, tenant: Tenant, file: BinaryIO, by: User) -> Logo:
    """Take a picture as the tenant's logo of its size, in place of an earlier one; the log says who did it.

    Raises Invalid for what is no PNG, JPEG or WebP of one of the two sizes.
    """
    try:
        size, data = logo_png(file)
    except UnusableMedia as unusable:
        raise Invalid(unusable.reason) from unusable
    name = f"{size}-{hashlib.sha256(data).hexdigest()[:16]}.png"
    key = default_storage.save(f"published/logos/{tenant.pk}/{name}", ContentFile(data))
    with transaction.atomic():
        # Of two at a time each then sees what the other has put.
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        rows = Logo.objects.of(tenant.pk)
        earlier = rows.filter(size=size).values_list("file", flat=True).first()
        logo, _ = rows.update_or_create(tenant=tenant, size=size, defaults={"file": key})
        LogEntry.objects.log_actions(
            user_id=by.pk, queryset=[tenant], action_flag=CHANGE, change_message=f"Logo {size} uploaded.",
            single_object=True,
        )  # fmt: skip
        if earlier and earlier != key:
            transaction.on_commit(lambda: default_storage.delete(earlier))
    return logo
