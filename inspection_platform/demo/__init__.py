"""Demo data: two tenants with people, keys, rigs and a car whose pickup and return went through the pipeline."""
