from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file

from jtransfer.nets.clip import Clip, clip
from jtransfer.nets.clip_names import clip_image_names, clip_names
from jtransfer.nets.parts.transformer import TransformerShape
from jtransfer.nets.weights.publishing import to_published, write_published
from jtransfer.nets.weights.torch_layout import place_weights
from tests.nets.published_nets import images_of, torchvision

TINY = TransformerShape(width=32, depth=2, heads=2)
SMALL = {"patch": 8, "size": 16, "image": TINY, "text": TINY, "outputs": 12}
TOKENS = np.array(
    [[62, 3, 63, 0, 0, 0], [62, 5, 9, 11, 1, 63], [62, 63, 0, 0, 0, 0]]  # 63 ends a text
)


def small(**settings):
    return clip(**{**SMALL, "vocabulary": 64, "length": 6, **settings})


def randomised(rival):
    """The net with weights that leave nothing out."""
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in rival.named_parameters():
            parameter.normal_(0.0, 0.2, generator=generator)
            if any(part in name for part in ("ln_", "norm")) and not name.endswith("bias"):
                parameter.add_(1.0)
    return rival.eval()


def everything(net: Clip, images, tokens):
    """Logits, embeddings and what every block gives."""
    is_block = lambda module, method: "block" in (module.name or "")  # noqa: E731

    def run(variables):
        apply = partial(net.apply, variables)
        embeddings = apply(images, method="encode_image"), apply(tokens, method="encode_text")
        logits, kept = apply(images, tokens, capture_intermediates=is_block)
        return logits, embeddings, kept["intermediates"]

    return jax.jit(run)


def same(ours, theirs):
    theirs = np.asarray(theirs.detach())
    assert theirs.std() > 0.05
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * theirs.std())


def placed(arrays, names, net, images):
    template = jax.eval_shape(net.init, jax.random.key(0), images, TOKENS)
    return place_weights(arrays, names, template, net="CLIP", source="the rival")


@pytest.mark.parametrize("openai", [True, False], ids=["quick gelu", "gelu"])
def test_open_clips_towers_at_every_block_and_back(openai):
    torchvision()
    open_clip = pytest.importorskip("open_clip.model")
    import torch

    vision = open_clip.CLIPVisionCfg(layers=2, width=32, head_width=16, patch_size=8, image_size=16)
    text = open_clip.CLIPTextCfg(context_length=6, vocab_size=64, width=32, heads=2, layers=2)
    make = partial(open_clip.CLIP, 12, vision, text, quick_gelu=openai)
    rival, images, net = randomised(make()), images_of(16, 16), small(openai=openai)
    names = clip_names("open_clip", depth=2)
    variables = placed(
        {name: array.numpy() for name, array in rival.state_dict().items()}, names, net, images
    )
    logits, (image, texts), kept = everything(net, images, TOKENS)(variables)
    blocks: dict[str, torch.Tensor] = {}
    for number in range(2):
        for tower, below in (("image", rival.visual), ("text", rival)):
            below.transformer.resblocks[number].register_forward_hook(
                lambda *given, key=(tower, number): blocks.__setitem__(key, given[-1])
            )
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
    tokens = torch.from_numpy(TOKENS)
    with torch.no_grad():
        theirs = rival(pixels, tokens)
    same(image, theirs[0])
    same(texts, theirs[1])
    same(logits, theirs[2] * theirs[0] @ theirs[1].T)
    for (tower, number), wanted in blocks.items():
        same(kept[tower][f"block{number + 1}"]["__call__"][0], wanted)

    other = make().eval()
    back = to_published(variables, names)
    other.load_state_dict({name: torch.from_numpy(x) for name, x in back.items()}, strict=True)
    with torch.no_grad():
        assert torch.equal(other(pixels, tokens)[0], theirs[0])


