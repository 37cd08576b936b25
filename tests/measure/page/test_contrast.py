"""The colours of the page, by the contrast that WCAG 2.2 asks for (1.4.3, 1.4.11)."""

import re
from importlib.resources import files

import numpy as np
import pytest

from jtransfer.measure.page.confusion_chart import _DEEP
from jtransfer.measure.page.map_chart import COLOURS

CSS = (files("jtransfer.measure.page") / "templates" / "page.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#\w{6});", block))
    for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
)
CLASSES = re.findall(r"^\.k\w \{ --k: (#\w{6}); \}", CSS, re.MULTILINE)


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    linear = [
        np.where(each <= 0.04045, each / 12.92, ((each + 0.055) / 1.055) ** 2.4)
        for each in (one, other)
    ]
    dark, light = sorted(float(each @ [0.2126, 0.7152, 0.0722]) for each in linear)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_on_white():
    assert contrast(rgb("#000000"), rgb("#ffffff")) == pytest.approx(21)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_can_be_read(theme):
    for ground in ("ground", "raised", "code"):
        for ink in ("ink", "quiet"):
            assert contrast(rgb(theme[ink]), rgb(theme[ground])) >= 4.5, (ink, ground)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_marks_can_be_seen(theme):
    assert len(CLASSES) == COLOURS + 1
    for colour in (*CLASSES, theme["accent"], theme["warning"]):
        assert contrast(rgb(colour), rgb(theme["ground"])) >= 3, colour
        assert contrast(rgb(colour), rgb(theme["raised"])) >= 3, colour


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_counts_can_be_read_on_every_cell(theme):
    for share in np.linspace(0, 1, 501):
        cell = rgb(theme["heat-ground"]) * (1 - share) + rgb(theme["heat"]) * share
        text = theme["heat-high" if share > _DEEP else "heat-low"]
        assert contrast(rgb(text), cell) >= 4.5, share
