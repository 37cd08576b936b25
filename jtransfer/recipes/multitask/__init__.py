"""Multitask learning: several tasks on one trunk, some of whose labels may be scarce."""