def test_those_of_transformers_and_back(tmp_path):
    torchvision()
    transformers = pytest.importorskip("transformers")
    import torch

    tower = {
        "hidden_size": 32,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "hidden_act": "quick_gelu",
    }
    config = transformers.CLIPConfig(
        text_config={**tower, "vocab_size": 64, "max_position_embeddings": 6, "eos_token_id": 63},
        vision_config={**tower, "image_size": 16, "patch_size": 8},
        projection_dim=12,
    )
    rival = randomised(transformers.CLIPModel(config))
    rival.save_pretrained(tmp_path / "theirs")
    arrays = load_file(tmp_path / "theirs" / "model.safetensors")
    arrays["vision_model.embeddings.position_ids"] = np.arange(5)[None]  # of older versions
    names, images = clip_names("huggingface", depth=2), images_of(24, 16)
    net = small(resampling="huggingface")
    variables = placed(arrays, names, net, images)
    pixels, tokens = torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(TOKENS)
    options = {"input_ids": tokens, "pixel_values": pixels, "interpolate_pos_encoding": True}
    with torch.no_grad():
        theirs = rival(**options, output_hidden_states=True)
    logits, (image, texts), kept = everything(net, images, TOKENS)(variables)
    same(image, theirs.image_embeds)
    same(texts, theirs.text_embeds)
    same(logits, theirs.logits_per_image)
    states = theirs.vision_model_output.hidden_states
    same(kept["image"]["block1"]["__call__"][0], states[1])

    # The image tower alone is a trunk like any other.
    trunk, under = net.image, clip_image_names("huggingface", depth=2)
    template = jax.eval_shape(trunk.init, jax.random.key(0), images)
    alone = place_weights(arrays, under, template, net="CLIP", source="the rival")
    jax.tree.map(np.testing.assert_array_equal, alone["params"], variables["params"]["image"])
    assert trunk.stage_names == ("patches", "block1", "block2", "norm", "projection")

    (tmp_path / "ours").mkdir()
    config.save_pretrained(tmp_path / "ours")
    write_published(tmp_path / "ours" / "model.safetensors", variables, names)
    other = transformers.CLIPModel.from_pretrained(tmp_path / "ours").eval()
    with torch.no_grad():
        assert torch.equal(other(**options).logits_per_image, theirs.logits_per_image)


@pytest.mark.parametrize(("patch", "parameters"), [(32, 151_277_313), (16, 149_620_737)])
def test_the_parameters_are_the_published_ones(patch, parameters):
    """ViT-B/32 and ViT-B/16, both towers and the scale of the logits."""
    images, tokens = jnp.zeros((1, 224, 224, 3)), jnp.zeros((1, 77), int)
    variables = jax.eval_shape(clip(patch).init, jax.random.key(0), images, tokens)
    assert sum(leaf.size for leaf in jax.tree.leaves(variables)) == parameters


@pytest.fixture(scope="module")
def variables():
    return jax.jit(small().init)(jax.random.key(0), images_of(16, 16), TOKENS)


def test_embeddings_have_length_one_if_asked(variables):
    apply = jax.jit(small().apply, static_argnames=("method", "normalise"))
    for method, given in (("encode_image", images_of(16, 16)), ("encode_text", TOKENS)):
        raw = np.asarray(apply(variables, given, method=method, normalise=False))
        unit = apply(variables, given, method=method)
        np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(
            unit, raw / np.linalg.norm(raw, axis=1, keepdims=True), atol=1e-5
        )
    assert float(variables["params"]["logit_scale"]) == pytest.approx(np.log(1 / 0.07))


def test_what_follows_the_end_of_a_text_is_not_read(variables):
    apply = jax.jit(partial(small().apply, method="encode_text"))
    filled = np.array([[62, 3, 63, 9, 63, 1]])
    np.testing.assert_allclose(apply(variables, filled)[0], apply(variables, TOKENS)[0], atol=1e-6)


def test_texts_longer_than_the_tower_are_refused():
    with pytest.raises(ValueError, match=r"texts of 7 tokens; expected 1 to 6, .* Cut them"):
        jax.eval_shape(small().init, jax.random.key(0), images_of(16, 16), np.zeros((1, 7), int))


def test_settings_that_fit_nothing_are_refused():
    with pytest.raises(ValueError, match="images of 20 pixels do not go with patches of 8"):
        small(size=20)
    with pytest.raises(ValueError, match="publisher='timm'; expected one of huggingface, open_cl"):
        clip_names("timm")
