"""Shapes of the core family's requests and, for the reference, of its answers; by resource."""
