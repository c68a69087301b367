"""Middleware of the whole site; what only the HTTP families need is in `inspection_platform.api.middleware`."""
