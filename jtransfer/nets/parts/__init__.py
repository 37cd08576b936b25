"""What nets are made of."""
