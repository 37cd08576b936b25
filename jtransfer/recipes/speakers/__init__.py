"""A speaker-independent net, and its adaptation to each of several speakers."""
