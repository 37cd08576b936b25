"""A folder of images looked over before anything is learned from it."""
