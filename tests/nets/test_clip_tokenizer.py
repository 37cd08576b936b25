import gzip
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from jtransfer.nets.clip_tokenizer import read_clip_tokenizer
from jtransfer.nets.weights.error import WeightsError

pytest.importorskip("tokenizers")
pytest.importorskip("ftfy")

ODD = [
    "",
    "   ",
    "a",
    "A Photo of a CAT.",
    "l'été à l'Œuvre, déjà vu; naïve coöperation",
    "Straße, ÅNGSTRÖM, İstanbul ΣΊΣΥΦΟΣ",
    "日本語の写真 и русский текст, עברית, العربية",
    "👍🏽 family 👨‍👩‍👧‍👦 flag 🇫🇷 ☃️",
    "&lt;b&gt;bold&lt;/b&gt; &amp;amp; &eacute;t&eacute; &#128512;",
    "it's they'll we've I'm you're he'd don't IT'S",
    "“curly” ‘quotes’ – dashes — … ellipsis",
    "schÃ¶n mojibake sâ€™il",
    "1234567890 3.14 1,000 ½ ² Ⅳ ①",
    "tab\tnew\nline\r\n  double  spaces\u00a0nbsp\u3000wide",
    "snake_case kebab-case foo.bar@example.com https://a.b/c?d=e&f=g",
    "ﬁne ﬂow ｆｕｌｌｗｉｄｔｈ",
    "e\u0301 combined",
    "!!!???... ### $$$ %%% ^^^ ~~~",
    "supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis",
    "word " * 200,
    "é" * 100,
]
ANIMALS = [
    "Siberian husky",
    "axolotl",
    "échidné",
    "Würger",
    "大熊猫",
    "T-Rex",
    "ox",
    "bald eagle 🦅",
]
TEXTS = (
    ODD
    + [
        f"{start} {animal}{end}"
        for start in ("a photo of a", "art of the", "itap of a", "A BAD photo of the", "it's one")
        for animal in ANIMALS
        for end in (".", ", a type of pet.", " &amp; friends", "!?", " (2024)")
    ][: 200 - len(ODD)]
)


@pytest.fixture(scope="module")
def openai_file():
    """OpenAI's list of merges, as the package open_clip_torch ships it."""
    found = importlib.util.find_spec("open_clip")
    if found is None or not found.submodule_search_locations:
        pytest.skip("needs open_clip_torch")
    return Path(found.submodule_search_locations[0]) / "bpe_simple_vocab_16e6.txt.gz"


@pytest.fixture(scope="module")
def tokenizer(openai_file):
    return read_clip_tokenizer(openai_file)


def test_two_hundred_texts_are_open_clips(openai_file, tokenizer):
    pytest.importorskip("torch")
    pytest.importorskip("regex")
    location = openai_file.with_name("tokenizer.py")  # without the package, which wants torchvision
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", location)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert len(TEXTS) == 200
    theirs = module.SimpleTokenizer()(TEXTS).numpy()
    np.testing.assert_array_equal(tokenizer(TEXTS), theirs)
    assert (theirs[:, -1] == 49407).sum() == 2  # so many are cut


def test_two_hundred_texts_are_those_of_transformers(openai_file, tmp_path):
    transformers = pytest.importorskip("transformers")
    lines = gzip.decompress(openai_file.read_bytes()).decode().split("\n")
    merges = [tuple(line.split()) for line in lines[1:48895]]
    encoder = read_clip_tokenizer(openai_file, mend=False)
    vocabulary = encoder.pairs.get_vocab()
    rival = transformers.CLIPTokenizer(vocab=vocabulary, merges=merges)
    theirs = rival(TEXTS, truncation=True, max_length=77)["input_ids"]
    for text, ours, wanted in zip(TEXTS, encoder(TEXTS), theirs, strict=True):
        assert ours[: len(wanted)].tolist() == wanted, text
    # Both of its files say the same as OpenAI's.
    rival.save_pretrained(tmp_path)
    again = read_clip_tokenizer(tmp_path / "tokenizer.json", mend=False)
    np.testing.assert_array_equal(again(TEXTS), encoder(TEXTS))
    (tmp_path / "merges.txt").write_text("\n".join(["#version: 0.2", *lines[1:48895], ""]))
    again = read_clip_tokenizer(tmp_path / "merges.txt", mend=False)
    np.testing.assert_array_equal(again(TEXTS), encoder(TEXTS))


def test_a_text_by_hand(tokenizer):
    """Between its ends "a diagram" is 320, 22697."""
    numbers = tokenizer(["a diagram", ""])
    assert (numbers.shape, numbers.dtype) == ((2, 77), np.int32)
    assert numbers[0, :5].tolist() == [49406, 320, 22697, 49407, 0]
    assert numbers[1, :3].tolist() == [49406, 49407, 0]


def test_long_texts_are_cut_or_refused(openai_file, tokenizer):
    long = "word " * 76
    cut = tokenizer([long])
    assert cut[0, -1] == 49407
    assert (cut[0, 1:-1] == cut[0, 1]).all()
    with pytest.raises(ValueError, match=r"text 1 \('word word .* has 78 tokens .* at most 77"):
        tokenizer(["a cat", long], too_long="refuse")
    assert tokenizer(["word " * 75], too_long="refuse").shape == (1, 77)
    short = read_clip_tokenizer(openai_file, length=4)
    assert short([long]).tolist() == [[49406, cut[0, 1], cut[0, 1], 49407]]


def test_a_lone_text_is_refused(tokenizer):
    with pytest.raises(ValueError, match=r"the text 'a cat'; expected a list of texts"):
        tokenizer("a cat")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"version\na b c\n", "no list of pairs"),
        (b"version\n", "no list of pairs"),
        (b'{"model": 3}', "cannot be read"),
        (b'{"model": {"merges": ["a"]}}', "no list of pairs"),
        (b"version\nq x\xff", "no UTF-8"),
        (b"version\nzz z\n", "do not follow from each other"),
        (gzip.compress(b"x" * (1 << 26) + b"y", mtime=0), "more than 67,108,864 bytes"),
        (gzip.compress(b"version\na b\n", mtime=0)[:-9], "cannot be read"),
    ],
)
def test_files_of_another_kind_are_refused(content, message, tmp_path):
    file = tmp_path / "merges.txt"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        read_clip_tokenizer(file)


def test_a_file_that_is_not_there_and_packages_that_are_not(tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match=r"none\.json is not there; expected CLIP's"):
        read_clip_tokenizer(tmp_path / "none.json")
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps({"model": {"merges": ["a b", ["ab", "c</w>"]]}}))
    tokenizer = read_clip_tokenizer(file)
    assert tokenizer(["ABC"])[0, :3].tolist() == [514, 513, 515]
    monkeypatch.setitem(sys.modules, "ftfy", None)
    with pytest.raises(WeightsError, match=r"package ftfy\. .* or give mend=False"):
        read_clip_tokenizer(file)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(WeightsError, match=r"package tokenizers\. Install it by pip"):
        read_clip_tokenizer(file, mend=False)
