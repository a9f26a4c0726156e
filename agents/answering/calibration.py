"""Fits the decision to refuse to a collection, on questions of its own whose answers are known.

``fit`` moves the built-in weights of ``agents.answering.abstain`` as far as the questions give reason to: a
logistic regression with the classes balanced, and a ridge that pulls towards the built-in weights
(a Gaussian prior; Bishop 2006, Pattern Recognition and Machine Learning, section 4.5), by Newton's
method. The threshold is then the highest at which the stated share of the answerable questions is
still answered. ``held_out`` says what that is worth on questions it was not fitted on.

Knows nothing of where a calibration is stored or of how questions are measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.answering.abstain import WEIGHTS, answerability
from corpus.errors import UserError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["LEAST", "Calibration", "Figures", "auroc", "calibrate", "enough", "figures", "held_out"]

LEAST = 20  # questions of each kind
_RIDGE = 4.0  # as much as so many questions' worth of doubt about a weight, in standard deviations
_STEPS = 30
_SMALLEST = 1e-9  # change of a weight that is worth a step
_FOLDS = 5
_CURVE = 50  # steps from threshold 0 to 1

Measured = Sequence[tuple[Mapping[str, float], bool]]
"""What ``agents.answering.abstain.features`` gave for each question, and whether it can be answered."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of the answerable questions ``answered`` and of the others ``refused``, and the area
    under the ROC curve (0.5: chance).
    """

    answered: float
    refused: float
    auroc: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a collection's questions are decided on.

    ``curve`` has (threshold, answered, refused) on the questions it was fitted on, ``figures`` the
    same at ``threshold``; ``held_out`` are those of a cross-validation. ``encoder`` is the key of the
    fingerprint whose cosines were measured: with another one it means nothing. ``created`` is a
    date and time in UTC.
    """

    threshold: float
    target: float
    curve: tuple[tuple[float, float, float], ...]
    figures: Figures
    held_out: Figures
    answerable: int
    unanswerable: int
    encoder: str
    created: str
    weights: Mapping[str, float]

    def score(self, measured: Mapping[str, float]) -> float:
        """How probable (0..1) an answer is."""
        return answerability(measured, self.weights)

    def threshold_for(self, share: float) -> float:
        """The highest threshold of the curve that answers at least ``share`` of the answerable."""
        return max((t for t, answered, _ in self.curve if answered >= share), default=0.0)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Calibration:
        """The calibration that ``to_json`` described."""
        nested = {name: Figures(**data[name]) for name in ("figures", "held_out")}
        curve = tuple((float(t), float(a), float(r)) for t, a, r in data["curve"])
        return cls(**{**data, **nested, "curve": curve})


def calibrate(measured: Measured, encoder: str, target: float = 0.9) -> Calibration:
    """Fit weights and threshold.

    Args:
        measured: at least ``LEAST`` of each kind.
        encoder: the key of the fingerprint.
        target: the share (0..1) of the answerable questions that is to be answered.

    Raises:
        UserError: too few questions, or a target that is no share.
    """
    yes, no = enough([answerable for _, answerable in measured], target)
    weights, threshold = _fitted(measured, target)
    steps = (step / _CURVE for step in range(_CURVE + 1))
    found = ((t, figures(measured, weights, t)) for t in steps)
    return Calibration(
        threshold,
        target,
        tuple((t, f.answered, f.refused) for t, f in found),
        figures(measured, weights, threshold),
        held_out(measured, target),
        yes,
        no,
        encoder,
        datetime.now(UTC).isoformat(timespec="seconds"),
        weights,
    )


def enough(answerable: Sequence[bool], target: float) -> tuple[int, int]:
    """How many questions of each kind there are.

    Raises:
        UserError: too few, or a target that is no share.
    """
    if not 0 < target < 1:
        raise UserError(f"the target is {target}; give a share between 0 and 1, such as 0.9")
    yes, no = sum(answerable), len(answerable) - sum(answerable)
    if min(yes, no) < LEAST:
        raise UserError(
            f"there are {yes} questions with an answer and {no} of kind 'unanswerable'; calibration"
            f" needs at least {LEAST} of each"
        )
    return yes, no


def held_out(measured: Measured, target: float) -> Figures:
    """The figures on questions left out of fitting, each once, in five turns; AUROC is their mean.

    Every fifth question of each kind is left out together, so the order of the file decides.
    """
    places = {True: 0, False: 0}
    folds: list[int] = []
    for _, answerable in measured:
        folds.append(places[answerable] % _FOLDS)
        places[answerable] += 1
    answered, refused, areas = [], [], []
    for fold in range(_FOLDS):
        inside = [m for m, f in zip(measured, folds, strict=True) if f != fold]
        outside = [m for m, f in zip(measured, folds, strict=True) if f == fold]
        found = figures(outside, *_fitted(inside, target))
        yes = sum(answerable for _, answerable in outside)
        answered.append(found.answered * yes)
        refused.append(found.refused * (len(outside) - yes))
        areas.append(found.auroc)
    shares = sum(answered) / places[True], sum(refused) / places[False]
    return Figures(*shares, sum(areas) / _FOLDS)


def figures(measured: Measured, weights: Mapping[str, float], threshold: float) -> Figures:
    """What a threshold does on questions of both kinds."""
    yes = [answerability(m, weights) for m, answerable in measured if answerable]
    no = [answerability(m, weights) for m, answerable in measured if not answerable]
    answered = sum(score >= threshold for score in yes) / len(yes)
    refused = sum(score < threshold for score in no) / len(no)
    return Figures(answered, refused, auroc(yes, no))


def auroc(yes: Sequence[float], no: Sequence[float]) -> float:
    """How often (0..1) one of ``yes`` is above one of ``no``; a tie counts half.

    Source: Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve".
    """
    a, b = np.asarray(yes)[:, None], np.asarray(no)[None, :]
    return float(((a > b) + (a == b) / 2).mean())


def _fitted(measured: Measured, target: float) -> tuple[dict[str, float], float]:
    weights = _weights(measured)
    scores = sorted(answerability(m, weights) for m, answerable in measured if answerable)
    refused = int((1 - target) * len(scores) + 1e-9)  # as many of the answerable may be refused
    return weights, scores[refused]


def _weights(measured: Measured) -> dict[str, float]:
    names = [name for name in WEIGHTS if name != "bias"]
    x = np.array([[m[name] for name in names] for m, _ in measured])
    y = np.array([answerable for _, answerable in measured], dtype=float)
    spread = x.std(axis=0) + 1e-6
    x = np.column_stack((x / spread, np.ones(len(y))))
    prior = np.array([*(WEIGHTS[n] * s for n, s in zip(names, spread, strict=True)), 0.0])
    prior[-1] = WEIGHTS["bias"]
    balance = np.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    ridge = np.diag([*(_RIDGE for _ in names), 1e-3])  # the bias is free

    def loss(at: Array) -> float:
        signed = np.where(y > 0, -1.0, 1.0) * (x @ at)
        return float(balance @ np.logaddexp(0, signed) + (at - prior) @ ridge @ (at - prior) / 2)

    found = prior.copy()
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ found, -50, 50)))
        slope = x.T @ (balance * (p - y)) + ridge @ (found - prior)
        bend = (x.T * (balance * p * (1 - p))) @ x + ridge
        step = np.linalg.solve(bend, slope)
        while loss(found - step) > loss(found) and np.abs(step).max() > _SMALLEST:
            step = step / 2  # a whole step from far away can lead further away
        found = found - step
    named = {name: float(v / s) for name, v, s in zip(names, found[:-1], spread, strict=True)}
    return {**named, "bias": float(found[-1])}
