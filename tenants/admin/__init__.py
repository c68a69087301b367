"""The admin's pages of `tenants`; importing this registers them."""

from tenants.admin import keys, outward, people, settings

__all__ = ["keys", "outward", "people", "settings"]
