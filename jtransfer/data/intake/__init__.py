"""A folder of images as people have it: what is in it, what is passed over, what is wrong."""
