"""Fit the weights of slice_confidence on phantoms: python -m benchmarks.fit_confidence --phantoms 60.

Slices are taken from volumes that a simulated person corrects, after each of the first interactions; what is fitted is
the slice's Dice, 1 where nothing is found and nothing is there. --real FOLDER reports on real images how well the
confidence ranks slices, --held-out on other phantoms, with the weights that the library has.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from benchmarks.effort import images
from benchmarks.effort_person import Person
from benchmarks.effort_strategies import Desk, corrected, oracle
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.segmentation.slice_confidence import (
    EMPTY_FEATURES,
    FOUND_FEATURES,
    SliceFeatures,
    slice_features,
    wrong_pixels,
)
from training.evaluation.markdown import markdown_table
from training.evaluation.phantoms import phantom_examples
from training.evaluation.scores import CachingTracker, Example, as_shipped

Values = NDArray[np.float64]

FIRST_SEED = 30_000  # of the phantoms; neither training nor any evaluation uses those from here on
FOLDS = 5
_FEWEST = 5  # slices of which a rank correlation says something
_COLUMNS = (
    *(
        f"{what}, {which}{by}"
        for which in ("all", "some", "found")
        for by in ("", ", by predicted IoU")
        for what in ("rank correlation", "worst tenth among first")
    ),
    "wrong pixels on the first slice, of the most on any",
    "the same of any slice",
)
_STEPS = 4  # interactions after which slices are taken
_PENALTY = 1.0  # on squared weights of standardised features


@dataclass(frozen=True)
class State:
    """The open slices of a volume after some interactions. dice: NaN where nothing is found and nothing is there.

    wrong, expected: pixels, true and as the library expects them.
    """

    group: str
    image: str
    interactions: int
    features: SliceFeatures
    predicted_iou: Values
    confidence: Values
    dice: Values
    wrong: NDArray[np.int64]
    expected: Values


def states(tracker: CachingTracker, examples: Iterable[Example]) -> Iterator[State]:
    """Of volumes that a person corrects who sees which slice is the worst."""
    for example in examples:
        with tempfile.TemporaryDirectory() as folder:
            desk = Desk(tracker, Person(example), Path(folder))
            steps = corrected(oracle, Desk.redraw)(desk)
            for number, _ in enumerate(itertools.islice(steps, _STEPS), start=1):
                yield _state(desk, number)


def _state(desk: Desk, number: int) -> State:
    person, example = desk.person, desk.person.example
    open_slices = [index for index in range(len(desk.masks)) if index not in desk.fixed]
    features = slice_features(desk.masks, desk.presence, desk.predicted_iou, desk.fixed)
    nothing = ~(desk.masks.any((1, 2)) | example.reference.any((1, 2)))
    dice = np.array([person.slice_dice(mask, index) for index, mask in enumerate(desk.masks)])
    dice[nothing] = np.nan
    confidence = desk.confidence()
    return State(
        example.group,
        example.image,
        number,
        SliceFeatures(features.found[open_slices], features.empty[open_slices], features.is_empty[open_slices]),
        desk.predicted_iou[open_slices],
        confidence[open_slices],
        dice[open_slices],
        person.wrong_pixels(desk.masks)[open_slices],
        wrong_pixels(desk.masks, confidence)[open_slices],
    )


def fit(features: Values, target: Values) -> tuple[Values, float]:
    """Weights and bias of a logistic model of values from 0 to 1, by Newton's method with a penalty on the weights.

    features: (slices, F). target: (slices,).
    """
    mean, spread = features.mean(0), features.std(0) + 1e-9
    x = np.column_stack([(features - mean) / spread, np.ones(len(features))])
    weights, penalty = np.zeros(x.shape[1]), np.append(np.full(x.shape[1] - 1, _PENALTY), 0.0)
    for _ in range(50):
        estimate = 1 / (1 + np.exp(-(x @ weights)))
        slope = x.T @ (estimate - target) + penalty * weights
        curvature = (x * (estimate * (1 - estimate))[:, None]).T @ x + np.diag(penalty)
        weights -= np.linalg.solve(curvature, slope)
    scaled = weights[:-1] / spread
    return scaled, float(weights[-1] - scaled @ mean)


def _training_set(found: Sequence[State], model: str) -> tuple[Values, Values]:
    """Features and Dice, 1 where nothing is found and nothing is there, of the slices that a model is for."""
    empty = model == "empty"
    features = [getattr(state.features, model)[state.features.is_empty == empty] for state in found]
    target = [np.nan_to_num(state.dice, nan=1.0)[state.features.is_empty == empty] for state in found]
    return np.concatenate(features), np.concatenate(target)


def cross_validated(found: Sequence[State]) -> Iterator[State]:
    """The states with the confidence of models that were fitted on other images."""
    names = sorted({state.image for state in found})
    for fold in range(FOLDS):
        held = {name for number, name in enumerate(names) if number % FOLDS == fold}
        rest = [state for state in found if state.image not in held]
        models = {name: fit(*_training_set(rest, name)) for name in ("found", "empty")}
        for state in (state for state in found if state.image in held):
            own = {name: getattr(state.features, name) @ weights + bias for name, (weights, bias) in models.items()}
            values = np.where(state.features.is_empty, own["empty"], own["found"])
            yield replace(state, confidence=1 / (1 + np.exp(-values)))


def rank_correlation(values: Values, dice: Values) -> float:
    """Spearman's, NaN where one of both is the same everywhere."""
    if len(dice) < 3 or np.ptp(values) == 0 or np.ptp(dice) == 0:
        return float("nan")
    return float(stats.spearmanr(values, dice).statistic)


