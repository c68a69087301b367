"""Capture sets of the core family."""
