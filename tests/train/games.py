"""Every method in small, trained for some steps on however many devices there are."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.multitask import MultitaskNet
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import Head, Trunk
from jtransfer.train.compilation import compile_step, compile_step_by_pmap, data_mesh
from jtransfer.train.loop import fit
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adaptation.adda import ADDA_RULES, adda_loss, untie_encoders
from jtransfer.transfer.adaptation.dann import dann_loss
from jtransfer.transfer.adaptation.mean_teacher import mean_teacher_loss, with_teacher
from jtransfer.transfer.adaptation.translation import translation_loss
from jtransfer.transfer.adaptation.weighted_dann import weighted_dann_loss, with_shares
from jtransfer.transfer.multitask.loss import multitask_loss
from jtransfer.transfer.multitask.masked_criteria import masked_cross_entropy
from jtransfer.transfer.parameter_groups import parameter_groups
from jtransfer.transfer.supervised import supervised_loss
from jtransfer.transfer.zero_shot.compatibility import Bilinear, compatibility_loss, devise_ranking
from tests import draws
from tests.draws import integers, uniform
from tests.transfer.animals import SEEN, draw
from tests.transfer.game import params
from tests.transfer.translation_game import TranslationGame

STEPS, BATCH, EXAMPLES, CLASSES, SIDE = 20, 16, 40, 3, 4


class Feed:
    """Source and target images of 4x4x1 with labels, and features of animals."""

    @property
    def constants(self):
        features, animals = draw(SEEN, each=10)
        known = {
            "image": uniform(0, (EXAMPLES, SIDE, SIDE, 1)),
            "label": integers(1, (EXAMPLES,), CLASSES),
            "odd": integers(2, (EXAMPLES,), 2),
        }
        seen = {"feature": jnp.asarray(features), "label": jnp.asarray(animals)}
        return {"source": known, "target": {"image": 1.0 - known["image"]}, "seen": seen}

    def inputs(self, step):
        random = np.random.default_rng(step)
        return {
            domain: random.integers(0, EXAMPLES, BATCH).astype(np.int32)
            for domain in ("source", "target", "seen")
        }


def gather(constants, inputs):
    return {
        domain: jax.tree.map(lambda values, at=positions: values[at], constants[domain])
        for domain, positions in inputs.items()
    }


def gather_numbers(constants, inputs):
    """Instead of each image its mean, as the game of translation takes them, and two classes."""
    batch = gather(constants, inputs)
    for domain in ("source", "target"):
        batch[domain]["image"] = batch[domain]["image"].mean(axis=(1, 2))
    batch["source"]["label"] = batch["source"]["odd"]
    return batch


TRUNK = Trunk((("fc1", partial(FullStage, 8)), ("fc2", partial(FullStage, 6))))
BLANK = np.zeros((2, SIDE, SIDE, 1), np.float32)
LOGITS = {"label": masked_cross_entropy, "odd": masked_cross_entropy}
ALL = {".*": "full"}


def method(name):
    """A method's loss, the variables it starts from, and the rules of who moves."""
    net, key = AdaptationNet(TRUNK, Head((8,), CLASSES), Head((8,), 1)), jax.random.key(1)
    if name == "multitask":
        shared = MultitaskNet(TRUNK, {"label": Head((), CLASSES), "odd": Head((), 2)})
        return multitask_loss(shared, LOGITS), draws.variables(shared, BLANK), ALL
    if name == "translation":
        parts = ("trunk", "label_head", "domain_head")
        parts += ("image_writers_0", "image_writers_1", "image_heads_0", "image_heads_1")
        numbers = params(**dict(zip(parts, (0.5, 1.5, 0.7, 0.4, 0.8, 0.3, -0.6), strict=True)))
        return translation_loss(TranslationGame()), {"params": numbers}, ALL
    if name == "zero-shot":
        bilinear = Bilinear()
        variables = bilinear.init(key, jnp.zeros((1, 6)), SEEN)
        return compatibility_loss(bilinear, SEEN, devise_ranking), variables, ALL
    variables = draws.variables(net, BLANK)
    if name == "adda":
        return adda_loss(net), untie_encoders(variables), ADDA_RULES
    if name == "mean teacher":
        taught = with_teacher(variables, classes=CLASSES)
        return mean_teacher_loss(net, augment=noisy, threshold=0.1), taught, ALL
    if name == "dann":
        return dann_loss(net), variables, ALL
    if name == "weighted dann":
        return weighted_dann_loss(net), with_shares(variables, classes=CLASSES), ALL
    rules = {"trunk/fc1/.*": "frozen", "trunk/.*": 0.1, ".*": "full"}
    return supervised_loss(net), variables, rules if name == "fine-tuning" else ALL


def noisy(key, images):
    return images + 0.1 * jax.random.normal(key, (images.size,)).reshape(images.shape)


# What differs by design under pmap is left out of it: a mean teacher's noise is drawn for a device.
BY_PMAP = ("supervised", "fine-tuning", "dann", "adda", "translation", "multitask", "zero-shot")
BY_PMAP += ("weighted dann",)
METHODS = (*BY_PMAP, "mean teacher")


def trained(name, devices, *, by="jit"):
    """A method's parameters after some steps on these devices, and those it started from."""
    loss, variables, rules = method(name)
    groups = parameter_groups(variables["params"], rules)
    optimizer = groups.optimizer(optax.sgd(0.05, momentum=0.9))
    axis = "data" if by == "pmap" else None
    step = make_step(loss, optimizer, total_steps=STEPS, trainable=groups.trainable, axis_name=axis)
    take = gather_numbers if name == "translation" else gather
    mesh = data_mesh(devices) if by == "jit" and len(devices) > 1 else None
    if by == "pmap":
        compiled = compile_step_by_pmap(step, take, devices=devices)
    else:
        compiled = compile_step(step, take, mesh=mesh)
    # A copy: the first step uses up the state, and others start from the same variables.
    state = TrainState.create(jax.tree.map(jnp.array, variables), optimizer, rng=jax.random.key(2))
    state = fit(compiled, state, Feed(), steps=STEPS, mesh=mesh)
    return jax.device_get(state.params), variables["params"]
