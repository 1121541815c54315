"""Multilinear regression of a face on the principal components of both classes.

Abdali, Vasilescu and Papalexakis 2021, "Deepfake representation with multilinear regression", arXiv
2108.06702. All rows are centred by the mean of the real training rows. The principal components of
the real rows and of the fake rows, as long as their singular values, are a tensor D of features x
components x classes. In the paper's M-mode SVD the matrix of the components is the identity, since
those of a class are orthogonal. That of the classes, U (2 x 2), gets a third column, 1 for real and
-1 for fake, and rows of length 1: U+ (2 x 3). The core tensor is T = D x pinv(U+), for a range of
components. A new row d is described by the two vectors whose outer product is closest to pinv(T) d,
one of components and one of classes; a linear SVM decides by the second, r in R^3.

Here the same is computed from inner products of the rows. Let W (components x 2) be coefficients by
which the components of both classes make d, the least in the norm of G = U+ U+'. Then pinv(T) d is
W U+, and r is U+'g, where g in R^2 follows from the 2 x 2 matrix W'W. U only turns r, to which a
linear SVM is indifferent: it is taken for the identity.

Two signs are arbitrary in the paper. Here a component of the fakes is turned so that its product
with the one of the reals is not below 0, and r so that its third coordinate is not: a sign that is
taken from the vector of the components would depend on the signs of components.

As in the paper the SVM is fitted on rows that the components are not made of, since those are
described without a doubt: not on a validation set, but on a fold of the training rows.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import gram as grams
from deepfake.models import layout, linear, standardise, svm
from deepfake.models.gram import Gram
from deepfake.models.registry import Fitted, Training
from deepfake.models.standardise import Scaler

THRESHOLD = 0.0
LAYOUTS: tuple[layout.Layout, ...] = (
    {
        "responses": ("float64", (2, "components", "features")),
        "centre": ("float64", (2, "components")),
        "weights": ("float64", (3,)),
    },
)
BLOCKS = 5  # of rows that are in one fold
COLUMNS = 256  # of the matrix, multiplied at once
NOISE = 1e-12  # share of the largest variance below which components have none in common
CLASSES = np.array([[1.0, -0.5], [-0.5, 1.0]])  # G, of any U
EXTENDED = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, -1.0]]) / np.sqrt(2)  # U+ of the identity


def _power(exponent: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(CLASSES)
    return (vectors * values**exponent) @ vectors.T


ROOT, INVERSE_ROOT = _power(0.5), _power(-0.5)


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Decision values of held-out rows for each candidate, fitted on the rows `train`."""
    scores: list[np.ndarray] = [np.empty(0)] * len(candidates)
    own, others = _sides(training, train)
    labels = training.fake[others]
    for scaling in dict.fromkeys(candidate["scaling"] for candidate in candidates):
        components = Components(training.grams[scaling], training.fake, own)
        found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for place, candidate in enumerate(candidates):
            if candidate["scaling"] != scaling:
                continue
            kept = candidate["components"]
            if kept not in found:
                both = components.class_vectors(kept, np.concatenate([others, held_out]))
                found[kept] = both[: len(others)], both[len(others) :]
            known, new = found[kept]
            machine = _machine(candidate["C"], known, labels, training.notes, place)
            scores[place] = new @ machine[0] + machine[1]
    return scores


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows: what gives W of a row of raw features, and the SVM's plane."""
    kept, (own, others) = candidate["components"], _sides(training, np.arange(len(training.fake)))
    components = Components(training.grams[candidate["scaling"]], training.fake, own)
    known = components.class_vectors(kept, others)
    labels = training.fake[others]
    weights, intercept = _machine(candidate["C"], known, labels, training.notes, 0)
    combined = components.responses(kept)
    scaler = standardise.fit(training.pixels, candidate["scaling"])
    responses = np.empty((*combined.shape[:2], training.pixels.shape[1]))
    for first, block in training.pixels.blocks(COLUMNS):
        responses[..., first : first + len(block)] = combined @ block.T.astype(np.float64)
    if scaler.scale is not None:
        responses /= np.square(scaler.scale)  # of the components' rows, and of new ones
    centre = responses @ grams.project(training.pixels, Scaler(), components.middle())
    arrays = {"responses": responses, "centre": centre, "weights": weights}
    return Fitted("multilinear", candidate, arrays, {"intercept": intercept})


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Decision values of rows of raw features, float64 (n,)."""
    arrays = fitted.arrays
    found = np.zeros((*arrays["centre"].shape, matrix.shape[0]))
    for first, block in matrix.blocks(COLUMNS):
        part = arrays["responses"][..., first : first + len(block)]
        found += part @ block.astype(np.float64)
    found -= arrays["centre"][..., None]
    return _classes(found) @ arrays["weights"] + fitted.settings["intercept"]


def check(arrays: dict[str, np.ndarray], length: int, record: dict) -> None:
    """Whether the settings of a bundle are whole: see `bundle_schema.check`."""
    layout.demand_settings(record, "intercept")


class Components:
    """The principal components of both classes, as combinations of the rows that they are of.

    Args:
        gram: of n rows. fake: bool (n,), their labels. train: positions of the rows to use.
    """

    def __init__(self, gram: Gram, fake: np.ndarray, train: np.ndarray) -> None:
        self._gram = gram
        real, fakes = self._rows = train[~fake[train]], train[fake[train]]
        self._means = gram.products[:, real].mean(axis=1)
        # of rows that are centred by their own mean one follows from the others
        (first, of_real), (second, of_fakes) = (
            self._principal(real, len(real) - 1),
            self._principal(fakes, len(fakes)),
        )
        self._count = count = min(len(of_real), len(of_fakes))
        first, second = first[:, :count], second[:, :count]
        across = first.T @ self._centred(real, fakes) @ second
        signs = np.where(across.diagonal() < 0, -1.0, 1.0)
        self._vectors = first, second * signs
        self._across = across * signs
        self._lengths = of_real[:count], of_fakes[:count]

    def class_vectors(self, kept: str, rows: np.ndarray) -> np.ndarray:
        """r of the rows at these positions, float64 (rows, 3), by a range of the components."""
        some = self._range(kept)
        products = [
            vectors[:, some].T @ self._centred(own, rows)
            for own, vectors in zip(self._rows, self._vectors, strict=True)
        ]
        return _classes(self._solved(some, np.stack(products)))

    def responses(self, kept: str) -> np.ndarray:
        """What gives W of a row d, by a range of the components, float64 (2, components, n).

        W are the products of these combinations of the n rows with d, less those with the mean
        real row.
        """
        some = self._range(kept)
        own = np.zeros((2, some.stop - some.start, len(self._means)))
        for number, (rows, vectors) in enumerate(zip(self._rows, self._vectors, strict=True)):
            own[number][:, rows] = vectors[:, some].T
        found = self._solved(some, own)
        return found - found.sum(axis=2)[..., None] * self.middle()

    def middle(self) -> np.ndarray:
        """The mean real row as a combination of all rows, float64 (n,)."""
        found = np.zeros(len(self._means))
        found[self._rows[0]] = 1 / len(self._rows[0])
        return found

    def _centred(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Inner products of rows with others, each less the mean real row."""
        found = self._gram.products[np.ix_(rows, others)]
        found -= self._means[others]
        found -= (self._means[rows] - self._means[self._rows[0]].mean())[:, None]
        return found

    def _principal(self, rows: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Components of a class, (rows, r), and their squared lengths, the longest first."""
        import scipy.linalg

        values, vectors = scipy.linalg.eigh(self._centred(rows, rows), overwrite_a=True)
        noise = linear.SCALED_NOISE * values[-1]
        if self._gram.exact:
            noise = linear.EXACT_NOISE * self._gram.products.diagonal()[rows].sum()
        count = min(most, self._gram.rank, np.count_nonzero(values > max(noise, 0.0)))
        return vectors[:, ::-1][:, :count], values[::-1][:count]

    def _range(self, kept: str) -> slice:
        """A range of the components from its shares, like "1/7-1": one at least."""
        first, last = (round(Fraction(share) * self._count) for share in kept.split("-"))
        first = max(0, min(first, self._count - 1))
        return slice(first, min(max(last, first + 1), self._count))

    def _solved(self, some: slice, products: np.ndarray) -> np.ndarray:
        """W, the least in the norm of G, from products with the components, (2, components, m)."""
        across = self._across[some, some]
        count = len(across)
        inner = np.zeros((2, count, 2, count))
        inner[0, :, 1], inner[1, :, 0] = across, across.T
        for number, lengths in enumerate(self._lengths):
            inner[number, :, number] = np.diag(lengths[some])
        # turned by the root of G, the least is that of the ordinary norm
        turned = np.einsum("ai,ikjl,jb->akbl", INVERSE_ROOT, inner, INVERSE_ROOT, optimize=True)
        right = np.tensordot(INVERSE_ROOT, products, 1).reshape(2 * count, products.shape[2])
        noise = NOISE if self._gram.exact else linear.SCALED_NOISE
        found = _least(turned.reshape(2 * count, 2 * count), right, noise)
        return np.tensordot(INVERSE_ROOT, found.reshape(products.shape), 1)


def _least(inner: np.ndarray, right: np.ndarray, noise: float) -> np.ndarray:
    """The least solution of symmetric equations, without directions of less than a share."""
    import scipy.linalg

    values, vectors = scipy.linalg.eigh(inner, overwrite_a=True)
    kept = values > noise * (values[-1] if len(values) else 0.0)
    vectors = vectors[:, kept]
    return vectors @ ((vectors.T @ right) / values[kept][:, None])


def _classes(found: np.ndarray) -> np.ndarray:
    """r of rows, of length 1, float64 (m, 3), from their W, (2, components, m)."""
    squares = np.einsum("akm,bkm->mab", found, found, optimize=True)
    _, vectors = np.linalg.eigh(ROOT @ squares @ ROOT)
    found = vectors[..., -1] @ INVERSE_ROOT @ EXTENDED
    return found * np.where(found[:, 2:] < 0, -1.0, 1.0)


def _sides(training: Training, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the rows for the components, and of those for the SVM: both with both classes.

    Those for the SVM are the last fold that leaves both sides both classes. Where there are not two
    folds they are the last fifth of each class: neighbours, so that few videos are on both sides.
    """
    fake, numbers = training.fake[train], np.zeros(len(train), int)
    if training.folds is not None:
        numbers = training.folds[train]
    if not np.ptp(numbers):
        for label in (True, False):
            rows = np.flatnonzero(fake == label)
            numbers[rows] = np.arange(len(rows)) * BLOCKS // len(rows)
    for number in np.unique(numbers)[::-1]:
        others = numbers == number
        if all(0 < fake[side].sum() < side.sum() for side in (others, ~others)):
            return train[~others], train[others]
    raise ValueError(
        f"multilinear: no fold of {len(train)} training rows leaves both classes in it and in the "
        "others, and its SVM learns from a fold of its own; take more videos, or fewer folds "
        "(split.folds.k)"
    )


def _machine(
    penalty: float, known: np.ndarray, fake: np.ndarray, notes: dict[int, str], place: int
) -> tuple[np.ndarray, float]:
    """Weights (3,) and intercept of an SVM; one that did not finish is marked at its place."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import SVC

    steps = svm.most_steps(len(fake))
    machine = SVC(C=penalty, kernel="linear", max_iter=steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(known, fake)
    if machine.fit_status_:
        notes[place] = svm.UNFINISHED.format("libsvm", steps, "steps")
    return machine.coef_[0], float(machine.intercept_[0])
