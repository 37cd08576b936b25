"""No target data at all: classes known by attributes or words."""
