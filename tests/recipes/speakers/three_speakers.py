"""Three speakers of two words, and a net that is small enough for them."""

import numpy as np
from scipy.io import wavfile

from jtransfer.nets.acoustic import acoustic_net
from jtransfer.recipes.speakers import corpus


def write_words(folder):
    """Three speakers' two words, low and high tones: five files of each in folder/words."""
    random = np.random.default_rng(0)
    (folder / "words").mkdir()
    times = np.arange(1200) / 8000
    for speaker, pitch in (("ann", 1.2), ("bo", 1.0), ("cy", 0.8)):
        for label, tone in (("low", 500), ("high", 1500)):
            for index in range(5):
                sound = np.sin(2 * np.pi * tone * pitch * times) + random.normal(0, 0.1, 1200)
                path = folder / "words" / f"{label}_{speaker}_{index}.wav"
                wavfile.write(path, 8000, (8000 * sound).astype(np.int16))
    return folder


def use_tiny_nets(monkeypatch):
    """Every layer of the acoustic net has four units."""
    monkeypatch.setattr(
        corpus, "acoustic_net", lambda *, classes: acoustic_net(classes=classes, units=(4,) * 4)
    )
