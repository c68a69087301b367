"""Application registration."""

from django.apps import AppConfig


class ImagingConfig(AppConfig):
    """The `imaging` app."""

    name = "imaging"
    default_auto_field = "django.db.models.BigAutoField"
