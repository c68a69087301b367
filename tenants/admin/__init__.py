"""The admin's pages of `tenants`; importing this registers them."""

from tenants.admin import invitations, keys, memberships, outward, people, sessions, settings

__all__ = ["invitations", "keys", "memberships", "outward", "people", "sessions", "settings"]
