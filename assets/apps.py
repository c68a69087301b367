"""Application registration."""

from django.apps import AppConfig


class AssetsConfig(AppConfig):
    """The `assets` app."""

    name = "assets"
    default_auto_field = "django.db.models.BigAutoField"
