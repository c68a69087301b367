"""What every row has: a UUID, and times in UTC."""

from __future__ import annotations

import uuid

from django.db import models


class Row(models.Model):
    """UUID key, time of creation and of the last change."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    modified_at = models.DateTimeField(auto_now=True, editable=False)

    class Meta:
        abstract = True


class TenantOwned(Row):
    """A row that leads to one tenant; `plain` serves related managers and admin."""

    plain = models.Manager()

    class Meta:
        abstract = True
        base_manager_name = "plain"
        default_manager_name = "plain"
