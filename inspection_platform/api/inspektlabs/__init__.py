"""The Inspektlabs-shaped family under /inspektlabs/."""
