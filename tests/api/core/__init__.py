"""Tests of the core family."""
