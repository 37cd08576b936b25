"""Features of two domains, and their t-SNE projection to the plane."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Embedding:
    """Features of source and target examples under one net, with their classes.

    Attributes:
      source_features: [n, features] numbers.
      target_features: [m, features] numbers.
      source_labels: [n] integers.
      target_labels: [m] integers; only for colouring pictures.

    Raises:
      ValueError: if the shapes do not fit each other.
    """

    source_features: ArrayLike
    target_features: ArrayLike
    source_labels: ArrayLike
    target_labels: ArrayLike

    def __post_init__(self):
        """Check the shapes where the arrays enter."""
        for domain in ("source", "target"):
            features = np.shape(getattr(self, f"{domain}_features"))
            labels = np.shape(getattr(self, f"{domain}_labels"))
            if len(features) != 2 or not features[0] or not features[1]:
                raise ValueError(
                    f"{domain}_features have shape {features}, expected [examples, features] with "
                    f"at least one of each; flatten feature maps to one row an example"
                )
            if labels != features[:1]:
                raise ValueError(
                    f"{domain}_labels have shape {labels}, expected {features[:1]}: one class "
                    f"number for each row of {domain}_features"
                )
        source, target = np.shape(self.source_features)[1], np.shape(self.target_features)[1]
        if source != target:
            raise ValueError(
                f"source_features have {source} columns and target_features {target}, expected as "
                f"many; take both from the same layer"
            )


def project(embedding: Embedding, *, seed: int = 0, limit: int = 500) -> Embedding:
    """Project both domains together to the plane by t-SNE.

    The features are standardised over both domains and the map starts from their first two
    principal components, which keeps the large distances and makes the picture reproducible (van
    der Maaten and Hinton, JMLR 2008; Kobak and Berens, Nature Communications 2019).

    Args:
      embedding: features of both domains, [n, features] and [m, features].
      seed: of the choice of examples and of t-SNE; two embeddings of the same examples keep the
        same ones.
      limit: most examples of each domain to keep.

    Returns:
      The kept examples with features [at most limit, 2] float32 for each domain.

    Raises:
      ValueError: if there are fewer than 4 examples or fewer than 2 features, a feature is not
        finite, or all examples are the same.
    """
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    source = _choose(rng, len(np.asarray(embedding.source_features)), limit)
    target = _choose(rng, len(np.asarray(embedding.target_features)), limit)
    features = np.concatenate(
        [
            np.asarray(embedding.source_features, np.float64)[source],
            np.asarray(embedding.target_features, np.float64)[target],
        ]
    )
    if len(features) < 4 or features.shape[1] < 2:
        raise ValueError(
            f"{len(features)} examples with {features.shape[1]} features, expected at least 4 with "
            f"2 for a picture; give more examples or a wider layer"
        )
    if not np.isfinite(features).all():
        raise ValueError(
            "features hold numbers that are not finite, expected finite ones; check the net that "
            "made them"
        )
    if not np.ptp(features, axis=0).any():
        raise ValueError(
            "all examples have the same features, expected ones that differ; the net has collapsed"
        )
    tsne = TSNE(
        n_components=2,
        init="pca",
        # Perplexity is a number of neighbours: with few examples 30 would be all of them.
        perplexity=min(30.0, (len(features) - 1) / 3),
        random_state=seed,
    )
    # Its threads wait busily: one for every core stand still where other programs have a core.
    with threadpool_limits(1, user_api="openmp"):
        points = tsne.fit_transform(StandardScaler().fit_transform(features))
    return Embedding(
        source_features=points[: len(source)],
        target_features=points[len(source) :],
        source_labels=np.asarray(embedding.source_labels)[source],
        target_labels=np.asarray(embedding.target_labels)[target],
    )


def _choose(rng: np.random.Generator, count: int, limit: int) -> NDArray[np.int64]:
    return np.sort(rng.permutation(count)[:limit])
