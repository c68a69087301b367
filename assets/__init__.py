"""What was captured: capture sets, cars, passages, image sets and images."""
