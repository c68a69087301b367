"""Services of `tenants`, by noun."""
