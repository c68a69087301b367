"""Application registration."""

from django.apps import AppConfig


class DamagesConfig(AppConfig):
    """The `damages` app."""

    name = "damages"
    default_auto_field = "django.db.models.BigAutoField"
