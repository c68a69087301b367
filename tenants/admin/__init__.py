"""The admin's pages of `tenants`; importing this registers them."""

from tenants.admin import keys, memberships, outward, people, sessions, settings

__all__ = ["keys", "memberships", "outward", "people", "sessions", "settings"]
