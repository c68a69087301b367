"""Who: tenants, people, keys, quotas, events and everything that leaves the house."""
