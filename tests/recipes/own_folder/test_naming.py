import csv
import re
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jtransfer.commands.main import main
from jtransfer.data.examples import DataError
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.nets.clip import clip
from jtransfer.nets.clip_names import clip_names
from jtransfer.nets.weights import pretrained_clip as module
from jtransfer.nets.weights.catalogue.clip import CLIP_TOWERS
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.pretrained_clip import pretrained_clip
from jtransfer.recipes.own_folder import frozen_trunk as trunk_module
from jtransfer.recipes.own_folder.naming import name_images
from jtransfer.recipes.own_folder.naming_by_attributes import name_by_attributes
from tests.recipes.own_folder.conftest import square
from tests.recipes.own_folder.tiny_clip import OPTIONS, write_tiny_clip

pytest.importorskip("tokenizers")
pytest.importorskip("ftfy")

PROMPTS = ("a {}.", "the {} here")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_tiny_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def towers(files, monkeypatch):
    """The tiny towers, which are called as if they had been published."""
    build = partial(clip, **{name: each for name, each in OPTIONS.items() if name != "patch"})
    b32 = CLIP_TOWERS["clip_vit_b32"]
    tiny = replace(
        b32,
        build=lambda **options: build(8, **options),
        names=clip_names("open_clip", depth=1),
        preprocessing=b32.preprocessing.at(16),
    )
    monkeypatch.setitem(CLIP_TOWERS, "clip_vit_b32", tiny)
    weights, merges = files
    return pretrained_clip("clip_vit_b32", path=weights, tokenizer=merges)


@pytest.fixture
def options(tmp_path):
    return {"workers": 0, "cache_folder": tmp_path / "features"}


def test_probabilities_are_the_towers_own(towers, squares, options):
    named = name_images(squares, towers, classes=["red", "big_dog"], prompts=PROMPTS, **options)
    assert len(named.paths) == 18
    images = np.stack(
        [
            np.asarray(
                read_rgb(path).resize((16, 19), Image.Resampling.BICUBIC).crop((0, 1, 16, 17))
            )
            for path in named.paths[:2]
        ]
    )
    assert images.shape == (2, 16, 16, 3)
    tokens = towers.tokenizer(["a red.", "the red here", "a big dog.", "the big dog here"])

    @jax.jit
    def embedded(variables):
        pixels = towers.preprocessing.normalise(jnp.asarray(images))
        return (
            towers.net.apply(variables, pixels, method="encode_image"),
            towers.net.apply(variables, tokens, method="encode_text"),
        )

    seen, texts = map(np.asarray, embedded(towers.variables))
    texts = texts.reshape(2, 2, -1).mean(axis=1)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    scale = np.exp(towers.variables["params"]["logit_scale"])
    expected = jax.nn.softmax(scale * seen @ texts.T)
    np.testing.assert_allclose(named.scores[:2], expected, atol=2e-2)
    # Six of the images lie in a folder that is called as a class.
    assert named.accuracy == np.mean([each == "red" for each in named.names[12:]])


def test_the_order_of_the_classes_changes_nothing(towers, squares, options):
    one = name_images(squares, towers, **options)
    other = name_images(squares, towers, classes=["red", "blue", "green"], **options)
    assert one.classes == ("blue", "green", "red")
    assert one.names == other.names
    assert one.accuracy == other.accuracy
    assert 0 <= one.accuracy <= 1


def test_one_class_is_no_choice(towers, squares, options):
    with pytest.raises(DataError, match=r"told by 1 classes \(red\); expected two or more"):
        name_images(squares, towers, classes=["red", "red"], **options)
    with pytest.raises(DataError, match="told by no class"):
        name_images(squares / "red", towers, **options)


def test_another_files_shapes_are_refused(files):
    with pytest.raises(WeightsError, match="does not fit clip_vit_b32"):
        pretrained_clip("clip_vit_b32", path=files[0], tokenizer=files[1])
    with pytest.raises(WeightsError, match="no CLIP 'lite'; expected one of clip_vit_b32"):
        pretrained_clip("lite")


def test_the_command_names_by_files(files, squares, tmp_path, monkeypatch, capsys, request):
    monkeypatch.setenv("JTRANSFER_CACHE", str(tmp_path / "cache"))
    request.getfixturevalue("towers")
    out = tmp_path / "named.csv"
    flags = ["--weights", str(files[0]), "--tokenizer", str(files[1]), "--workers", "0"]
    main(["name", str(squares), "--classes", "red", "big dog", "--out", str(out), *flags])
    said = capsys.readouterr()
    assert "18 images named" in said.out
    assert "7 prompts a class" in said.err
    rows = list(csv.reader(out.read_text().splitlines()))
    assert rows[0] == ["file", "class", "probability", "second class"]
    assert {frozenset((row[1], row[3])) for row in rows[1:]} == {frozenset(("red", "big dog"))}
    assert all(0.5 <= float(row[2]) <= 1 for row in rows[1:])
    with pytest.raises(SystemExit):
        main(["name", str(squares), "--out", str(out), *flags])
    assert "is there already" in capsys.readouterr().err


