"""From the domain to the core family's JSON, by resource."""
