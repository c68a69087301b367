"""Application registration."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from inspection_platform.checks import car_info_check, deployment_check


class PlatformConfig(AppConfig):
    """The composition root: an installed app without models (commands, portal, checks)."""

    name = "inspection_platform"

    def ready(self) -> None:
        """Register the checks: those of every start, and those of a deployment."""
        register(car_info_check, Tags.compatibility)
        register(deployment_check, Tags.security, deploy=True)
