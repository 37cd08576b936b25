"""A self-contained page of html that tells what was found about a folder of images."""

from jtransfer.measure.page.content import (
    Calibration,
    Candidate,
    Command,
    ConfusedPair,
    Duplicates,
    Estimate,
    Gallery,
    ImageMap,
    Notice,
    ReliabilityBin,
    Report,
    Sample,
    Share,
    Table,
    Unreadable,
)
from jtransfer.measure.page.rendering import render_page, write_page
from jtransfer.measure.page.thumbnails import thumbnail

__all__ = [
    "Calibration",
    "Candidate",
    "Command",
    "ConfusedPair",
    "Duplicates",
    "Estimate",
    "Gallery",
    "ImageMap",
    "Notice",
    "ReliabilityBin",
    "Report",
    "Sample",
    "Share",
    "Table",
    "Unreadable",
    "render_page",
    "thumbnail",
    "write_page",
]
