"""The ground floor: what every room needs of the file system, and nothing that it would teach."""
