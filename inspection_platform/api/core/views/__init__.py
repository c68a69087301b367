"""Views of the core family, by resource: parse, call, present."""
