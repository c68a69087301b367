"""Deliveries to receivers."""
