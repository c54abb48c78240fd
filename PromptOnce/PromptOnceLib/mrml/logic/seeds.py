"""The seed library for Python's console: save, list, match, use as a prompt, and how far a seed can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.cases.prompt_source import PromptSource
from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.models.registry import ModelFiles, resolve_model
from PromptOnceLib.mrml.logic.worker_access import WorkerAccess
from PromptOnceLib.mrml.seeds import masks_of_segments, name_scanner, scanner_name
from PromptOnceLib.mrml.volumes import read_volume_node
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.seeds.apply import OLD_STARTS, SeedSource, Start, accepted_masks
from PromptOnceLib.seeds.fit import By, Fit
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.matching import Match
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.workflows.choose_seed import SeedChoice, SeedSearch
from PromptOnceLib.workflows.round_trip import RoundTripFigures, steps_of_shared_seed
from PromptOnceLib.workflows.save_seed import steps_of_saving
from PromptOnceLib.workflows.start_slice import steps_of_start


class SeedLogic:
    """Part of Console. library, everywhere: a folder, None for the one that `library_folder` names."""

    def __init__(self, worker: WorkerAccess, library_folder: Callable[[], str | None]) -> None:
        self._worker, self._library_folder = worker, library_folder

    def choose(
        self,
        node: Any,
        volume: Volume,
        axis: str,
        target: str | None,
        files: ModelFiles,
        device: str,
        library: str | Path | None = None,
    ) -> SeedChoice:
        """The seed that suits a volume node, read as `volume`, best. Raises SeedError where none can be used."""
        search = self._search(node, volume, axis, target, library)
        return self._worker.go(files, device, search.steps_of_choice(files))

    def seeds(self, library: str | Path | None = None) -> tuple[Seed, ...]:
        """All seeds of the library by name, each with its record, frame and masks; broken entries are left out."""
        return self.library(library).list().seeds

    def matchSeeds(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        axis: str = "auto",
        target: str | None = None,
        scannerName: str | None = None,  # noqa: N803
        compareFrames: bool = False,  # noqa: N803
        model: str = "auto",
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
        search = self._search(volumeNode, read_volume_node(volumeNode), axis, target, library)
        if not compareFrames:
            return list(search.ranking().matches)
        files = resolve_model(model, modelConfig)
        return list(self._worker.go(files, device, search.steps(files)).matches)

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
        model: str = "auto",
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
        chosen = isinstance(name, str) and name.lower() == "auto"
        if volumeNode is None and (chosen or start in ("similar", "confident")):
            raise SeedError("Name the volume as well: the seed, or where it starts, depends on it.")
        wanted = None if objects is None else tuple(objects)
        if chosen:
            files = resolve_model(model, modelConfig)
            choice = self.choose(volumeNode, read_volume_node(volumeNode), axis, target, files, device, library)
            source = SeedSource((choice.seed,), start, by, fit, wanted, choice.notices)
        else:
            names = [name] if isinstance(name, str) else name
            seeds = self.library(library)
            source = SeedSource(tuple(seeds.get(one) for one in names), start, by, fit, wanted)
        if start != "similar" and start != "confident":
            return source
        case = prepare_case(read_volume_node(volumeNode), source, axis)
        within = Settings(firstSlice, lastSlice).within(len(case.stack.frames))
        found = self._worker.go(resolve_model(model, modelConfig), device, steps_of_start(case, start, within))
        of_start = found.notices[len(case.notices) :]
        return replace(source, start=found.prompt.slice, notices=(*source.notices, *of_start))

    def saveSeed(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        prompt: PromptSource,
        name: str,
        *,
        frameConfirmed: bool,  # noqa: N803
        segmentationNode: Any | None = None,  # noqa: N803
        segmentIds: Sequence[str] | None = None,  # noqa: N803
        axis: str = "auto",
        window: str = "auto",
        model: str = "auto",
        modelConfig: str | None = None,  # noqa: N803
        device: str = "auto",
        roundTrip: bool = True,  # noqa: N803
        library: str | Path | None = None,
        **words: Any,
    ) -> Seed:
        """Save a prompt on a slice of a volume, with its mask, as a seed; waits for its round trip.

        prompt: as segmentVolume takes it, but not a seed. frameConfirmed: that you have looked at the slice and it
        shows no name, number or date of a patient; without that nothing is saved. segmentationNode, segmentIds: the
        accepted masks, a segment for each object (by default all, in their order); without them the model's. words:
        target, terminology, author, licence, note, scanner_name.

        Raises SeedError, PromptError and what segmentVolume raises.
        """
        files = resolve_model(model, modelConfig)
        case = prepare_case(read_volume_node(volumeNode), prompt, axis, None, window)
        accepted = None
        if segmentationNode is not None:
            index = case.prompt.slice
            accepted = masks_of_segments(volumeNode, case.axis.axis, index, segmentationNode, segmentIds)
        words.setdefault("scanner_name", scanner_name(volumeNode))
        steps = steps_of_saving(
            self.library(library),
            case,
            name,
            files,
            accepted=accepted,
            round_trip=roundTrip,
            frame_confirmed=frameConfirmed,
            **words,
        )
        return self._worker.go(files, device, steps)

    def seedRoundTrip(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        seed: str | SeedSource = "auto",
        *,
        axis: str = "auto",
        model: str = "auto",
        modelConfig: str | None = None,  # noqa: N803
        device: str = "auto",
        library: str | Path | None = None,
    ) -> RoundTripFigures:
        """How well a seed finds back to its own mask through a volume, without any reference: Dice of every object.

        seed: a name, "auto", or what promptFromSeed gave. The figure of a seed in its own volume is in its record.
        """
        if isinstance(seed, str):
            source = self.promptFromSeed(
                seed, volumeNode, axis=axis, model=model, modelConfig=modelConfig, device=device, library=library
            )
        else:
            source = seed
        case = prepare_case(read_volume_node(volumeNode), source, axis)
        assert isinstance(case.prompt, SharedSeed)
        stored = accepted_masks(source, case.volume.geometry, case.axis.axis)
        files = resolve_model(model, modelConfig)
        return self._worker.go(files, device, steps_of_shared_seed(case.stack, case.prompt, stored))

    def library(self, folder: str | Path | None = None) -> SeedLibrary:
        """The library in a folder; without one that which the logic was made with."""
        return SeedLibrary(folder or self._library_folder())

    def _search(
        self, node: Any, volume: Volume, axis: str, target: str | None, folder: str | Path | None
    ) -> SeedSearch:
        library = self.library(folder)
        return SeedSearch(library, library.list(), volume, axis, target, scanner_name(node))
