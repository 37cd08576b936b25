"""A problem and a method put together: what to train, on what, how, and judged by what."""
