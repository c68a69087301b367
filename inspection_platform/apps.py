"""Application registration."""

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """The composition root: an installed app without models (commands, portal, checks)."""

    name = "inspection_platform"
