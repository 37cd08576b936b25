"""Choosing a checkpoint or settings without a label of the target.

Each criterion is a number for one model, and `CRITERIA` says whether the higher or the lower is the
better one. None is reliable by itself (Musgrave, Belongie & Lim 2022, "Three new validators"):
report which one chose, and the choice of an oracle beside it; `jtransfer.measure.choice` goes by
several at once.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

CRITERIA: Mapping[str, Literal["lower", "higher"]] = {
    "source_risk": "lower",
    "importance_weighted_risk": "lower",
    "deep_embedded_risk": "lower",
    "reverse_risk": "lower",
    "soft_neighborhood_density": "higher",
    "batch_nuclear_norm": "higher",
    "information_maximization": "higher",
    "class_clustering": "higher",
    "ensemble_agreement": "higher",
    "consensus": "higher",
}


def best(criterion: str, values: ArrayLike) -> int:
    """Position of the best of several models' values, the first among equals.

    Args:
      criterion: a key of `CRITERIA`, which says what is better.
      values: one finite number a model, [models].

    Raises:
      ValueError: if there is no such criterion, no value, or one that is not finite.
    """
    if criterion not in CRITERIA:
        raise ValueError(f"no criterion {criterion!r}; expected one of {', '.join(CRITERIA)}")
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise ValueError(
            f"values {numbers.tolist()}; expected one finite number a model, at least one. Leave "
            "models that diverged out"
        )
    return int(numbers.argmin() if CRITERIA[criterion] == "lower" else numbers.argmax())


def source_risk(losses: ArrayLike) -> float:
    """Mean loss on validation examples of the source; lower is better.

    Args:
      losses: [n] numbers, such as 0 where the model is right and 1 where it is wrong.
    """
    return float(_vector(losses, "losses").mean())


def importance_weighted_risk(losses: ArrayLike, weights: ArrayLike) -> float:
    """Mean of w l over validation examples of the source; lower is better.

    The risk on the target where only the inputs' distribution shifts (IWV; Sugiyama, Krauledat &
    Müller, JMLR 2007).

    Args:
      losses: l [n].
      weights: w [n], from `density_ratio`.
    """
    return float(np.mean(np.multiply(*_weighted(losses, weights))))


def deep_embedded_risk(losses: ArrayLike, weights: ArrayLike) -> float:
    """mean(w l) + eta mean(w) - eta with eta = -Cov(w l, w) / Var(w); lower is better.

    The importance-weighted risk of less variance, w being known to average 1 (DEV; You et al., ICML
    2019). Equal weights leave nothing to control: then it is the weighted risk.

    Args:
      losses: l [n].
      weights: w [n], from `density_ratio`.
    """
    loss, weight = _weighted(losses, weights)
    weighted = loss * weight
    deviation = weight - weight.mean()
    # Weights that are equal but for rounding: the quotient of two roundings could be anything.
    if np.abs(deviation).max() <= 1e-12 * weight.mean():
        return float(weighted.mean())
    eta = -np.mean((weighted - weighted.mean()) * deviation) / np.mean(deviation**2)
    return float(weighted.mean() + eta * (weight.mean() - 1))


def soft_neighborhood_density(
    outputs: ArrayLike, *, temperature: float = 0.05, block: int = 1000
) -> float:
    """How evenly each target example's neighbours are spread around it; higher is better.

    The mean entropy of softmax(cosine similarities to the others / temperature) (SND; Saito et al.,
    ICCV 2021): the log of the number of neighbours that an example has. A model that
    gives all examples one output has the highest value of all.

    Args:
      outputs: class probabilities of target examples, [n, classes] (or their features).
      temperature: of the softmax, positive.
      block: rows whose n similarities are in memory at a time.

    Returns:
      From 0 to log(n - 1), in nats.
    """
    rows = _matrix(outputs, "outputs")
    if len(rows) < 2:
        raise ValueError("there is one example; expected two or more, which are neighbours")
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a positive number, such as 0.05")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(lengths == 0, 1, lengths)
    total = 0.0
    for start in range(0, len(rows), block):
        alike = rows[start : start + block] @ rows.T
        own = np.arange(len(alike))
        # No example is its own neighbour. Left out first: beside it, all others would be as good as
        # nothing at a small temperature.
        alike[own, start + own] = -np.inf
        alike -= alike.max(axis=1, keepdims=True)
        with np.errstate(over="ignore"):  # what becomes minus infinity has no share
            likeness = np.exp(alike / temperature)
        likeness /= likeness.sum(axis=1, keepdims=True)
        total += _entropies(likeness).sum()
    return float(total / len(rows))


def batch_nuclear_norm(probabilities: ArrayLike) -> float:
    """Sum of the singular values of the predictions, over n; higher is better.

    Large for predictions that are both confident and spread over the classes (BNM; Cui et al., CVPR
    2020). Compare it between equal numbers of examples: it falls as 1 / sqrt(n).

    Args:
      probabilities: of the classes, on target examples, [n, classes].
    """
    rows = class_probabilities(probabilities)
    return float(np.linalg.norm(rows, "nuc") / len(rows))


def information_maximization(probabilities: ArrayLike) -> float:
    """Entropy of the mean prediction less the mean entropy of a prediction; higher is better.

    The mutual information of input and prediction (IM; Bridle, Heading & MacKay, NIPS 1991; Krause,
    Perona & Gomes, NIPS 2010).

    Args:
      probabilities: of the classes, on target examples, [n, classes].

    Returns:
      From 0 to log(classes), in nats.
    """
    rows = class_probabilities(probabilities)
    information = _entropies(rows.mean(axis=0)[None])[0] - _entropies(rows).mean()
    return max(float(information), 0.0)  # less is rounding


def class_clustering(
    features: ArrayLike, guesses: ArrayLike, *, classes: int, seed: int = 0
) -> float:
    """How well the guesses are the clusters of the features; higher is better.

    The adjusted mutual information of the guesses on target examples and of k-means on their
    features, with as many clusters as classes (ClassAMI; Musgrave, Belongie & Lim 2022, section 3).
    A model that guesses one class of all examples has 0.

    Args:
      features: of target examples, as the model's classifier is given them, [n, dims].
      guesses: the model's classes of them, [n] integers.
      classes: how many there are.
      seed: of k-means, the best of ten.

    Returns:
      About 0 for guesses that have nothing to do with the clusters, 1 for the same partition.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_mutual_info_score
    from threadpoolctl import threadpool_limits

    rows, guessed = _matrix(features, "features"), np.asarray(guesses)
    if guessed.shape != rows.shape[:1]:
        raise ValueError(
            f"{len(rows)} rows of features and guesses of shape {guessed.shape}; expected a guess "
            "for each, [n]"
        )
    clusters = min(classes, len(np.unique(rows, axis=0)))
    if clusters < 2 or len(np.unique(guessed)) < 2:
        return 0.0
    starts: Any = 10  # scikit-learn's types know of "auto" alone
    # Its threads wait for each other by turning round: on a busy machine for most of the time.
    with threadpool_limits(1, user_api="openmp"):
        found = KMeans(clusters, n_init=starts, random_state=seed).fit_predict(rows)
    return float(adjusted_mutual_info_score(guessed, found))