def test_without_weights_one_sentence_says_how_to_get_them(squares, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JTRANSFER_CACHE", str(tmp_path))
    for published in CLIP_TOWERS.values():
        for origin in (*published.origins, *published.tokenizer):
            monkeypatch.setattr(type(origin), "at_hand", lambda *_: False)
    with pytest.raises(SystemExit) as end:
        main(["name", str(squares), "--classes", "fox", "wolf"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    commands = re.findall("`(.*?)`", said)
    assert commands[0] == "pip install 'jtransfer[clip,hub]'"
    assert commands[1].startswith("hf download openai/clip-vit-base-patch32 model.safetensors")
    assert commands[2].startswith("hf download openai/clip-vit-base-patch32 merges.txt")
    assert said.count("\n") == 1


def test_what_is_at_hand_is_found(monkeypatch):
    there = {"clip_vit_b32_laion2b"}
    for name, published in CLIP_TOWERS.items():

        class Origin:
            def __init__(self, found):
                self.found = found

            def at_hand(self, _):
                return self.found

        known = (Origin(name in there),)
        monkeypatch.setitem(
            module.CLIP_TOWERS, name, replace(published, origins=known, tokenizer=(Origin(True),))
        )
    assert module.clip_at_hand() == "clip_vit_b32_laion2b"


SEEN = {
    "black": (20, 20, 20),
    "blue": (30, 40, 210),
    "cyan": (30, 200, 210),
    "green": (30, 200, 30),
    "red": (210, 40, 30),
    "yellow": (210, 200, 40),
}
UNSEEN = {"magenta": (210, 40, 210), "white": (220, 220, 220)}


@pytest.fixture
def colours(tmp_path):
    """Seen and unseen colours, and a table of what they are mixed of."""
    rng = np.random.default_rng(0)
    for part, colours in (("seen", SEEN), ("new", UNSEEN)):
        for name, colour in colours.items():
            (tmp_path / part / name).mkdir(parents=True)
            for number in range(6):
                image = Image.fromarray(square(rng, colour))
                image.save(tmp_path / part / name / f"{number}.png")
    rows = [
        ",".join([name, *("yes" if each > 100 else "no" for each in colour)])
        for name, colour in (SEEN | UNSEEN).items()
    ]
    table = tmp_path / "colours.csv"
    table.write_text("\n".join(["colour,red,green,blue", *rows, ""]))
    return tmp_path / "new", table, tmp_path / "seen"


def test_colours_nobody_showed_are_told_by_what_they_are_mixed_of(toy_trunk, colours, options):
    new, table, seen = colours
    named = name_by_attributes(new, table, seen, toy_trunk, **options)
    assert set(named.classes) == {"magenta", "white"}
    assert named.accuracy == 1
    assert [each.parent.name for each in named.paths] == named.names


def test_the_command_names_by_attributes(toy_trunk, colours, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JTRANSFER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(trunk_module, "load_trunk", lambda name: toy_trunk)
    monkeypatch.setattr(trunk_module, "at_hand", lambda: ("toy",))
    new, table, seen = map(str, colours)
    main(["name", new, "--attributes", table, "--seen", seen, "--workers", "0", "--method", "dap"])
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "file,class,score,second class"
    assert len(said.out.splitlines()) == 13
    assert "DAP on 3 attributes, learned on 6 classes" in said.err
    assert "right on 100.0% of the images" in said.err
    with pytest.raises(SystemExit):
        main(["name", new, "--attributes", table])
    assert "--attributes and --seen go together" in capsys.readouterr().err


def test_what_attributes_cannot_tell_is_said(toy_trunk, colours, options):
    new, table, seen = colours
    call = partial(name_by_attributes, new, table, seen, toy_trunk, **options)
    with pytest.raises(DataError, match="no row for violet"):
        call(classes=["white", "violet"])
    with pytest.raises(ValueError, match="no method 'ale' in closed form"):
        call(method="ale")
    with pytest.raises(DataError, match="3 classes beside those to tell apart; expected at least"):
        call(classes=["black", "red", "blue"])
    table.write_text(table.read_text().replace("white,yes,yes,yes", "white,yes,no,yes"))
    with pytest.raises(ValueError, match="magenta and white have the same attributes"):
        call()
