"""The admin's pages of `assets`; importing this registers them."""

from assets.admin import capture, inspections, prices, rigs

__all__ = ["capture", "inspections", "prices", "rigs"]
