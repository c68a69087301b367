"""The Inspektlabs-shaped family: intake of inspections by files or addresses, results by webhook."""