def ensemble_agreement(guesses: ArrayLike) -> NDArray[np.float64]:
    """How often each of several models guesses as the others do; higher is better.

    Errors of different methods differ, what is right is the same for all; a model that is alone
    with its guesses is likely to be wrong. It says nothing of two models, which agree equally.

    Args:
      guesses: of the models, on the same target examples, [models, n] integers.

    Returns:
      For each model the share of the examples, averaged over the others, on which both guess one
      class: [models], from 0 to 1.

    Raises:
      ValueError: if there are no two models, or no example.
    """
    rows = np.asarray(guesses)
    if rows.ndim != 2 or len(rows) < 2 or not rows.shape[1]:
        raise ValueError(
            f"guesses of shape {rows.shape}; expected those of two or more models on the same "
            "examples, [models, n]"
        )
    alike = np.array([[(one == other).mean() for other in rows] for one in rows])
    return (alike.sum(axis=1) - 1) / (len(rows) - 1)


def consensus(scores: ArrayLike) -> NDArray[np.float64]:
    """How often each of several models guesses what all of them guess together; higher is better.

    Together they guess the class of the highest mean score. Methods that err in different ways are
    right together more often than most of them alone, so that who leaves them leaves what is known.

    Args:
      scores: of the models, on the same target examples, [models, n, classes]: logits or logarithms
        of probabilities.

    Returns:
      For each model the share of the examples of which both guess one class, [models], 0 to 1.

    Raises:
      ValueError: if there is no model or example, or a score is not finite.
    """
    rows = np.asarray(scores, np.float64)
    if rows.ndim != 3 or not rows.size or not np.isfinite(rows).all():
        raise ValueError(
            f"scores of shape {rows.shape}; expected finite ones of one or more models on the same "
            "examples, [models, n, classes]"
        )
    together = rows.mean(axis=0).argmax(axis=1)
    return (rows.argmax(axis=2) == together[None]).mean(axis=1)


