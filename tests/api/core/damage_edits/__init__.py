"""Changing damages."""
