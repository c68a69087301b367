"""What happens once the database's tables are there."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps

from tenants.services.groups import groups_ensure


def groups_after_migrations(sender: AppConfig, using: str = "default", **_: Any) -> None:
    """Set up the groups after the last app: only then every permission exists (Django makes them app by app)."""
    with_models = [config for config in apps.get_app_configs() if config.models_module is not None]
    if sender is with_models[-1]:
        groups_ensure(using=using)
