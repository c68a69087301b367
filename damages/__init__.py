"""Meaning: damages, their families, human decisions and published results."""
