"""Which layers transfer: the first n of a net copied into another one."""
