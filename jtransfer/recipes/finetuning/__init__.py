"""Labelled target examples: what a net has learned is carried over and trained further."""
