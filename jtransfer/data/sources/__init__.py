"""What is read: one file a kind of file."""
