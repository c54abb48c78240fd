"""The training itself: epochs, validation, the best weights, and an end where nothing gets better any more."""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from PromptOnceLib.engine.finetune.decoder import box_loss, box_prompts, decode, decoder_of, drift, no_prompts, see
from PromptOnceLib.engine.finetune.training_set import SampleSet, TrainingMask
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.errors import DiskFullError, NotImprovedError, TrainingError
from PromptOnceLib.models.model_card import Role, TrainingSettings
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.segmentation.metrics import dice

_WEIGHT_DECAY = 0.01
_LONGEST_GRADIENT = 1.0
_LOOKED_AT: tuple[Role, ...] = ("validation", "test")

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Epoch:
    """An epoch that is over. loss: its mean. dice: mean of the validation samples. best: of all so far."""

    number: int
    loss: float
    dice: float
    best: bool


@dataclass
class TrainingOutcome:
    """best_epoch: from 1; 0 where no epoch is better than the model as it was. before, after: Dice by case and mask."""

    best_epoch: int = 0
    epochs: int = 0
    before: list[list[float]] = field(default_factory=list)
    after: list[list[float]] = field(default_factory=list)


class FineTuning:
    """Trains the decoder of a tracker's model, whose weights are afterwards what they were.

    tracker: in float32. samples: at least one to learn from and one to validate with. total: pieces of work, if no
    epoch is left out.
    """

    def __init__(self, tracker: Tracker, samples: SampleSet, settings: TrainingSettings) -> None:
        self._tracker, self._set, self._settings = tracker, samples, settings
        self._rng = np.random.default_rng(settings.random_seed)
        self._decoder = decoder_of(tracker)
        self._before = copy.deepcopy(self._decoder)
        self.outcome = TrainingOutcome()
        by_role = samples.samples
        if not by_role["training"] or not by_role["validation"]:
            raise TrainingError("There is nothing to learn from, or nothing to validate with: give more cases.")
        steps = math.ceil(len(by_role["training"]) / settings.batch_size)
        looked_at = sum(len(by_role[role]) for role in _LOOKED_AT)
        again = settings.epochs * (steps + len(by_role["validation"])) + len(by_role["test"])
        self.total = len(samples.frames) + looked_at + again

    def run(self, file: Path) -> Generator[Epoch | None, None, None]:
        """Train, and write the best weights to `file`; `outcome` says how it went.

        Gives an epoch when it is over and None after every other piece of work; may be closed at any time, and then
        writes nothing. Raises NotImprovedError where the loss is no number, DiskFullError.
        """
        decoder, original = self._decoder, self._before.state_dict()
        try:
            for case, index in self._set.frames:
                self._set.encode(case, index)
                yield None
            self.outcome.before = yield from self._scores(_LOOKED_AT)
            best = yield from self._epochs()
            if best is None:
                self.outcome.after = self.outcome.before
                return
            decoder.load_state_dict(best)
            tested = yield from self._scores(("test",))
            self.outcome.after = [new or old for new, old in zip(tested, self.outcome.after, strict=True)]
            self._set.forget()  # on the same disk: a long training must not fail at its end for want of their room
            _write(file, self._tracker.model.network.state_dict())
        finally:
            decoder.load_state_dict(original)

    def _epochs(self) -> Generator[Epoch | None, None, Weights | None]:
        """The weights of the best epoch, None where none is better than no training."""
        settings, decoder, original = self._settings, self._decoder, self._before.state_dict()
        learning = [weights for weights in decoder.parameters() if weights.requires_grad]
        optimiser = torch.optim.AdamW(learning, lr=settings.learning_rate, weight_decay=_WEIGHT_DECAY)
        highest, best = self._mean(self.outcome.before), None
        for number in range(1, settings.epochs + 1):
            losses = []
            for batch in self._batches():
                losses.append(self._step(batch, optimiser, learning))
                yield None
            trained: Weights = copy.deepcopy(decoder.state_dict())
            blended = {name: torch.lerp(original[name], trained[name], settings.blend) for name in trained}
            decoder.load_state_dict(blended)
            found = yield from self._scores(("validation",))
            decoder.load_state_dict(trained)
            value = self._mean(found)
            self.outcome.epochs = number
            if value > highest:
                highest, best = value, blended
                self.outcome.best_epoch, self.outcome.after = number, found
            yield Epoch(number, float(np.mean(losses)), value, self.outcome.best_epoch == number)
            if number - self.outcome.best_epoch >= settings.patience:
                break
        return best

    def _batches(self) -> Iterator[Sequence[TrainingMask]]:
        samples, size = self._set.samples["training"], self._settings.batch_size
        order = self._rng.permutation(len(samples))
        for start in range(0, len(order), size):
            yield [samples[place] for place in order[start : start + size]]

    def _step(
        self, batch: Sequence[TrainingMask], optimiser: torch.optim.Optimizer, learning: list[torch.nn.Parameter]
    ) -> float:
        shapes = [self._set.shape(sample) for sample in batch]
        share = self._settings.jitter
        boxes = [sample.jittered(self._rng, share, shape) for sample, shape in zip(batch, shapes, strict=True)]
        seen = see(self._tracker, [self._set.features(sample) for sample in batch])
        found = decode(self._decoder, seen, box_prompts(self._tracker, boxes, shapes))
        target = torch.cat([self._set.target(sample) for sample in batch]).to(found.logits.device)
        nothing = no_prompts(self._tracker, len(batch))
        with torch.no_grad():
            before = decode(self._before, seen, nothing)
        loss = box_loss(found, target) + drift(decode(self._decoder, seen, nothing), before)
        value = loss.item()
        if not math.isfinite(value):
            raise NotImprovedError("The training went astray, its loss is no number any more: lower the learning rate.")
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(learning, _LONGEST_GRADIENT)
        optimiser.step()
        return value

    def _scores(self, roles: Sequence[Role]) -> Generator[None, None, list[list[float]]]:
        """Dice of what a user would get from the exact boxes, by case and mask; of cases of other roles nothing."""
        found: list[list[float]] = [[] for _ in self._set.cases]
        for sample in (one for role in roles for one in self._set.samples[role]):
            shape, prompt = self._set.shape(sample), ObjectPrompt(box=sample.box)
            output = self._tracker.segment(self._set.features(sample), prompt, shape)
            mask = self._tracker.full_size_mask(output.logits, shape).cpu().numpy()
            value = dice(mask, self._set.mask(sample))
            assert value is not None
            found[sample.case].append(value)
            yield None
        return found

    def _mean(self, found: list[list[float]]) -> float:
        """Of the validation samples."""
        chosen = [values for values, case in zip(found, self._set.cases, strict=True) if case.role == "validation"]
        return float(np.mean([value for values in chosen for value in values]))


def _write(file: Path, weights: Weights) -> None:
    try:
        with file.open("wb") as stream:
            torch.save({"model": weights}, stream)
    except (OSError, RuntimeError) as error:  # PyTorch says so with either
        file.unlink(missing_ok=True)
        raise DiskFullError(
            "The disk for temporary files is full: free some space or set TMPDIR to another folder.", str(error)
        ) from error
