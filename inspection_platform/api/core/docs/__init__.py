"""What the public reference says of the core family's operations, by resource; examples are the vendor's own."""
