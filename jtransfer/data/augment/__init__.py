"""Random changes of examples, inside the compiled step."""
