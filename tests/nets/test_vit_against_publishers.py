"""ViT, DeiT, DINO and DINOv2 beside their publishers' code, with random weights, both ways."""

from functools import partial

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

from jtransfer.nets.parts.transformer import TransformerShape
from jtransfer.nets.vit import vit
from jtransfer.nets.vit_names import vit_names
from jtransfer.nets.weights.publishing import to_published, write_published
from jtransfer.nets.weights.torch_layout import place_weights
from tests.nets.published_nets import (
    images_of,
    published_outputs,
    same_stages,
    timm,
    weights_of,
)

TINY = TransformerShape(width=32, depth=2, heads=2)
SMALL = {"patch": 8, "size": 32, "classes": 5}
TIMM = {"embed_dim": 32, "depth": 2, "num_heads": 2, "patch_size": 8, "img_size": 32}
REGISTERS = {"layer_scale": 1e-5, "registers": 4}


def randomised(rival, deviation=0.2):
    """The net with weights that leave nothing out: norms and gains around 1, all else around 0."""
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    ones = ("norm", "ls1", "ls2", "layer_scale")
    with torch.no_grad():
        for name, parameter in rival.named_parameters():
            parameter.normal_(0.0, deviation, generator=generator)
            if any(part in name for part in ones) and not name.endswith("bias"):
                parameter.add_(1.0)
    return rival.eval()


def timm_stages(depth):
    blocks = {f"block{number + 1}": f"blocks.{number}" for number in range(depth)}
    return {"patches": "norm_pre", **blocks, "norm": "fc_norm", "fc": "head"}


@pytest.mark.parametrize(
    ("size", "settings", "theirs"),
    [
        ((32, 32), {}, {}),
        ((24, 56), {}, {}),
        ((32, 32), {"layer_scale": 1.0}, {"init_values": 1e-5}),
        (
            (40, 16),
            {**REGISTERS, "class_position": False},
            {"init_values": 1e-5, "reg_tokens": 4, "no_embed_class": True},
        ),
    ],
    ids=["plain", "other size", "layer scale", "registers"],
)
def test_timms_at_every_stage_and_back(size, settings, theirs):
    make = partial(
        timm().models.vision_transformer.VisionTransformer,
        **{**TIMM, **theirs, "num_classes": 5, "dynamic_img_size": True},
    )
    rival, images, net = randomised(make()), images_of(*size), vit(TINY, **SMALL, **settings)
    names = vit_names("timm", depth=2)
    variables = weights_of(rival, net, names, images)
    same_stages(net, variables, images, published_outputs(rival, timm_stages(2), images))
    torch = pytest.importorskip("torch")
    back = {name: torch.from_numpy(x) for name, x in to_published(variables, names).items()}
    other = make().eval()
    other.load_state_dict(back, strict=True)
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    with torch.no_grad():
        assert torch.equal(other(tensor), rival(tensor))


def hidden_states(rival, images, **options):
    """What the embeddings and every block of a net of transformers give, and its output."""
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
        given = rival(tensor, output_hidden_states=True, **options)
    return [each.numpy() for each in given.hidden_states], given


CONFIG = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
    "layer_norm_eps": 1e-6,
    "num_labels": 5,
}


@pytest.mark.parametrize("size", [(32, 32), (24, 56)], ids=str)
@pytest.mark.parametrize(
    ("kind", "prefix", "settings", "options"),
    [
        ("ViT", "vit.", {}, {"interpolate_pos_encoding": True}),
        ("Dinov2", "dinov2.", {"features": "both", "layer_scale": 1.0}, {}),
        ("Dinov2WithRegisters", "dinov2_with_registers.", {"features": "both", **REGISTERS}, {}),
    ],
)
def test_those_of_transformers_at_every_block_and_back(
    kind, prefix, settings, options, size, tmp_path
):
    timm()  # or what stands for torchvision, which transformers imports where it is there
    transformers = pytest.importorskip("transformers")
    extra = {"intermediate_size": 128} if kind == "ViT" else {"mlp_ratio": 4}
    config = getattr(transformers, f"{kind}Config")(**CONFIG, **extra)
    classifier = getattr(transformers, f"{kind}ForImageClassification")
    rival, images = randomised(classifier(config)), images_of(*size)
    rival.save_pretrained(tmp_path / "theirs")
    resampling = "timm" if "Registers" in kind else "huggingface"
    net = vit(TINY, **SMALL, **settings, resampling=resampling)
    names = vit_names(
        "huggingface" if kind == "ViT" else "huggingface_dinov2", depth=2, prefix=prefix
    )
    variables = place_weights(
        load_file(tmp_path / "theirs" / "model.safetensors"),
        names,
        jax.eval_shape(net.init, jax.random.key(0), images),
        net=kind,
        source="the rival",
    )
    states, given = hidden_states(rival, images, **options)
    logits, taps = jax.jit(partial(net.apply, taps=net.stage_names[:3]))(variables, images)
    for stage, state in zip(net.stage_names[:3], states, strict=True):
        assert state.std() > 0.1
        np.testing.assert_allclose(taps[stage], state, rtol=0, atol=1e-4 * state.std())
    np.testing.assert_allclose(logits, given.logits, rtol=0, atol=1e-4 * given.logits.std())

    (tmp_path / "ours").mkdir()
    config.save_pretrained(tmp_path / "ours")
    write_published(tmp_path / "ours" / "model.safetensors", variables, names)
    other = classifier.from_pretrained(tmp_path / "ours").eval()
    again = hidden_states(other, images, **options)[1].logits
    np.testing.assert_array_equal(again, given.logits)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "shape", "settings"),
    [
        ("vit_tiny_patch16_224", "tiny", {}),
        ("deit_small_patch16_224", "small", {}),
        ("vit_base_patch16_224", "base", {}),
        (
            "vit_small_patch14_dinov2",
            "small",
            {"patch": 14, "size": 518, "layer_scale": 1e-5},
        ),
        (
            "vit_small_patch14_reg4_dinov2",
            "small",
            {"patch": 14, "size": 518, "class_position": False, **REGISTERS},
        ),
    ],
)
def test_whole_nets_are_timms(model, shape, settings):
    rival = timm().create_model(model, num_classes=1000, dynamic_img_size=True)
    rival = randomised(rival, deviation=0.05)
    net, images = vit(shape, **settings), images_of(224, 224, batch=1)
    variables = weights_of(rival, net, vit_names("timm"), images)
    same_stages(net, variables, images, published_outputs(rival, timm_stages(12), images))
