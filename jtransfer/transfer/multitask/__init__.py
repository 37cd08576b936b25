"""Several tasks at once, and how they are weighed."""
