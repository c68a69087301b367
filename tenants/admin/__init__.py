"""The admin's pages of `tenants`; importing this registers them."""

from tenants.admin import idempotency, keys, outward, people, settings

__all__ = ["idempotency", "keys", "outward", "people", "settings"]
