"""The seed library for Python's console: save, list, match, use as a prompt, and how far a seed can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from PromptOnceLib.cases.case import Case, PromptSource, prepare_case
from PromptOnceLib.errors import PromptOnceError, SeedError
from PromptOnceLib.imaging.stack import parse_axis
from PromptOnceLib.models.registry import ModelFiles, resolve_model
from PromptOnceLib.mrml.seeds import best_match, masks_of_segments, name_scanner, scanner_name
from PromptOnceLib.mrml.volumes import read_volume_node
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.seeds.apply import OLD_STARTS, Searched, SeedSource, accepted_masks
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.fit import By, Fit
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.matching import Match, rank
from PromptOnceLib.seeds.seed import ModelUsed, Seed
from PromptOnceLib.seeds.similarity import Comparison, most_similar
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.worker.session import Session
from PromptOnceLib.workflows.drive import StepDriver
from PromptOnceLib.workflows.round_trip import RoundTripFigures, steps_of_prompt, steps_of_shared_seed
from PromptOnceLib.workflows.start_slice import steps_of_confident_start
from PromptOnceLib.workflows.steps import Step

T = TypeVar("T")
Start = int | Literal["central"] | Searched
Ask = Callable[[Callable[[T], object], Callable[[PromptOnceError], object]], object]
"""Asks the session for something, with what to call with the answer and with an error."""


class SeedMethods:
    """Part of PromptOnceLogicBase. library, everywhere: a folder, None for the one of the panel Seeds."""

    session: Session
    _library_folder: Callable[[], str | None]

    def _library(self, folder: str | Path | None) -> SeedLibrary:
        return SeedLibrary(folder or self._library_folder())

    def _ask(self, ask: Ask[T]) -> T:
        """Ask the session for something and wait, the application staying alive; raises what went wrong."""
        raise NotImplementedError

    def seeds(self, library: str | Path | None = None) -> tuple[Seed, ...]:
        """All seeds of the library by name, each with its record, frame and masks; broken entries are left out."""
        return self._library(library).list().seeds

    def matchSeeds(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        axis: str = "auto",
        target: str | None = None,
        scannerName: str | None = None,  # noqa: N803
        compareFrames: bool = False,  # noqa: N803
        model: str = "nano",
        modelConfig: str | None = None,  # noqa: N803
        device: str = "auto",
        library: str | Path | None = None,
    ) -> list[Match]:
        """The library's seeds as they suit a volume, the best first, each with score, reasons and whether it fits.

        target: only seeds that mark this. scannerName: what you call the volume's scanner, kept on the node; None for
        the name given before. compareFrames: also look at the frames, with the model, where several seeds fit.
        """
        if scannerName is not None:
            name_scanner(volumeNode, scannerName)
        volume, name = read_volume_node(volumeNode), scanner_name(volumeNode)
        index = parse_axis(axis, volume.geometry).axis
        seeds = self._library(library)
        matches = rank(seeds.list().seeds, volume, index, target, name)
        usable = [match.seed for match in matches if match.usable]
        if not compareFrames or len(usable) < 2:
            return matches
        files = resolve_model(model, modelConfig)
        comparison = Comparison.of(seeds, usable, volume, index, files.sha256)
        case = prepare_case(volume, SeedSource((usable[0],)), axis)
        self.session.prepare(files, device, "auto", case.stack, case.prompt.slice)
        found: Any = self._ask(lambda done, fail: self.session.describe((), comparison.frames, done, fail))
        return rank([match.seed for match in matches], volume, index, target, name, comparison.take(found))

    def promptFromSeed(  # noqa: N802
        self,
        name: str | Sequence[str] = "auto",
        volumeNode: Any | None = None,  # noqa: N803
        *,
        start: Start = "central",
        by: By = "prompt",
        fit: Fit | None = None,
        objects: Sequence[str] | None = None,
        axis: str = "auto",
        target: str | None = None,
        model: str = "nano",
        modelConfig: str | None = None,  # noqa: N803
        device: str = "auto",
        firstSlice: int = 0,  # noqa: N803
        lastSlice: int | None = None,  # noqa: N803
        library: str | Path | None = None,
    ) -> SeedSource:
        """A prompt for segmentVolume from seeds of the library: put before the volume's slices, no click needed.

        name: of a seed, of several that are to be used together, or "auto" for the one that suits volumeNode best and
        marks the target. start: the slice after which both passes go; "central", or "similar" for the slice of
        volumeNode that is most similar to the seed's frame, which takes one run of the model's encoder a slice, or
        "confident" for the one on which the model is most confident to see the object right after the seed. firstSlice,
        lastSlice: the range to search for those, as segmentVolume takes it. by: "prompt", the box and points as drawn,
        or "mask", the accepted mask. fit: "millimetres" or "stretch", None for the usual way. objects: names of the
        seed's objects, None for all.

        Raises SeedError where there is no such seed or none fits, InputError for a range that is not in the volume, and
        what a propagation raises.
        """
        start = OLD_STARTS.get(str(start), start)
        if volumeNode is None and (name == "auto" or start in ("similar", "confident")):
            raise SeedError("Name the volume as well: the seed, or where it starts, depends on it.")
        seeds = self._library(library)
        if name == "auto":
            volume = read_volume_node(volumeNode)
            index = parse_axis(axis, volume.geometry).axis
            match, _ = best_match(seeds, volume, index, target, scanner_name(volumeNode))
            chosen: tuple[Seed, ...] = (match.seed,)
        else:
            chosen = tuple(seeds.get(one) for one in ([name] if isinstance(name, str) else name))
        wanted = None if objects is None else tuple(objects)
        if start != "similar" and start != "confident":
            return SeedSource(chosen, start, by, fit, wanted)
        source = SeedSource(chosen, "central", by, fit, wanted)
        case = prepare_case(read_volume_node(volumeNode), source, axis)
        within = Settings(firstSlice, lastSlice).within(len(case.stack.frames))
        files = resolve_model(model, modelConfig)
        return replace(source, start=self._start_of(case, within, start, files, device))

    def saveSeed(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        prompt: PromptSource,
        name: str,
        *,
        frameConfirmed: bool,  # noqa: N803
        segmentationNode: Any | None = None,  # noqa: N803
        segmentIds: Sequence[str] = (),  # noqa: N803
        axis: str = "auto",
        window: str = "auto",
        model: str = "nano",
        modelConfig: str | None = None,  # noqa: N803
        device: str = "auto",
        roundTrip: bool = True,  # noqa: N803
        library: str | Path | None = None,
        **words: Any,
    ) -> Seed:
        """Save a prompt on a slice of a volume, with its mask, as a seed; waits for its round trip.

        prompt: as segmentVolume takes it, but not a seed. frameConfirmed: that you have looked at the slice and it
        shows no name, number or date of a patient; without that nothing is saved. segmentationNode, segmentIds: the
        accepted masks, a segment for each object; without them the model's. words: target, terminology, author,
        licence, note, scanner_name.

        Raises SeedError, PromptError and what segmentVolume raises.
        """
        seeds = self._library(library)
        seeds.check_free(name)
        files = resolve_model(model, modelConfig)
        case = prepare_case(read_volume_node(volumeNode), prompt, axis, None, window)
        if isinstance(case.prompt, SharedSeed):
            raise SeedError("A seed cannot be made of a seed: give a prompt of this volume.")
        masks = self._accepted(volumeNode, case, files, device, segmentationNode, segmentIds)
        words.setdefault("scanner_name", scanner_name(volumeNode))
        used = ModelUsed(name=files.name, sha256=files.sha256)
        seed = make_seed(
            case.volume, case.stack, case.prompt, masks, name=name, model=used, frame_confirmed=frameConfirmed, **words
        )
        seed = seeds.save(seed)
        if not roundTrip or len(case.stack.frames) == 1:
            return seed
        record = self._trip(files, device, steps_of_prompt(case.stack, case.prompt, np.stack(masks).astype(np.uint8)))
        found = record.record(files.name)
        return seed if found is None else replace(seed, record=seeds.edit(seed.id, round_trip=found))

    def seedRoundTrip(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        seed: str | SeedSource = "auto",
        *,
        axis: str = "auto",
        model: str = "nano",
        modelConfig: str | None = None,  # noqa: N803
        device: str = "auto",
        library: str | Path | None = None,
    ) -> RoundTripFigures:
        """How well a seed finds back to its own mask through a volume, without any reference: Dice of every object.

        seed: a name, "auto", or what promptFromSeed gave. The figure of a seed in its own volume is in its record.
        """
        source = self.promptFromSeed(seed, volumeNode, axis=axis, library=library) if isinstance(seed, str) else seed
        case = prepare_case(read_volume_node(volumeNode), source, axis)
        assert isinstance(case.prompt, SharedSeed)
        stored = accepted_masks(source, case.volume.geometry, case.axis.axis)
        return self._trip(
            resolve_model(model, modelConfig), device, steps_of_shared_seed(case.stack, case.prompt, stored)
        )

    def _start_of(self, case: Case, within: range, way: Searched, files: ModelFiles, device: str) -> int:
        """The slice of the range where the seed of a case is to start."""
        seed = case.prompt
        assert isinstance(seed, SharedSeed)
        if way == "confident":
            return self._trip(files, device, steps_of_confident_start(case.stack, seed, within)).slice
        self.session.prepare(files, device, "auto", case.stack, seed.slice)
        frames = (seed.frames[0].frame,)
        found: Any = self._ask(lambda done, fail: self.session.describe(within, frames, done, fail))
        return within[most_similar(found[-1], found[:-1])[0]]

    def _trip(self, files: ModelFiles, device: str, steps: Generator[Step, SegmentationResult, T]) -> T:
        def ask(done: Callable[[T], object], fail: Callable[[PromptOnceError], object]) -> None:
            def ended(found: T | None, error: PromptOnceError | None) -> None:
                if error is not None:
                    fail(error)
                else:
                    assert found is not None
                    done(found)

            StepDriver(self.session, files, device, steps, ended).start()

        return self._ask(ask)

    def _accepted(
        self, volume_node: Any, case: Case, files: ModelFiles, device: str, node: Any | None, ids: Sequence[str]
    ) -> list[Any]:
        prompt = case.prompt
        if node is not None:
            return list(masks_of_segments(volume_node, case.axis.axis, prompt.slice, node, ids))
        self.session.prepare(files, device, "auto", case.stack, prompt.slice)
        found: Any = self._ask(lambda done, fail: self.session.preview(prompt, done, fail))
        return [mask > 0 for mask in found.masks]
