"""Transfer learning in JAX and Flax: pure functions over parameter pytrees.

The names below are loaded when they are first used, so that `import jtransfer` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jtransfer.data import Examples as Examples
    from jtransfer.data import load as load
    from jtransfer.data.attributes import read_csv as read_csv
    from jtransfer.data.augment import on_images as on_images
    from jtransfer.data.augment import random_crop as random_crop
    from jtransfer.data.augment import random_flip as random_flip
    from jtransfer.data.augment import random_resized_crop as random_resized_crop
    from jtransfer.data.augment import random_shift as random_shift
    from jtransfer.data.colour_jitter import colour_jitter as colour_jitter
    from jtransfer.data.crops import Crop as Crop
    from jtransfer.data.image_batches import image_batches as image_batches
    from jtransfer.data.image_stream import ImageStream as ImageStream
    from jtransfer.data.mel import FrontEnd as FrontEnd
    from jtransfer.data.mel import mfcc as mfcc
    from jtransfer.data.mixup import mixup as mixup
    from jtransfer.data.random_affine import random_affine as random_affine
    from jtransfer.data.random_convolution import random_convolution as random_convolution
    from jtransfer.data.resident import Domain as Domain
    from jtransfer.data.resident import ResidentFeed as ResidentFeed
    from jtransfer.data.resident import centred as centred
    from jtransfer.data.resident import channel_means as channel_means
    from jtransfer.data.sources import load_files as load_files
    from jtransfer.data.sources import load_speech as load_speech
    from jtransfer.data.spec_augment import spec_augment as spec_augment
    from jtransfer.data.word_vectors import class_vectors as class_vectors
    from jtransfer.measure.average_precision import voc_average_precision as voc_average_precision
    from jtransfer.measure.seen_unseen import seen_unseen_curve as seen_unseen_curve
    from jtransfer.nets.acoustic import acoustic_net as acoustic_net
    from jtransfer.nets.alexnet import alexnet_2012 as alexnet_2012
    from jtransfer.nets.alexnet import alexnet_2014 as alexnet_2014
    from jtransfer.nets.classifier import Classifier as Classifier
    from jtransfer.nets.efficientnet_lite import efficientnet_lite as efficientnet_lite
    from jtransfer.nets.ganin import gtsrb_net as gtsrb_net
    from jtransfer.nets.ganin import mnist_net as mnist_net
    from jtransfer.nets.ganin import svhn_net as svhn_net
    from jtransfer.nets.multitask import MultitaskNet as MultitaskNet
    from jtransfer.nets.pretrained import load_pretrained as load_pretrained
    from jtransfer.nets.translation import translation_net as translation_net
    from jtransfer.nets.trunk import Head as Head
    from jtransfer.nets.trunk import Trunk as Trunk
    from jtransfer.train.averaging import averaged as averaged
    from jtransfer.train.averaging import averaged_params as averaged_params
    from jtransfer.train.checkpoint import Checkpoints as Checkpoints
    from jtransfer.train.compilation import compile_step as compile_step
    from jtransfer.train.compilation import compile_step_by_pmap as compile_step_by_pmap
    from jtransfer.train.compilation import data_mesh as data_mesh
    from jtransfer.train.compilation import replicate as replicate
    from jtransfer.train.early_stopping import EarlyStopping as EarlyStopping
    from jtransfer.train.loop import fit as fit
    from jtransfer.train.parallel import Parallel as Parallel
    from jtransfer.train.precision import in_bfloat16 as in_bfloat16
    from jtransfer.train.rate_finder import find_rate as find_rate
    from jtransfer.train.schedules import cosine as cosine
    from jtransfer.train.schedules import inverse_decay as inverse_decay
    from jtransfer.train.schedules import sigmoid_ramp as sigmoid_ramp
    from jtransfer.train.schedules import stepwise as stepwise
    from jtransfer.train.state import TrainState as TrainState
    from jtransfer.train.step import make_step as make_step
    from jtransfer.transfer.adda import ADDA_RULES as ADDA_RULES
    from jtransfer.transfer.adda import adda_loss as adda_loss
    from jtransfer.transfer.adda import target_variables as target_variables
    from jtransfer.transfer.adda import untie_encoders as untie_encoders
    from jtransfer.transfer.compatibility import compatibility_loss as compatibility_loss
    from jtransfer.transfer.dann import dann_loss as dann_loss
    from jtransfer.transfer.eszsl import fit_eszsl as fit_eszsl
    from jtransfer.transfer.features import extract as extract
    from jtransfer.transfer.few_shot import draw_episodes as draw_episodes
    from jtransfer.transfer.few_shot import episode_accuracies as episode_accuracies
    from jtransfer.transfer.few_shot import fit_cosine as fit_cosine
    from jtransfer.transfer.few_shot import fit_nearest_mean as fit_nearest_mean
    from jtransfer.transfer.finetune import compile_phases as compile_phases
    from jtransfer.transfer.finetune import fine_tune as fine_tune
    from jtransfer.transfer.finetune import initial_variables as initial_variables
    from jtransfer.transfer.finetune import probe_head as probe_head
    from jtransfer.transfer.finetune import without_trunk as without_trunk
    from jtransfer.transfer.gradient_reversal import reverse_gradient as reverse_gradient
    from jtransfer.transfer.gradient_surgery import PCGrad as PCGrad
    from jtransfer.transfer.l2_sp import l2_sp as l2_sp
    from jtransfer.transfer.l2_sp import with_start as with_start
    from jtransfer.transfer.layers import adopt as adopt
    from jtransfer.transfer.layers import copy_layers as copy_layers
    from jtransfer.transfer.layers import first_layers as first_layers
    from jtransfer.transfer.layers import last_layers as last_layers
    from jtransfer.transfer.layers import layer_names as layer_names
    from jtransfer.transfer.learned_task_weights import GradNorm as GradNorm
    from jtransfer.transfer.learned_task_weights import UncertaintyWeights as UncertaintyWeights
    from jtransfer.transfer.mean_teacher import mean_teacher_loss as mean_teacher_loss
    from jtransfer.transfer.mean_teacher import teacher_variables as teacher_variables
    from jtransfer.transfer.mean_teacher import with_teacher as with_teacher
    from jtransfer.transfer.multilabel_probe import fit_multilabel_svm as fit_multilabel_svm
    from jtransfer.transfer.multitask import keep_head as keep_head
    from jtransfer.transfer.multitask import multitask_loss as multitask_loss
    from jtransfer.transfer.parameter_groups import parameter_groups as parameter_groups
    from jtransfer.transfer.probe import cross_validate as cross_validate
    from jtransfer.transfer.probe import fit_softmax as fit_softmax
    from jtransfer.transfer.probe import fit_svm as fit_svm
    from jtransfer.transfer.regimes import plan as plan
    from jtransfer.transfer.retrieval import fit_whitening as fit_whitening
    from jtransfer.transfer.retrieval import nearest as nearest
    from jtransfer.transfer.ridge import fit_ridge as fit_ridge
    from jtransfer.transfer.speaker import make_adaptation as make_adaptation
    from jtransfer.transfer.speaker import over_runs as over_runs
    from jtransfer.transfer.speaker import speaker_rules as speaker_rules
    from jtransfer.transfer.subspace import fit_aligned_svm as fit_aligned_svm
    from jtransfer.transfer.subspace import fit_alignment as fit_alignment
    from jtransfer.transfer.supervised import sigmoid_cross_entropy as sigmoid_cross_entropy
    from jtransfer.transfer.supervised import supervised_loss as supervised_loss
    from jtransfer.transfer.task_weights import FixedWeights as FixedWeights
    from jtransfer.transfer.task_weights import with_task_weights as with_task_weights
    from jtransfer.transfer.translated_images import translation_figure as translation_figure
    from jtransfer.transfer.translated_images import translations as translations
    from jtransfer.transfer.translation import TranslationWeights as TranslationWeights
    from jtransfer.transfer.translation import translation_loss as translation_loss
    from jtransfer.transfer.weighted_dann import weighted_dann_loss as weighted_dann_loss
    from jtransfer.transfer.weighted_dann import with_shares as with_shares
    from jtransfer.transfer.zero_shot_attributes import fit_direct as fit_direct
    from jtransfer.transfer.zero_shot_attributes import fit_indirect as fit_indirect

__version__ = "0.1.0"

_HOMES = {
    "alexnet_2012": "nets.alexnet",
    "alexnet_2014": "nets.alexnet",
    "efficientnet_lite": "nets.efficientnet_lite",
    "load_pretrained": "nets.pretrained",
    "load_files": "data.sources",
    "load_speech": "data.sources",
    "image_batches": "data.image_batches",
    "ImageStream": "data.image_stream",
    "Crop": "data.crops",
    "extract": "transfer.features",
    "fit_svm": "transfer.probe",
    "fit_softmax": "transfer.probe",
    "cross_validate": "transfer.probe",
    "fit_ridge": "transfer.ridge",
    "nearest": "transfer.retrieval",
    "fit_whitening": "transfer.retrieval",
    "Examples": "data",
    "load": "data",
    "Domain": "data.resident",
    "ResidentFeed": "data.resident",
    "centred": "data.resident",
    "channel_means": "data.resident",
    "gtsrb_net": "nets.ganin",
    "mnist_net": "nets.ganin",
    "svhn_net": "nets.ganin",
    "Checkpoints": "train.checkpoint",
    "compile_step": "train.compilation",
    "compile_step_by_pmap": "train.compilation",
    "data_mesh": "train.compilation",
    "replicate": "train.compilation",
    "fit": "train.loop",
    "Parallel": "train.parallel",
    "inverse_decay": "train.schedules",
    "sigmoid_ramp": "train.schedules",
    "cosine": "train.schedules",
    "stepwise": "train.schedules",
    "TrainState": "train.state",
    "make_step": "train.step",
    "dann_loss": "transfer.dann",
    "reverse_gradient": "transfer.gradient_reversal",
    "parameter_groups": "transfer.parameter_groups",
    "supervised_loss": "transfer.supervised",
    "sigmoid_cross_entropy": "transfer.supervised",
    "voc_average_precision": "measure.average_precision",
    "fit_multilabel_svm": "transfer.multilabel_probe",
    "Classifier": "nets.classifier",
    "Head": "nets.trunk",
    "Trunk": "nets.trunk",
    "plan": "transfer.regimes",
    "compile_phases": "transfer.finetune",
    "fine_tune": "transfer.finetune",
    "initial_variables": "transfer.finetune",
    "probe_head": "transfer.finetune",
    "without_trunk": "transfer.finetune",
    "l2_sp": "transfer.l2_sp",
    "with_start": "transfer.l2_sp",
    "layer_names": "transfer.layers",
    "first_layers": "transfer.layers",
    "last_layers": "transfer.layers",
    "copy_layers": "transfer.layers",
    "adopt": "transfer.layers",
    "draw_episodes": "transfer.few_shot",
    "episode_accuracies": "transfer.few_shot",
    "fit_nearest_mean": "transfer.few_shot",
    "fit_cosine": "transfer.few_shot",
    "random_crop": "data.augment",
    "random_flip": "data.augment",
    "random_shift": "data.augment",
    "random_resized_crop": "data.augment",
    "on_images": "data.augment",
    "averaged": "train.averaging",
    "averaged_params": "train.averaging",
    "in_bfloat16": "train.precision",
    "colour_jitter": "data.colour_jitter",
    "mixup": "data.mixup",
    "find_rate": "train.rate_finder",
    "EarlyStopping": "train.early_stopping",
    "fit_alignment": "transfer.subspace",
    "fit_aligned_svm": "transfer.subspace",
    "adda_loss": "transfer.adda",
    "untie_encoders": "transfer.adda",
    "target_variables": "transfer.adda",
    "ADDA_RULES": "transfer.adda",
    "mean_teacher_loss": "transfer.mean_teacher",
    "with_teacher": "transfer.mean_teacher",
    "teacher_variables": "transfer.mean_teacher",
    "random_convolution": "data.random_convolution",
    "fit_eszsl": "transfer.eszsl",
    "fit_direct": "transfer.zero_shot_attributes",
    "fit_indirect": "transfer.zero_shot_attributes",
    "compatibility_loss": "transfer.compatibility",
    "read_csv": "data.attributes",
    "class_vectors": "data.word_vectors",
    "seen_unseen_curve": "measure.seen_unseen",
    "translation_net": "nets.translation",
    "translation_loss": "transfer.translation",
    "TranslationWeights": "transfer.translation",
    "translations": "transfer.translated_images",
    "translation_figure": "transfer.translated_images",
    "multitask_loss": "transfer.multitask",
    "keep_head": "transfer.multitask",
    "FixedWeights": "transfer.task_weights",
    "with_task_weights": "transfer.task_weights",
    "UncertaintyWeights": "transfer.learned_task_weights",
    "GradNorm": "transfer.learned_task_weights",
    "PCGrad": "transfer.gradient_surgery",
    "FrontEnd": "data.mel",
    "mfcc": "data.mel",
    "spec_augment": "data.spec_augment",
    "acoustic_net": "nets.acoustic",
    "make_adaptation": "transfer.speaker",
    "over_runs": "transfer.speaker",
    "speaker_rules": "transfer.speaker",
    "MultitaskNet": "nets.multitask",
    "random_affine": "data.random_affine",
    "weighted_dann_loss": "transfer.weighted_dann",
    "with_shares": "transfer.weighted_dann",
}

__all__ = [
    "ADDA_RULES",
    "Checkpoints",
    "Classifier",
    "Crop",
    "Domain",
    "EarlyStopping",
    "Examples",
    "FixedWeights",
    "FrontEnd",
    "GradNorm",
    "Head",
    "MultitaskNet",
    "PCGrad",
    "Parallel",
    "ResidentFeed",
    "TrainState",
    "TranslationWeights",
    "Trunk",
    "UncertaintyWeights",
    "acoustic_net",
    "adda_loss",
    "adopt",
    "alexnet_2012",
    "alexnet_2014",
    "averaged",
    "averaged_params",
    "centred",
    "channel_means",
    "class_vectors",
    "colour_jitter",
    "compatibility_loss",
    "compile_phases",
    "compile_step",
    "compile_step_by_pmap",
    "copy_layers",
    "cosine",
    "cross_validate",
    "dann_loss",
    "data_mesh",
    "draw_episodes",
    "efficientnet_lite",
    "episode_accuracies",
    "extract",
    "find_rate",
    "fine_tune",
    "first_layers",
    "fit",
    "fit_aligned_svm",
    "fit_alignment",
    "fit_cosine",
    "fit_direct",
    "fit_eszsl",
    "fit_indirect",
    "fit_multilabel_svm",
    "fit_nearest_mean",
    "fit_ridge",
    "fit_softmax",
    "fit_svm",
    "fit_whitening",
    "gtsrb_net",
    "image_batches",
    "in_bfloat16",
    "initial_variables",
    "inverse_decay",
    "keep_head",
    "l2_sp",
    "last_layers",
    "layer_names",
    "load",
    "load_files",
    "load_pretrained",
    "load_speech",
    "make_adaptation",
    "make_step",
    "mean_teacher_loss",
    "mfcc",
    "mixup",
    "mnist_net",
    "multitask_loss",
    "nearest",
    "on_images",
    "over_runs",
    "parameter_groups",
    "plan",
    "probe_head",
    "random_affine",
    "random_convolution",
    "random_crop",
    "random_flip",
    "random_resized_crop",
    "random_shift",
    "read_csv",
    "replicate",
    "reverse_gradient",
    "seen_unseen_curve",
    "sigmoid_cross_entropy",
    "sigmoid_ramp",
    "speaker_rules",
    "spec_augment",
    "stepwise",
    "supervised_loss",
    "svhn_net",
    "target_variables",
    "teacher_variables",
    "translation_figure",
    "translation_loss",
    "translation_net",
    "translations",
    "untie_encoders",
    "voc_average_precision",
    "weighted_dann_loss",
    "with_shares",
    "with_start",
    "with_task_weights",
    "with_teacher",
    "without_trunk",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'jtransfer' has no attribute {name!r}")
    return getattr(import_module(f"jtransfer.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
