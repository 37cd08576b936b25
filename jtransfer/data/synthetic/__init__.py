"""What is drawn or spoken by programs, from what the packages ship."""
