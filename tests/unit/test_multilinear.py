"""Multilinear regression: against the paper's steps in dense algebra, and on planted classes."""

import numpy as np
import pytest
import scipy.linalg
from sklearn.metrics import roc_auc_score

from deepfake.features.matrix import InMemoryMatrix
from deepfake.models import gram, multilinear, standardise
from deepfake.models import registry as models
from deepfake.models.registry import Training
from deepfake.workflow import config

PIXELS = 300
SHARED, OWN = 12, 6  # directions in which faces of both classes vary, and of one alone
WHOLE = {"components": "0-1", "C": 1.0, "scaling": "none"}


def planted(n: int, strong: bool = False, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows uint8 (n, PIXELS) and labels: each class varies in directions of its own.

    Those have three times the deviation of the shared ones, or a third of it.
    """
    found, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(PIXELS, SHARED + 2 * OWN)))
    shared, real, fakes = np.split(found.T, [SHARED, SHARED + OWN])
    generator = np.random.default_rng(seed)
    fake = generator.permutation(np.arange(n) % 2 == 0)
    one, two = (20, 60) if strong else (90, 30)
    own = np.where(fake[:, None, None], fakes, real)
    rows = one * generator.normal(size=(n, SHARED)) @ shared
    rows += two * np.einsum("nk,nkp->np", generator.normal(size=(n, OWN)), own)
    return np.clip(np.rint(128 + rows + generator.normal(size=(n, PIXELS))), 0, 255).astype(
        np.uint8
    ), fake


def training(rows: np.ndarray, fake: np.ndarray, scaling: str = "none", **more) -> Training:
    matrix = InMemoryMatrix(rows)
    return Training(matrix, fake, {scaling: gram.compute(matrix, scaling)}, **more)


def by_the_paper(
    rows: np.ndarray, fake: np.ndarray, new: np.ndarray, first: int, last: int
) -> tuple[np.ndarray, np.ndarray]:
    """r of new rows by the paper's steps, one by one, and U+; float rows, components by number."""
    middle = rows[~fake].mean(axis=0)
    bases = []
    for of_class in (rows[~fake], rows[fake]):
        left, sizes, _ = np.linalg.svd((of_class - middle).T, full_matrices=False)
        bases.append((left * sizes)[:, sizes > 1e-9 * sizes[0]])
    count = min(base.shape[1] for base in bases)
    real, fakes = (base[:, :count] for base in bases)
    fakes = fakes * np.where((real * fakes).sum(axis=0) < 0, -1, 1)
    tensor = np.stack([real, fakes], axis=2)
    of_components, _, _ = np.linalg.svd(np.moveaxis(tensor, 1, 0).reshape(count, -1), False)
    of_classes, _, _ = np.linalg.svd(np.moveaxis(tensor, 2, 0).reshape(2, -1), False)
    extended = np.column_stack([of_classes, [1, -1]])
    extended /= np.linalg.norm(extended, axis=1, keepdims=True)
    core = np.einsum("pkc,kl,jc->plj", tensor, of_components, np.linalg.pinv(extended))
    answer = np.linalg.pinv(core[:, first:last].reshape(len(core), -1)) @ (new - middle).T
    found = []
    for one in answer.T:
        _, _, classes = np.linalg.svd(one.reshape(last - first, 3))
        found.append(classes[0] * (-1 if classes[0, 2] < 0 else 1))
    return np.array(found), extended


def same_weights(
    found: np.ndarray, expected: np.ndarray, extended: np.ndarray, atol: float
) -> None:
    """Whether two class vectors are of the same weights of classes; U turns the vectors."""
    ours = found @ np.linalg.pinv(multilinear.EXTENDED)
    np.testing.assert_allclose(ours, expected @ np.linalg.pinv(extended), atol=atol)


@pytest.mark.parametrize(
    ("kept", "first", "last"),
    [("0-1", 0, 29), ("0-1/2", 0, 14), ("0.5-1", 14, 29), ("1/7-3/7", 4, 12), ("0-0.001", 0, 1)],
)
def test_what_the_svm_sees_is_what_the_papers_steps_give(kept, first, last) -> None:
    rows, fake = planted(60)
    new, _ = planted(40, seed=1)
    together = np.concatenate([rows, new])
    products = gram.compute(InMemoryMatrix(together), "none")
    components = multilinear.Components(products, np.append(fake, np.ones(40, bool)), np.arange(60))
    found = components.class_vectors(kept, np.arange(60, 100)) @ np.linalg.pinv(
        multilinear.EXTENDED
    )
    told, extended = by_the_paper(rows.astype(float), fake, new.astype(float), first, last)
    np.testing.assert_allclose(found, told @ np.linalg.pinv(extended), atol=1e-7)


@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_fewer_features_than_components_give_the_least_coefficients(scaling) -> None:
    """The pseudoinverse of a core tensor whose columns depend on each other."""
    rows, fake = planted(60)
    new, _ = planted(30, seed=1)
    some, of_new = rows[:, ::15], new[:, ::15]
    scaler = standardise.fit(InMemoryMatrix(some), scaling)
    matrix = InMemoryMatrix(np.concatenate([some, of_new]))
    products = gram.compute(matrix, scaling, np.arange(60))
    components = multilinear.Components(products, np.append(fake, np.ones(30, bool)), np.arange(60))
    found = components.class_vectors("0-1", np.arange(60, 90))
    known, asked = (scaler.apply(part.T, 0).T.astype(float) for part in (some, of_new))
    same_weights(found, *by_the_paper(known, fake, asked, 0, 20), atol=1e-4)


def test_the_class_matrix_of_the_paper_only_turns_what_the_svm_sees() -> None:
    rows, fake = planted(60)
    _, extended = by_the_paper(rows.astype(float), fake, rows[:1].astype(float), 0, 29)
    assert not np.allclose(np.abs(extended), np.abs(multilinear.EXTENDED), atol=0.01)
    for found in (extended, multilinear.EXTENDED):
        np.testing.assert_allclose(found @ found.T, multilinear.CLASSES, atol=1e-12)


@pytest.mark.parametrize("strong", [False, True])
def test_a_difference_is_found_in_the_components_where_it_is_planted(strong) -> None:
    """The longest tell it where classes vary most by themselves, later ones where they do least."""
    (rows, fake), (new, label) = planted(200, strong), planted(200, strong, seed=1)
    known = training(rows, fake)
    own, _ = multilinear._sides(known, np.arange(200))
    count = min(np.count_nonzero(~fake[own]) - 1, np.count_nonzero(fake[own]))
    tested = []
    for first in (0, SHARED):
        kept = f"{first}/{count}-{first + OWN}/{count}"
        fitted = models.fit("multilinear", WHOLE | {"components": kept}, known)
        assert fitted.arrays["responses"].shape == (2, OWN, PIXELS)
        said = models.decide(fitted, InMemoryMatrix(new))
        right = ((said > multilinear.THRESHOLD) == label).mean()
        tested.append((roc_auc_score(label, said), right))
    found, other = tested[:: 1 if strong else -1]
    assert min(found) > 0.9
    assert max(other) < 0.65


def test_labels_that_say_nothing_are_not_told() -> None:
    rows, _ = planted(160)
    new, _ = planted(120, seed=1)
    generator = np.random.default_rng(3)
    fake, label = generator.permutation(160) % 2 == 0, generator.permutation(120) % 2 == 0
    fitted = models.fit("multilinear", WHOLE, training(rows, fake))
    said = models.decide(fitted, InMemoryMatrix(new))
    assert abs(roc_auc_score(label, said) - 0.5) < 0.15


@pytest.mark.parametrize("kept", ["0-1", "1/4-3/4"])
def test_signs_of_the_components_change_nothing(kept, monkeypatch) -> None:
    """Any solver gives them at will, of each class by itself."""
    (rows, fake), (new, _) = planted(80), planted(40, seed=1)
    candidate = WHOLE | {"components": kept}
    known = training(rows, fake)
    expected = models.decide(models.fit("multilinear", candidate, known), InMemoryMatrix(new))
    solve, generator = scipy.linalg.eigh, np.random.default_rng(0)

    def turned(*args, **more):
        values, vectors = solve(*args, **more)
        return values, vectors * generator.choice([-1.0, 1.0], len(values))

    monkeypatch.setattr(scipy.linalg, "eigh", turned)
    found = models.decide(models.fit("multilinear", candidate, known), InMemoryMatrix(new))
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_scores_of_a_fold_are_those_of_a_model_fitted_without_it(scaling) -> None:
    rows, fake = planted(90)
    folds = np.arange(90) // 30
    matrix, train, held_out = InMemoryMatrix(rows), np.arange(60), np.arange(60, 90)
    whole = Training(matrix, fake, {scaling: gram.compute(matrix, scaling, train)}, folds)
    candidates = [
        WHOLE | {"scaling": scaling, "components": kept, "C": penalty}
        for kept in ("0-1", "1/3-2/3")
        for penalty in (0.1, 1.0)
    ]
    scores = models.score("multilinear", candidates, whole, train, held_out)
    for candidate, found in zip(candidates, scores, strict=True):
        alone = training(rows[train], fake[train], scaling, folds=folds[train])
        fitted = models.fit("multilinear", candidate, alone)
        expected = models.decide(fitted, InMemoryMatrix(rows[held_out]))
        np.testing.assert_allclose(found, expected, atol=1e-3 if scaling == "standard" else 1e-8)


def sides(fake: np.ndarray, folds: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    matrix = InMemoryMatrix(np.zeros((len(fake), 2), np.uint8))
    return multilinear._sides(Training(matrix, fake, folds=folds), np.arange(len(fake)))


def test_the_svm_learns_from_a_fold_that_the_components_are_not_made_of() -> None:
    fake, folds = np.arange(60) % 2 == 0, np.arange(60) // 10
    own, others = sides(fake, folds)
    assert sorted([*own, *others]) == list(range(60))
    assert set(folds[others]) == {5}
    fake = fake | (folds == 5)  # then of one class
    assert set(folds[sides(fake, folds)[1]]) == {4}


@pytest.mark.parametrize("folds", [None, np.full(60, 3)])
def test_of_one_fold_the_last_rows_of_each_class_are_the_svms(folds) -> None:
    fake = np.arange(60) < 20
    own, others = sides(fake, folds)
    assert sorted([*own, *others]) == list(range(60))
    assert list(others) == [*range(16, 20), *range(52, 60)]


@pytest.mark.parametrize("folds", [None, np.arange(20) // 10])
def test_rows_of_which_no_fold_has_both_classes_beside_others_that_do_are_refused(folds) -> None:
    fake = np.arange(20) == 3
    with pytest.raises(ValueError, match="no fold of 20 training rows leaves both classes"):
        sides(fake, folds)
    rows, _ = planted(20)
    with pytest.raises(ValueError, match=r"fewer folds \(split\.folds\.k\)"):
        models.fit("multilinear", WHOLE, training(rows, fake, folds=folds))


@pytest.mark.parametrize("kept", ["1-0", "0.5-0.5", "1/2-3/2", "0-1/0", "0", "a-b", "-1-1", "0:1"])
def test_a_range_that_is_none_is_refused(kept) -> None:
    with pytest.raises(config.ConfigError, match=r"sweep\.multilinear\.components\[0\]"):
        config.load({"sweep": {"multilinear": {"components": kept}}}, "x")


def test_a_machine_that_libsvm_cannot_finish_is_stopped_and_marked(monkeypatch):
    monkeypatch.setattr(multilinear.svm, "most_steps", lambda rows: 3)
    rows, fake = planted(60)
    learned = training(rows, fake)
    models.fit("multilinear", WHOLE | {"C": 1e6}, learned)
    assert "did not converge: libsvm was stopped after 3 steps" in learned.notes[0]
