"""Nets with published weights, fine-tuned on image files."""
