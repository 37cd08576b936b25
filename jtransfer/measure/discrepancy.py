"""How far apart two domains are, as a classifier sees them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Ganin et al. speak of "a large range of C values". On standardised features the error is flat
# beyond both ends.
_PENALTIES = tuple(10.0**power for power in range(-5, 2))
# Each half must still hold a fitting and a validation part with two examples of each domain.
_FEWEST = 8


def proxy_a_distance(
    source_features: ArrayLike,
    target_features: ArrayLike,
    *,
    seed: int = 0,
    limit: int = 2000,
) -> float:
    """Proxy A-distance: how well a linear classifier tells two domains apart.

    2 (1 - 2 error), where error is that of a linear SVM trained to tell source from target on half
    of an equal-sized mix of both and tested on the other half: 0 when it cannot tell them apart, 2
    when it always can (Ben-David et al. 2007, "Analysis of representations for domain adaptation";
    Ganin et al., JMLR 2016, section 5.1.5).

    It differs from those in three points. The SVM's C is chosen on a validation part of the
    training half, then the SVM is fitted again on that whole half: choosing it on the test half, as
    the papers do, would take the luckiest of several errors and so overstate the distance between
    equal domains. Features are standardised (mean and deviation of the training half). A classifier
    that does worse than chance counts as chance, so that the distance is never below 0.

    Args:
      source_features: [n, features] numbers.
      target_features: [m, features] numbers; m may differ from n.
      seed: of the random choice of examples and of the split.
      limit: most examples of each domain to use, to bound the time.

    Returns:
      A number between 0 and 2.

    Raises:
      ValueError: if the features are not matrices of the same width, hold numbers that are not
        finite, or a domain has fewer than 8 examples.
    """
    source = _checked(source_features, "source_features")
    target = _checked(target_features, "target_features")
    if source.shape[1] != target.shape[1]:
        raise ValueError(
            f"source_features have {source.shape[1]} columns and target_features "
            f"{target.shape[1]}, expected as many; take both from the same layer"
        )
    count = min(len(source), len(target), limit)
    if count < _FEWEST:
        raise ValueError(
            f"{len(source)} source and {len(target)} target examples with limit={limit}, expected "
            f"at least {_FEWEST} of each domain; give more features"
        )

    rng = np.random.default_rng(seed)
    source = source[rng.permutation(len(source))[:count]]
    target = target[rng.permutation(len(target))[:count]]
    half = count // 2
    train = source[:half], target[:half]
    test = source[half:], target[half:]
    fit = source[: half // 2], target[: half // 2]
    validation = source[half // 2 : half], target[half // 2 : half]
    # min keeps the first of equals: the smallest C, so the simplest classifier, wins a tie.
    penalty = min(_PENALTIES, key=lambda c: _error(fit, validation, penalty=c, seed=seed))
    error = _error(train, test, penalty=penalty, seed=seed)
    return float(np.clip(2 * (1 - 2 * error), 0, 2))


def _error(
    train: tuple[NDArray, NDArray], test: tuple[NDArray, NDArray], *, penalty: float, seed: int
) -> float:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    # The primal solver: it converges in a few Newton steps where the dual one needs many thousand
    # passes for a large C. On 2 x 1000 examples of 768 features tol=1e-2 takes 8 steps where 1e-4
    # takes up to 477, for an accuracy within 0.004.
    machine = LinearSVC(C=penalty, dual=False, tol=1e-2, max_iter=10_000, random_state=seed)  # pyright: ignore[reportArgumentType]
    classifier = make_pipeline(StandardScaler(), machine)
    classifier.fit(np.concatenate(train), _domains(train))
    return float(np.mean(classifier.predict(np.concatenate(test)) != _domains(test)))


def _domains(pair: tuple[NDArray, NDArray]) -> NDArray:
    return np.repeat([0, 1], [len(pair[0]), len(pair[1])])


def _checked(features: ArrayLike, name: str) -> NDArray[np.float64]:
    values = np.asarray(features, np.float64)
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(
            f"{name} have shape {values.shape}, expected [examples, features]; flatten feature "
            f"maps with features.reshape(len(features), -1)"
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} hold numbers that are not finite, expected finite ones; check the net that "
            f"made them"
        )
    return values