def worst_found(values: Values, dice: Values) -> tuple[float, float]:
    """Share of the truly worst tenth that is among the first tenth shown, and what chance would give."""
    count = max(1, round(len(dice) / 10))
    shown, worst = (set(np.argsort(one, kind="stable")[:count].tolist()) for one in (values, dice))
    return len(shown & worst) / count, count / len(dice)


def report(found: Sequence[State], interactions: int | None) -> str:
    """Markdown: by group means over states, of all open slices, of those where something is found or is there, and of
    those where something is found; beside predicted IoU alone. interactions: after so many, after any for None.
    """
    chosen = [state for state in found if interactions in (None, state.interactions)]
    lines, rows = [], []
    for group in dict.fromkeys(state.group for state in chosen):
        own = [_figures(state) for state in chosen if state.group == group]
        rows.append(np.nanmean(own, axis=0))
        lines.append(_line(group, len(own), rows[-1]))
    if len(rows) > 1:
        lines.append(_line("mean over sets", len(chosen), np.nanmean(rows, axis=0)))
    return markdown_table(["set", "states", *_COLUMNS], lines)


def _figures(state: State) -> list[float]:
    there = np.isfinite(state.dice)
    dice, figures = np.nan_to_num(state.dice, nan=1.0), list[float]()
    for counted in (np.ones(len(dice), bool), there, ~state.features.is_empty):
        for values in (state.confidence, state.predicted_iou):
            if counted.sum() < _FEWEST:
                figures += [float("nan")] * 2
                continue
            figures.append(rank_correlation(values[counted], dice[counted]))
            figures.append(worst_found(values[counted], dice[counted])[0])
    most = max(1, int(state.wrong.max()))
    return [*figures, state.wrong[state.expected.argmax()] / most, state.wrong.mean() / most]


def _line(name: str, count: int, figures: Values) -> list[str]:
    return [name, str(count), *(f"{value:.2f}" for value in figures)]


def volumes(examples: Iterable[Example]) -> Iterator[Example]:
    """Those of more than one slice."""
    return (example for example in examples if len(example.frames) > 1)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit_confidence", description=__doc__)
    parser.add_argument("--phantoms", type=int, default=60)
    parser.add_argument("--held-out", type=int, default=0, help="report on so many other phantoms in place of fitting")
    parser.add_argument("--real", type=Path, help="report on the images of this folder in place of fitting")
    parser.add_argument("--per-set", type=int, default=4, help="objects of each set of real images, at most")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tracker = as_shipped(resolve_model("nano"))
    if options.real or options.held_out:
        drawn = phantom_examples(options.held_out)
        real = images(options.real, options.per_set) if options.real else iter(())
        found = list(states(tracker, volumes(itertools.chain(drawn, real))))
        for interactions in (1, _STEPS):
            print(f"\nAfter {interactions} interactions\n\n{report(found, interactions)}", flush=True)
        return
    found = list(states(tracker, volumes(phantom_examples(options.phantoms, FIRST_SEED))))
    print(f"{len(found)} states")
    for name, names in (("found", FOUND_FEATURES), ("empty", EMPTY_FEATURES)):
        features, target = _training_set(found, name)
        weights, bias = fit(features, target)
        print(f"\n{name}: {len(target)} slices")
        print("\n".join(f"{one:30} {weight:8.3f}" for one, weight in zip(names, weights, strict=True)))
        print(f"{'bias':30} {bias:8.3f}")
    print(f"\nBy cross-validation\n\n{report(list(cross_validated(found)), None)}")


if __name__ == "__main__":
    main()
