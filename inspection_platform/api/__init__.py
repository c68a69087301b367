"""The HTTP families and what they share."""
