from . import data, measure, nets, recipes, train, transfer
from .data.augment.colour_jitter import colour_jitter as colour_jitter
from .data.augment.geometric import (
    on_images as on_images,
    random_crop as random_crop,
    random_flip as random_flip,
    random_resized_crop as random_resized_crop,
    random_shift as random_shift,
)
from .data.augment.mixup import mixup as mixup
from .data.augment.random_affine import random_affine as random_affine
from .data.augment.random_convolution import random_convolution as random_convolution
from .data.augment.spec_augment import spec_augment as spec_augment
from .data.examples import (
    DataError as DataError,
    Examples as Examples,
)
from .data.feeds.crops import Crop as Crop
from .data.feeds.domain_feed import DomainFeed as DomainFeed, FileDomain as FileDomain
from .data.feeds.file_examples import FileExamples as FileExamples
from .data.feeds.image_batches import image_batches as image_batches
from .data.feeds.image_stream import ImageStream as ImageStream
from .data.feeds.resident import (
    Domain as Domain,
    ResidentFeed as ResidentFeed,
    centred as centred,
    channel_means as channel_means,
)
from .data.image_files import ImageFiles as ImageFiles
from .data.images import resize as resize
from .data.intake.image_folder import (
    ImageFolder as ImageFolder,
    image_folder as image_folder,
)
from .data.loading import (
    load as load,
    load_files as load_files,
    load_masks as load_masks,
    load_speech as load_speech,
)
from .data.mel import (
    FrontEnd as FrontEnd,
    mfcc as mfcc,
)
from .data.sources.attributes import read_csv as read_csv
from .data.sources.word_vectors import class_vectors as class_vectors
from .data.splits import stratified_folds as stratified_folds
from .measure.average_precision import voc_average_precision as voc_average_precision
from .measure.choice import choose as choose
from .measure.seen_unseen import seen_unseen_curve as seen_unseen_curve
from .measure.selection import (
    batch_nuclear_norm as batch_nuclear_norm,
    class_clustering as class_clustering,
    consensus as consensus,
    ensemble_agreement as ensemble_agreement,
    information_maximization as information_maximization,
    soft_neighborhood_density as soft_neighborhood_density,
    source_risk as source_risk,
)
from .nets.acoustic import acoustic_net as acoustic_net
from .nets.alexnet import (
    alexnet_2012 as alexnet_2012,
    alexnet_2014 as alexnet_2014,
)
from .nets.classifier import Classifier as Classifier
from .nets.clip import clip as clip
from .nets.clip_tokenizer import read_clip_tokenizer as read_clip_tokenizer
from .nets.convnext import convnext as convnext
from .nets.domain_statistics import (
    statistics_of_domain as statistics_of_domain,
    statistics_per_domain as statistics_per_domain,
)
from .nets.efficientnet_lite import efficientnet_lite as efficientnet_lite
from .nets.fcn import FCN as FCN, convolutionalise as convolutionalise, unpooled as unpooled
from .nets.ganin import (
    AdaptationNet as AdaptationNet,
    gtsrb_net as gtsrb_net,
    mnist_net as mnist_net,
    svhn_net as svhn_net,
)
from .nets.multitask import MultitaskNet as MultitaskNet
from .nets.parts.trunk import (
    Head as Head,
    Trunk as Trunk,
)
from .nets.resnet import resnet as resnet
from .nets.stablehlo import to_stablehlo as to_stablehlo
from .nets.translation import translation_net as translation_net
from .nets.vit import vit as vit
from .nets.weights.pretrained import load_pretrained as load_pretrained
from .nets.weights.pretrained_clip import pretrained_clip as pretrained_clip
from .nets.weights.pretrained_net import pretrained as pretrained
from .nets.weights.publishing import (
    to_published as to_published,
    write_published as write_published,
)
from .nets.weights.trunks import trunks as trunks
from .recipes.adaptation.feature_methods import fit_feature_methods as fit_feature_methods
from .recipes.adaptation.frozen_outputs import frozen_outputs as frozen_outputs
from .recipes.adaptation.options import Conduct as Conduct, Options as Options
from .recipes.adaptation.problem import Problem as Problem
from .recipes.adaptation.published_trunk import PublishedTrunk as PublishedTrunk
from .recipes.adaptation.run_methods import run_methods as run_methods
from .recipes.audit.audit import Audit as Audit, audit as audit
from .recipes.own_folder.model import Model as Model
from .recipes.own_folder.model_folder import load_model as load_model
from .train.averaging import (
    averaged as averaged,
    averaged_params as averaged_params,
)
from .train.checkpoint import Checkpoints as Checkpoints
from .train.compilation import (
    compile_step as compile_step,
    compile_step_by_pmap as compile_step_by_pmap,
    data_mesh as data_mesh,
    replicate as replicate,
)
from .train.early_stopping import EarlyStopping as EarlyStopping
from .train.loop import fit as fit
from .train.parallel import Parallel as Parallel
from .train.precision import in_bfloat16 as in_bfloat16
from .train.rate_finder import find_rate as find_rate
from .train.run_log import RunLog as RunLog
from .train.runtime import prepare_process as prepare_process
from .train.schedules import (
    cosine as cosine,
    inverse_decay as inverse_decay,
    sigmoid_ramp as sigmoid_ramp,
    stepwise as stepwise,
)
from .train.state import TrainState as TrainState
from .train.step import make_step as make_step
from .transfer.adaptation.adda import (
    ADDA_RULES as ADDA_RULES,
    adda_loss as adda_loss,
    target_variables as target_variables,
    untie_encoders as untie_encoders,
)
from .transfer.adaptation.afn import afn_loss as afn_loss
from .transfer.adaptation.aligned_svm import fit_aligned_svm as fit_aligned_svm
from .transfer.adaptation.cdan import cdan_loss as cdan_loss
from .transfer.adaptation.coral import fit_coral as fit_coral
from .transfer.adaptation.dan import dan_loss as dan_loss
from .transfer.adaptation.dann import dann_loss as dann_loss
from .transfer.adaptation.deep_coral import deep_coral_loss as deep_coral_loss
from .transfer.adaptation.deep_jdot import deep_jdot_loss as deep_jdot_loss
from .transfer.adaptation.domain_statistics import (
    with_source_statistics as with_source_statistics,
)
from .transfer.adaptation.gradient_reversal import reverse_gradient as reverse_gradient
from .transfer.adaptation.jan import jan_loss as jan_loss
from .transfer.adaptation.mcc import mcc_loss as mcc_loss
from .transfer.adaptation.mdd import mdd_loss as mdd_loss
from .transfer.adaptation.mean_teacher import (
    mean_teacher_loss as mean_teacher_loss,
    teacher_variables as teacher_variables,
    with_teacher as with_teacher,
)
from .transfer.adaptation.self_trained_probe import fit_self_trained as fit_self_trained
from .transfer.adaptation.self_training import (
    self_training_loss as self_training_loss,
    with_thresholds as with_thresholds,
)
from .transfer.adaptation.shot import (
    SHOT_RULES as SHOT_RULES,
    shot_loss as shot_loss,
    with_centroids as with_centroids,
)
from .transfer.adaptation.sinkhorn import sinkhorn as sinkhorn
from .transfer.adaptation.standardisation import fit_standardisation as fit_standardisation
from .transfer.adaptation.subspace import fit_alignment as fit_alignment
from .transfer.adaptation.tent import (
    TENT_RULES as TENT_RULES,
    tent_loss as tent_loss,
)
from .transfer.adaptation.translated_images import (
    translation_figure as translation_figure,
    translations as translations,
)
from .transfer.adaptation.translation import (
    TranslationWeights as TranslationWeights,
    translation_loss as translation_loss,
)
from .transfer.adaptation.transport import fit_transport as fit_transport
from .transfer.adaptation.weighted_dann import (
    weighted_dann_loss as weighted_dann_loss,
    with_shares as with_shares,
)
from .transfer.dense_prediction.pixel_loss import (
    from_coarser as from_coarser,
    pixel_loss as pixel_loss,
)
from .transfer.features import estimators as estimators
from .transfer.features.extraction import extract as extract
from .transfer.features.few_shot import (
    draw_episodes as draw_episodes,
    episode_accuracies as episode_accuracies,
    fit_cosine as fit_cosine,
    fit_nearest_mean as fit_nearest_mean,
)
from .transfer.features.linear_fit import ConvergenceWarning as ConvergenceWarning
from .transfer.features.local_devices import over_local_devices as over_local_devices
from .transfer.features.multilabel_probe import fit_multilabel_svm as fit_multilabel_svm
from .transfer.features.probe import (
    cross_validate as cross_validate,
    fit_softmax as fit_softmax,
    fit_svm as fit_svm,
)
from .transfer.features.retrieval import (
    fit_whitening as fit_whitening,
    nearest as nearest,
)
from .transfer.features.ridge import fit_ridge as fit_ridge
from .transfer.finetuning.finetune import (
    compile_phases as compile_phases,
    fine_tune as fine_tune,
    initial_variables as initial_variables,
    probe_head as probe_head,
    without_trunk as without_trunk,
)
from .transfer.finetuning.interpolation import (
    interpolate as interpolate,
    interpolation_curve as interpolation_curve,
    soup as soup,
)
from .transfer.finetuning.l2_sp import (
    l2_sp as l2_sp,
    with_start as with_start,
)
from .transfer.finetuning.layers import (
    adopt as adopt,
    copy_layers as copy_layers,
    first_layers as first_layers,
    last_layers as last_layers,
    layer_names as layer_names,
)
from .transfer.finetuning.lora import LoRA as LoRA
from .transfer.finetuning.moved import (
    read_moved as read_moved,
    write_moved as write_moved,
)
from .transfer.finetuning.regimes import plan as plan
from .transfer.finetuning.speaker import (
    make_adaptation as make_adaptation,
    over_runs as over_runs,
    speaker_rules as speaker_rules,
)
from .transfer.multitask.gradient_surgery import PCGrad as PCGrad
from .transfer.multitask.learned_task_weights import (
    GradNorm as GradNorm,
    UncertaintyWeights as UncertaintyWeights,
)
from .transfer.multitask.loss import (
    keep_head as keep_head,
    multitask_loss as multitask_loss,
)
from .transfer.multitask.task_weights import (
    FixedWeights as FixedWeights,
    with_task_weights as with_task_weights,
)
from .transfer.parameter_groups import parameter_groups as parameter_groups
from .transfer.supervised import (
    sigmoid_cross_entropy as sigmoid_cross_entropy,
    supervised_loss as supervised_loss,
)
from .transfer.zero_shot.attributes import (
    fit_direct as fit_direct,
    fit_indirect as fit_indirect,
)
from .transfer.zero_shot.compatibility import compatibility_loss as compatibility_loss
from .transfer.zero_shot.eszsl import fit_eszsl as fit_eszsl
from .transfer.zero_shot.image_text import (
    fill_prompts as fill_prompts,
    fit_names as fit_names,
)

__version__: str
