"""CLIP's byte-pair tokenizer: texts to token numbers (Radford et al. 2021, section 2.4).

The vocabulary follows from the list of merges, and so only that is read, whatever the file: 256
characters that stand for bytes, the same at the end of a word, every merge, and the two ends of a
text.
"""

import gzip
import html
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jtransfer.files.reading import read_bytes, reading
from jtransfer.nets.weights.error import WeightsError

_MERGES = 49152 - 256 - 2  # that are used of the longer list in OpenAI's file
_LARGEST = 1 << 26  # bytes of a file, unpacked: twenty times what the published ones have
_START, _END, _WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"
_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_INSTALL = "Install it by pip install 'jtransfer[clip]'"


@dataclass(frozen=True, eq=False)
class ClipTokenizer:
    """Texts to token numbers, as OpenAI and open_clip do it.

    Markers such as <|endoftext|> within a text are taken as its characters.

    Attributes:
      pairs: of the package `tokenizers`, from a word to its numbers.
      start: number of the token before a text.
      end: number of the token behind a text.
      length: tokens of a text, both ends and what fills it up among them.
      mend: whether broken encodings and HTML's entities are mended first, as OpenAI and open_clip
        do; transformers does not.
    """

    pairs: Any
    start: int
    end: int
    length: int = 77
    mend: bool = True

    def __call__(
        self, texts: Sequence[str], *, too_long: Literal["cut", "refuse"] = "cut"
    ) -> np.ndarray:
        """The numbers of texts.

        Args:
          texts: n of them, in any case; an empty one is only its two ends.
          too_long: whether texts of more than `length` tokens are cut, as the publishers do, or
            refused.

        Returns:
          [n, length] int32, filled up with zeros.

        Raises:
          ValueError: if a text is refused.
        """
        if isinstance(texts, str):
            raise ValueError(f"the text {texts[:50]!r}; expected a list of texts. Put it in one")
        numbers = np.zeros((len(texts), self.length), np.int32)
        encoded = self.pairs.encode_batch([self._cleaned(text) for text in texts])
        for row, (text, each) in enumerate(zip(texts, encoded, strict=True)):
            ids = [self.start, *each.ids, self.end]
            if len(ids) > self.length:
                if too_long == "refuse":
                    raise ValueError(
                        f"text {row:,} ({text[:50]!r}...) has {len(ids):,} tokens with its ends; "
                        f'expected at most {self.length}. Shorten it, or give too_long="cut"'
                    )
                ids = [*ids[: self.length - 1], self.end]
            numbers[row, : len(ids)] = ids
        return numbers

    def _cleaned(self, text: str) -> str:
        if self.mend:
            text = html.unescape(html.unescape(_ftfy().fix_text(text))).lower()
        else:  # letter by letter, where `lower` has another sigma at the end of a word
            text = "".join(map(str.lower, unicodedata.normalize("NFC", text)))
        return " ".join(text.split())


def read_clip_tokenizer(path: Path | str, *, length: int = 77, mend: bool = True) -> ClipTokenizer:
    """Read CLIP's tokenizer from one of the files that its publishers have.

    Args:
      path: of transformers' `tokenizer.json` or `merges.txt`, or of OpenAI's
        `bpe_simple_vocab_16e6.txt.gz`, which the package open_clip_torch ships.
      length: tokens of a text.
      mend: whether broken encodings and HTML's entities are mended first.

    Raises:
      WeightsError: if the package `tokenizers` is missing (or `ftfy`, which mends), or the file is,
        or is no such file.
    """
    tokenizers = _tokenizers()
    if mend:
        _ftfy()
    file = Path(path).expanduser()
    with reading(
        file,
        "CLIP's tokenizer.json, merges.txt or bpe_simple_vocab_16e6.txt.gz",
        error=WeightsError,
        absent="Give the path of one of these",
        damaged="Fetch it again from its publisher",
    ):
        merges = _merges(read_bytes(file))
    characters = _characters()
    words = [*characters, *(each + _WORD_END for each in characters)]
    words += ["".join(pair) for pair in merges]
    vocabulary = {word: number for number, word in enumerate([*words, _START, _END])}
    try:
        model = tokenizers.models.BPE(vocabulary, merges, end_of_word_suffix=_WORD_END)
    except Exception as error:  # tokenizers raises nothing narrower
        raise WeightsError(
            f"{file} holds merges that do not follow from each other ({error}); expected those of "
            "CLIP's tokenizer. Fetch it again from its publisher"
        ) from error
    pairs = tokenizers.Tokenizer(model)
    pairs.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Split(
                tokenizers.Regex(_PATTERN), behavior="removed", invert=True
            ),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return ClipTokenizer(pairs, vocabulary[_START], vocabulary[_END], length, mend)


def _merges(content: bytes) -> list[tuple[str, str]]:
    """The pairs that are merged, the most frequent first."""
    if content.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=BytesIO(content)) as stream:
            content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST:,} bytes")
    text = content.decode("utf-8-sig")
    if text.lstrip().startswith("{"):
        lines = json.loads(text)["model"]["merges"]
    else:  # the first line is its version
        lines = text.split("\n")[1 : _MERGES + 1]
    pairs = [line.split() if isinstance(line, str) else line for line in lines if line]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise ValueError("it is no list of pairs")
    return [(first, second) for first, second in pairs]


def _characters() -> list[str]:
    """What stands for the 256 bytes: those that print, in Latin 1, and others for the rest."""
    printing = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(each) for each in [*printing, *range(256, 512 - len(printing))]]


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise WeightsError(f"CLIP's tokenizer needs the package tokenizers. {_INSTALL}") from error
    return tokenizers


def _ftfy() -> Any:
    try:
        import ftfy
    except ImportError as error:
        raise WeightsError(
            f"CLIP's tokenizer needs the package ftfy. {_INSTALL}, or give mend=False"
        ) from error
    return ftfy
