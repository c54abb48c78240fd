"""Cases from a manifest, a table with a line for every image; all mistakes are found before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

from PromptOnceLib.batch.planning.case_names import name_problem, unique_names
from PromptOnceLib.batch.planning.checks import axis_problem, prompt_file_problem, reference_problem, window_problem
from PromptOnceLib.batch.planning.manifest_table import Problem, Row, problems_as_error, read_table
from PromptOnceLib.batch.planning.plan import PlannedCase, PromptChoice
from PromptOnceLib.batch.planning.scan_folder import dicom_files_of, files_of
from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.files.names import expanded
from PromptOnceLib.imaging.image_file import check_readable
from PromptOnceLib.segmentation.reference import parse_reference

REFERENCE = "reference"
"""In the column prompt: take box and points from the case's reference."""
AUTO = "auto"
SeedProblem = Callable[[str], str | None]

_LONGEST_NUMBER = 9  # digits of a slice


def read_manifest(
    path: Path,
    prompt: PromptChoice | None,
    window: str = "auto",
    axis: str = "auto",
    seed_problem: SeedProblem | None = None,
) -> list[PlannedCase]:
    """The cases of a manifest, in the order of its lines.

    Columns: image (the only one that is needed), volume (which of several in the image), case (its name), reference
    (FILE[:LABEL,...]), seed (a name of the seed library, or auto) or prompt (a prompt file, or reference), window,
    axis, slice, group. Paths are relative to the manifest. An empty cell stands for what is given here: prompt, window,
    axis. seed_problem: what is wrong with the name of a seed, as PromptSources says it; None: nothing ever is. Raises
    ManifestError that lists every mistake with its line and column.
    """
    rows, problems = read_table(path)
    reader = _Reader(path.parent, prompt, window, axis, seed_problem, problems)
    drafts = [(row, reader.case(row)) for row in rows]
    names = _names(rows, [draft for _, draft in drafts], problems)
    if problems:
        raise problems_as_error(path, problems)
    return [draft.model_copy(update={"name": name}) for (_, draft), name in zip(drafts, names, strict=True)]


class _Reader:
    """Turns rows into cases and collects what is wrong with them."""

    def __init__(
        self,
        folder: Path,
        prompt: PromptChoice | None,
        window: str,
        axis: str,
        seed_problem: SeedProblem | None,
        problems: list[Problem],
    ) -> None:
        self._folder, self._prompt, self._seed_problem = folder, prompt, seed_problem
        self._window, self._axis, self._problems = window, axis, problems

    def case(self, row: Row) -> PlannedCase:
        """The case of a row, its name still as in the table; with stand-ins where the row is wrong."""
        image = self._image(row)
        reference = self._reference(row)
        prompt = self._prompt_of(row, reference)
        self._note(row, "window", window_problem(row.cells["window"]) if row.cells["window"] else None)
        self._note(row, "axis", axis_problem(row.cells["axis"]) if row.cells["axis"] else None)
        dicom = () if image is None else dicom_files_of(image)
        return PlannedCase(
            name=row.cells["case"],
            image=image,
            files=dicom or (() if image is None else files_of(image)),
            dicom=bool(dicom),
            volume=row.cells["volume"] or None,
            reference=reference,
            prompt=prompt,
            window=row.cells["window"] or self._window,
            axis=row.cells["axis"] or self._axis,
            slice=self._slice(row, prompt),
            group=row.cells["group"],
        )

    def _note(self, row: Row, name: str, message: str | None) -> None:
        if message is not None:
            self._problems.append(row.problem(name, message))

    def _image(self, row: Row) -> Path | None:
        if not row.cells["image"]:
            self._note(row, "image", "no image is named.")
            return None
        try:
            image = self._folder / expanded(row.cells["image"])
            check_readable(image)
        except PromptOnceError as error:
            self._note(row, "image", error.message)
            return None
        return image

    def _reference(self, row: Row) -> str | None:
        text = row.cells["reference"]
        if not text:
            return None
        try:
            text = str(expanded(text))
        except PromptOnceError as error:
            self._note(row, "reference", error.message)
            return None
        problem = reference_problem(text, self._folder)
        if problem is not None:
            self._note(row, "reference", problem)
            return None
        path, labels = parse_reference(str(self._folder / text))
        return str(path) + ("" if labels is None else ":" + ",".join(map(str, labels)))

    def _prompt_of(self, row: Row, reference: str | None) -> PromptChoice:
        seed, prompt = row.cells["seed"], row.cells["prompt"]
        chosen = self._prompt
        if seed and prompt:
            self._note(row, "prompt", "a case has either a seed or a prompt, not both.")
        elif seed:
            chosen = PromptChoice(kind="auto") if seed.lower() == AUTO else PromptChoice(kind="seed", name=seed)
            if chosen.kind == "seed" and self._seed_problem is not None:
                self._note(row, "seed", self._seed_problem(seed))
        elif prompt and prompt.lower() == REFERENCE:
            strategy = "paper" if self._prompt is None else self._prompt.strategy
            chosen = PromptChoice(kind="reference", strategy=strategy)
        elif prompt:
            try:
                chosen = PromptChoice(kind="file", name=str(self._folder / expanded(prompt)))
                self._note(row, "prompt", prompt_file_problem(Path(chosen.name)))
            except PromptOnceError as error:
                self._note(row, "prompt", error.message)
        if chosen is None:
            self._note(row, "image", "this case has no prompt: fill the column seed or prompt, or give one for all.")
            return PromptChoice(kind="auto")
        if chosen.kind == "reference" and reference is None and not row.cells["reference"]:
            self._note(row, "reference", "the prompt is to come from the reference, but none is named.")
        return chosen

    def _slice(self, row: Row, prompt: PromptChoice) -> int | None:
        text = row.cells["slice"]
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
            self._note(row, "slice", f'"{text[:40]}" is not the number of a slice, counted from 0.')
            return None
        if prompt.kind == "file":
            self._note(row, "slice", "a prompt file brings its slice: leave this empty.")
            return None
        return int(text)


def _names(rows: Sequence[Row], drafts: Sequence[PlannedCase], problems: list[Problem]) -> list[str]:
    """Names of all cases: those in the table as they are, the others from their files, neutral ones for DICOM."""
    taken: dict[str, int] = {}
    for row in rows:
        name = row.cells["case"]
        problem = name_problem(name) if name else None
        if problem is not None:
            problems.append(row.problem("case", problem))
        elif name and name.casefold() in taken:
            problems.append(row.problem("case", f'"{name}" is already the case of line {taken[name.casefold()]}.'))
        elif name:
            taken[name.casefold()] = row.line
    images = [PurePath(row.cells["image"]) for row in rows]
    neutral = [PurePath(f"series-{number:03}") for number in range(1, len(rows) + 1)]
    unnamed = [i for i, row in enumerate(rows) if not row.cells["case"]]
    derived = unique_names([neutral[i] if drafts[i].dicom else images[i] for i in unnamed])
    names = [row.cells["case"] for row in rows]
    for index, name in zip(unnamed, derived, strict=True):
        number, candidate = 2, name
        while candidate.casefold() in taken:
            candidate, number = f"{name}-{number}", number + 1
        taken[candidate.casefold()] = rows[index].line
        names[index] = candidate
    return names
