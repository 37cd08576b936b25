"""What data sets are called in the names of files."""

from jtransfer.data.image_files import ImageFiles


def short_name(files: ImageFiles) -> str:
    """The data set's name as a part of file names."""
    return files.name.partition(":")[2].replace("/", "_")
