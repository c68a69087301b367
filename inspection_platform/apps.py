"""Application registration."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from inspection_platform.checks import deployment_check


class PlatformConfig(AppConfig):
    """The composition root: an installed app without models (commands, portal, checks)."""

    name = "inspection_platform"

    def ready(self) -> None:
        """Register the deploy checks."""
        register(deployment_check, Tags.security, deploy=True)
