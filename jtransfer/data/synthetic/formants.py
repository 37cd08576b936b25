"""Synthetic speech: the ten digits, a source filtered by formants.

No recording and no good imitation of one, but built as speech is: a voice of harmonics through the
resonances of a vocal tract (Fant 1960), and noise for the consonants. Speakers differ in pitch, in
the length of their vocal tract, which scales all formants, in their vowels, speed and breath.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.utterances import Utterances

RATE = 8000
_HOP = 40  # samples between two points of the formants' tracks, 5 ms

# Milliseconds; three formants in Hz; loudness of the voice; loudness of the noise and its band in
# kHz. Formants of vowels as men have them in Peterson & Barney 1952.
_PHONES: dict[str, tuple[float, ...]] = {
    "iy": (110, 270, 2290, 3010, 1.0, 0.0, 0.5, 3.9),
    "ih": (80, 390, 1990, 2550, 1.0, 0.0, 0.5, 3.9),
    "eh": (90, 530, 1840, 2480, 1.0, 0.0, 0.5, 3.9),
    "aa": (100, 730, 1090, 2440, 1.0, 0.0, 0.5, 3.9),
    "ao": (120, 570, 840, 2410, 1.0, 0.0, 0.5, 3.9),
    "uh": (70, 440, 1020, 2240, 1.0, 0.0, 0.5, 3.9),
    "uw": (110, 300, 870, 2240, 1.0, 0.0, 0.5, 3.9),
    "ah": (90, 640, 1190, 2390, 1.0, 0.0, 0.5, 3.9),
    "w": (60, 290, 610, 2150, 0.6, 0.0, 0.5, 3.9),
    "r": (60, 310, 1060, 1380, 0.6, 0.0, 0.5, 3.9),
    "n": (80, 280, 1700, 2600, 0.3, 0.0, 0.5, 3.9),
    "z": (80, 300, 1700, 2500, 0.2, 0.3, 2.6, 3.9),
    "v": (60, 300, 1100, 2300, 0.3, 0.05, 0.8, 3.9),
    "s": (100, 350, 1700, 2500, 0.0, 0.5, 2.6, 3.9),
    "f": (90, 350, 1100, 2300, 0.0, 0.12, 0.8, 3.9),
    "th": (80, 350, 1400, 2500, 0.0, 0.08, 1.2, 3.9),
    "-": (40, 400, 1500, 2500, 0.0, 0.0, 0.5, 3.9),
    "t": (20, 400, 1800, 2600, 0.0, 0.6, 2.0, 3.9),
    "k": (20, 400, 1900, 2400, 0.0, 0.6, 1.2, 2.4),
}
_DIGITS = (
    "z ih r ao uh",
    "w ah n",
    "- t uw",
    "th r iy",
    "f ao r",
    "f aa ih v",
    "s ih - k s",
    "s eh v ah n",
    "eh iy - t",
    "n aa ih n",
)


@dataclass(frozen=True)
class Voice:
    """What makes a synthetic speaker.

    Attributes:
      pitch: mean fundamental frequency in Hz.
      tract: length of the vocal tract, 1 for a man's; divides all formants.
      accent: factor on each formant of each vowel, {phone: [3]}.
      speed: divides all durations.
      breath: loudness of the noise in the voice.
    """

    pitch: float
    tract: float
    accent: dict[str, np.ndarray]
    speed: float
    breath: float

    @classmethod
    def draw(cls, random: np.random.Generator) -> "Voice":
        """A speaker; a high pitch goes with a short vocal tract."""
        size = random.uniform(0, 1)
        return cls(
            pitch=95 + 115 * size + random.uniform(-8, 8),
            tract=1.2 - 0.5 * size + random.uniform(-0.03, 0.03),
            accent={phone: np.exp(random.normal(0, 0.3, 3)) for phone in _PHONES},
            speed=random.uniform(0.8, 1.25),
            breath=random.uniform(0.01, 0.06),
        )


def synthetic_speech(*, speakers: int = 6, each: int = 20, seed: int = 0) -> Utterances:
    """Synthesise digits.

    Args:
      speakers: how many, named s0, s1, ...; the first ones do not depend on how many there are.
      each: utterances of each digit by each speaker.
      seed: of all that is drawn.

    Returns:
      Utterances at 8 kHz, classes "0" to "9", all of one speaker after the other.

    Raises:
      DataError: if a number is below 1.
    """
    if speakers < 1 or each < 1:
        raise DataError(f"{speakers} speakers, {each} utterances; expected at least 1 of both")
    samples = []
    for speaker in range(speakers):
        random = np.random.default_rng((seed, speaker))
        voice = Voice.draw(random)
        samples += [speak(voice, digit, random) for digit in range(10) for _ in range(each)]
    return Utterances(
        tuple(samples),
        np.tile(np.repeat(np.arange(10), each), speakers),
        np.repeat(np.arange(speakers), 10 * each),
        tuple(str(digit) for digit in range(10)),
        tuple(f"s{speaker}" for speaker in range(speakers)),
        RATE,
        "synthetic:speech",
    )


def speak(voice: Voice, digit: int, random: np.random.Generator) -> np.ndarray:
    """One utterance of a digit: [samples] float32 at 8 kHz."""
    formants, voiced, noise, bands = _tracks(voice, _DIGITS[digit].split(), random)
    count = len(voiced)
    fall = np.linspace(1.06, 0.9, count) * np.exp(random.normal(0, 0.04))
    wobble = 1 + 0.02 * np.cumsum(random.normal(0, 0.15, count)) / np.sqrt(np.arange(1, count + 1))
    pitch = voice.pitch * fall * wobble
    sound = _voice(pitch, formants, voiced) + voice.breath * _noise(
        voiced * 0.5, np.full((count, 2), [0.5, 3.9]), random
    )
    sound += _noise(noise, bands, random)
    sound /= np.abs(sound).max()
    sound = 0.5 * np.exp(random.normal(0, 0.3)) * sound + random.normal(0, 0.12, len(sound))
    return np.clip(sound, -1, 1).astype(np.float32)


def _tracks(voice: Voice, phones: Sequence[str], random: np.random.Generator):
    """Formants [points, 3], loudness of voice and noise [points], band of the noise [points, 2]."""
    columns = []
    for phone in phones:
        duration, *values = _PHONES[phone]
        duration *= np.exp(random.normal(0, 0.12)) / voice.speed
        target = np.array(values)
        target[:3] *= voice.accent[phone] * np.exp(random.normal(0, 0.08, 3)) / voice.tract
        columns.append(np.tile(target, (max(2, round(duration / 1000 * RATE / _HOP)), 1)))
    track = np.concatenate(columns)
    # The mouth moves no faster than this; the loudness changes a little faster.
    smooth = np.apply_along_axis(_averaged, 0, track, 9)
    loud = np.apply_along_axis(_averaged, 0, track[:, 3:5], 3)
    return smooth[:, :3], loud[:, 0], loud[:, 1], track[:, 5:]


def _averaged(values: np.ndarray, width: int) -> np.ndarray:
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def _voice(pitch: np.ndarray, formants: np.ndarray, loudness: np.ndarray) -> np.ndarray:
    """Harmonics of the pitch, each as loud as the resonances let it through."""
    points = np.arange(len(pitch))
    times = np.arange(len(pitch) * _HOP) / _HOP
    phase = 2 * np.pi * np.cumsum(np.interp(times, points, pitch)) / RATE
    sound = np.zeros(len(times))
    for harmonic in range(1, int(0.95 * RATE / 2 / pitch.max()) + 1):
        frequency = harmonic * pitch
        gain = loudness / harmonic  # a glottis falls by 12 dB an octave, lips give 6 back
        for place, width in enumerate((80.0, 100.0, 140.0)):
            centre = formants[:, place]
            apart = (centre**2 - frequency**2) ** 2 + (width * frequency) ** 2
            gain = gain * centre**2 / np.sqrt(apart)
        sound += np.interp(times, points, gain) * np.cos(harmonic * phase)
    return sound / 10


def _noise(loudness: np.ndarray, bands: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Noise in the bands [points, 2] kHz, which may change from point to point."""
    white = random.normal(0, 1, len(loudness) * _HOP)
    spectrum = np.fft.rfft(white)
    frequencies = np.fft.rfftfreq(len(white), 1 / RATE) / 1000
    sound = np.zeros(len(white))
    for low, high in np.unique(bands, axis=0):
        inside = (frequencies >= low) & (frequencies <= high)
        active = loudness * (bands == (low, high)).all(axis=1)
        sound += np.repeat(active, _HOP) * np.fft.irfft(spectrum * inside, len(white))
    return sound
