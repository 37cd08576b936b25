"""The benchmark pages, written from result files."""