def density_ratio(
    source: ArrayLike, target: ArrayLike, examples: ArrayLike, *, seed: int = 0
) -> NDArray[np.float64]:
    """How many times as frequent examples are in the target as in the source.

    p(target | x) / p(source | x), times source examples over target examples, of a logistic
    regression on standardised features (Bickel, Brückner & Scheffer, ICML 2007; DEV takes it so).
    Its C is the one of least log loss in 3-fold cross-validation.

    Args:
      source: features of the source's training examples, [n, dims].
      target: features of the target's, [m, dims].
      examples: features of the source's validation examples, [k, dims].
      seed: of the folds.

    Returns:
      Weights w [k], above 0.

    Raises:
      ValueError: if the features do not fit each other, or a domain has fewer than 3 examples.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    domains = [_matrix(source, "source"), _matrix(target, "target")]
    asked = _matrix(examples, "examples")
    widths = {each.shape[1] for each in (*domains, asked)}
    if len(widths) > 1:
        raise ValueError(
            f"features of {sorted(widths)} columns; expected as many of source, target and "
            "examples, from the same layer"
        )
    sizes = [len(each) for each in domains]
    if min(sizes) < 3:
        raise ValueError(
            f"{sizes[0]} source and {sizes[1]} target examples; expected three or more of each"
        )
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000)),
        {"logisticregression__C": [10.0**power for power in range(-5, 2)]},
        scoring="neg_log_loss",
        cv=StratifiedKFold(3, shuffle=True, random_state=seed),
    )
    search.fit(np.concatenate(domains), np.repeat([0, 1], sizes))
    return np.exp(search.decision_function(asked)) * sizes[0] / sizes[1]


def reverse_risk(
    fit: Callable[[NDArray, NDArray, NDArray, Any], Any],
    predict: Callable[[Any, NDArray], NDArray],
    source: NDArray,
    labels: NDArray,
    target: NDArray,
    *,
    validation: float = 0.1,
    seed: int = 0,
) -> float:
    """Reverse validation: the error of a model that learned from the guesses; lower is better.

    A model adapted from source to target guesses the target's labels; a reverse model, adapted from
    those guesses back to the source without its labels, is tested on source examples that neither
    has seen (Zhong et al. 2010; Ganin et al., JMLR 2016, section 5.1.2).

    Args:
      fit: `fit(examples, labels, unlabelled, start) -> model`: a method of adaptation with the
        settings to be judged; `start` is None, then the first model, from which the paper starts
        the reverse one.
      predict: `predict(model, examples) -> classes [n]`.
      source: [n, ...].
      labels: [n] integers.
      target: [m, ...].
      validation: share of the source that is held out for the test.
      seed: of the choice of it.

    Returns:
      The share of the held-out source examples that the reverse model gets wrong.

    Raises:
      ValueError: if the source does not split into both parts, or has another number of labels.
    """
    held_out = round(validation * len(source))
    if len(labels) != len(source) or not 1 <= held_out < len(source):
        raise ValueError(
            f"{len(source)} source examples, {len(labels)} labels and validation={validation}; "
            "expected a label for each, and at least one example to hold out and one to train on"
        )
    order = np.random.default_rng(seed).permutation(len(source))
    tested, trained = order[:held_out], order[held_out:]
    forward = fit(source[trained], labels[trained], target, None)
    backward = fit(target, predict(forward, target), source[trained], forward)
    return float(np.mean(predict(backward, source[tested]) != labels[tested]))


def _entropies(rows: NDArray) -> NDArray:
    """Entropy of each row, in nats; 0 log 0 is 0."""
    return -(rows * np.log(np.where(rows > 0, rows, 1))).sum(axis=1)


def _weighted(losses: ArrayLike, weights: ArrayLike) -> tuple[NDArray, NDArray]:
    loss, weight = _vector(losses, "losses"), _vector(weights, "weights")
    if len(loss) != len(weight) or (weight < 0).any():
        raise ValueError(
            f"{len(loss)} losses and {len(weight)} weights, the least {weight.min()}; expected one "
            "weight of 0 or more for each loss"
        )
    return loss, weight


def _vector(values: ArrayLike, name: str) -> NDArray[np.float64]:
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise ValueError(
            f"{name} have shape {numbers.shape}; expected one finite number an example, [n]"
        )
    return numbers


def _matrix(values: ArrayLike, name: str) -> NDArray[np.float64]:
    rows = np.asarray(values, np.float64)
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise ValueError(
            f"{name} have shape {rows.shape}; expected a row of finite numbers an example, "
            "[n, columns]"
        )
    return rows


def class_probabilities(values: ArrayLike) -> NDArray[np.float64]:
    """Rows [n, classes] in double precision, each checked to be a distribution.

    Raises:
      ValueError: if a row is none.
    """
    rows = _matrix(values, "probabilities")
    if (rows < 0).any() or not np.allclose(rows.sum(axis=1), 1, atol=1e-3):
        raise ValueError(
            "a row of the probabilities has a negative number or does not sum to 1; expected class "
            "probabilities. Apply softmax to logits first"
        )
    return rows
