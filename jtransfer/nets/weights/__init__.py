"""Filling the nets' trees with published weights."""
