"""The platform's own, Wenn-shaped family under /core/v1/."""
