"""Writes of `damages`, by noun."""
