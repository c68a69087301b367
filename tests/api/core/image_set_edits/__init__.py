"""Changing image sets."""
