"""How knowledge moves: one file a method."""
