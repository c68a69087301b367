"""Recordings of capture units."""
