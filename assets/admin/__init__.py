"""The admin's pages of `assets`; importing this registers them."""

from assets.admin import inspections, rigs

__all__ = ["inspections", "rigs"]
