"""The command `jtransfer`: flags and printing over the functions of `jtransfer.recipes`."""
