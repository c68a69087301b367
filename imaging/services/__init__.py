"""Writes of `imaging`."""
