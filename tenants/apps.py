"""Application registration."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TenantsConfig(AppConfig):
    """The `tenants` app."""

    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep the groups' permissions in step; the receiver needs models, which only now may be imported."""
        receivers = import_module("tenants.receivers")
        post_migrate.connect(receivers.groups_after_migrations, dispatch_uid="tenants.groups_after_migrations")
