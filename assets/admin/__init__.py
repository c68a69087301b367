"""The admin's pages of `assets`; importing this registers them."""

from assets.admin import inspections, prices, rigs

__all__ = ["inspections", "prices", "rigs"]
