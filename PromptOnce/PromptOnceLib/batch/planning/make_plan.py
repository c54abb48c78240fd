"""From a folder, a manifest or a list of images to a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from PromptOnceLib.batch.planning.case_names import name_problem, unique_names
from PromptOnceLib.batch.planning.checks import axis_problem, prompt_file_problem, window_problem
from PromptOnceLib.batch.planning.manifest import SeedProblem, read_manifest
from PromptOnceLib.batch.planning.plan import BatchPlan, PlannedCase, PromptChoice, Selection
from PromptOnceLib.batch.planning.scan_folder import FoundImage, dicom_files_of, files_of, find_images
from PromptOnceLib.errors import InputError, PromptError, SeedError
from PromptOnceLib.files.names import expanded
from PromptOnceLib.imaging.image_file import check_readable
from PromptOnceLib.imaging.volume import Volume

NO_REFERENCE = "No reference was found for this case: there is nothing to compare it with."
MANIFEST_SUFFIXES = (".csv", ".tsv", ".txt")


def make_plan(selection: Selection, seed_problem: SeedProblem | None = None) -> BatchPlan:
    """Plan for a folder or a manifest; nothing is computed.

    seed_problem: what is wrong with the name of a seed, as PromptSources says it; None: nothing ever is. Paths in the
    plan are absolute. Raises InputError, for a manifest ManifestError that lists all mistakes at once.
    """
    if selection.source is None:
        raise InputError("Name a folder or a manifest.")
    selection = _absolute(selection)
    _check_common(selection, seed_problem)
    assert selection.source is not None
    if selection.source.is_dir():
        return _plan_folder(selection, selection.source)
    return _plan_manifest(selection, selection.source, seed_problem)


def plan_images(
    images: Sequence[Path | Volume],
    selection: Selection,
    names: Sequence[str] | None = None,
    seed_problem: SeedProblem | None = None,
) -> tuple[BatchPlan, dict[str, Volume]]:
    """Plan for a list of files, folders of DICOM, and volumes in memory; and these volumes by the names of their cases.

    selection: without a source and patterns. names: for the cases; by default the files' own, and volume-1, volume-2
    and so on. seed_problem: as make_plan takes it. Raises InputError.
    """
    if selection.references is not None:
        raise InputError("A pattern finds references in a folder. Those of a list can be named in a manifest.")
    selection = _absolute(selection)
    _check_common(selection, seed_problem)
    prompt = selection.prompt
    if not images:
        raise InputError("The list of images is empty.")
    if prompt is None or prompt.kind == "reference":
        raise InputError("Images in a list need a seed or a prompt file. References can be named in a manifest.")
    if names is not None and len(names) != len(images):
        raise InputError(f"There are {len(images)} images but {len(names)} names.")
    paths = [None if isinstance(item, Volume) else expanded(item).resolve() for item in images]
    dicom = [() if path is None else _dicom(path) for path in paths]
    default = [
        f"volume-{n}" if path is None else f"series-{n:03}" if files else path.name
        for n, (path, files) in enumerate(zip(paths, dicom, strict=True), start=1)
    ]
    if names is not None:
        _check_names(names)
    unique = list(names or unique_names([PurePath(name) for name in default]))
    cases = tuple(
        PlannedCase(
            name=name,
            image=path,
            files=files or (() if path is None else files_of(path)),
            dicom=bool(files),
            prompt=prompt,
            window=selection.window,
            axis=selection.axis,
        )
        for name, path, files in zip(unique, paths, dicom, strict=True)
    )
    volumes = {name: item for name, item in zip(unique, images, strict=True) if isinstance(item, Volume)}
    return BatchPlan(selection=selection, cases=cases), volumes


def check_unnamed(names: Sequence[str] | None) -> None:
    """Raise InputError for names that go with a list and would do nothing for a folder or a manifest."""
    if names is not None:
        raise InputError("Names go with a list of images. Those of other cases can be given in a manifest, as `case`.")


def _check_names(names: Sequence[str]) -> None:
    """Raise InputError for names of cases that cannot be used as they are, as a manifest refuses them."""
    for problem in filter(None, map(name_problem, names)):
        raise InputError(problem)
    doubled = [name for name, count in Counter(name.casefold() for name in names).items() if count > 1]
    if doubled:
        raise InputError(f'"{doubled[0]}" names several cases. Give each one a name of its own.')


def _dicom(image: Path) -> tuple[Path, ...]:
    check_readable(image)
    return dicom_files_of(image)


def _absolute(selection: Selection) -> Selection:
    """The same with paths that mean the same from every folder."""
    prompt = selection.prompt
    if prompt is not None and prompt.kind == "file":
        prompt = PromptChoice(kind="file", name=str(expanded(prompt.name).resolve()))
    source = None if selection.source is None else expanded(selection.source).resolve()
    return selection.model_copy(update={"source": source, "prompt": prompt})


def _plan_folder(selection: Selection, folder: Path) -> BatchPlan:
    prompt = selection.prompt
    if prompt is None:
        raise InputError("Give a prompt for the images of the folder: a seed, a prompt file, or the references.")
    if prompt.kind == "reference" and selection.references is None:
        raise InputError("The prompt is to come from the references: say which they are, as in {case}_lung.nii.gz.")
    passed_over: list[str] = []
    found = find_images(folder, selection.images, selection.references, passed_over.append)
    missing = _without_reference(found, prompt) if selection.references is not None else ()
    cases = tuple(
        PlannedCase(
            name=item.name,
            image=item.image,
            files=item.files,
            dicom=item.dicom,
            reference=item.reference,
            notices=() if item.reference is not None or selection.references is None else (NO_REFERENCE,),
            prompt=prompt,
            window=selection.window,
            axis=selection.axis,
        )
        for item in found
    )
    return BatchPlan(selection=selection, cases=cases, notices=(*passed_over, *missing))


def _plan_manifest(selection: Selection, path: Path, seed_problem: SeedProblem | None) -> BatchPlan:
    if not path.exists():
        raise InputError(f"{path} does not exist. Check the name and the folder.")
    if path.suffix.lower() not in MANIFEST_SUFFIXES:
        raise InputError(f"{path} is neither a folder nor a manifest (a table {', '.join(MANIFEST_SUFFIXES)}).")
    if selection.images is not None or selection.references is not None:
        raise InputError("A manifest names images and references itself: leave the patterns out.")
    cases = read_manifest(path, selection.prompt, selection.window, selection.axis, seed_problem)
    return BatchPlan(selection=selection, cases=tuple(cases))


def _check_common(selection: Selection, seed_problem: SeedProblem | None = None) -> None:
    """Raise for settings that are wrong for every image."""
    for problem in (window_problem(selection.window), axis_problem(selection.axis)):
        if problem is not None:
            raise InputError(problem)
    if selection.prompt is not None and selection.prompt.kind == "file":
        problem = prompt_file_problem(Path(selection.prompt.name))
        if problem is not None:
            raise PromptError(problem)
    if selection.prompt is not None and selection.prompt.kind == "seed" and seed_problem is not None:
        problem = seed_problem(selection.prompt.name)
        if problem is not None:
            raise SeedError(problem)


def _without_reference(found: Sequence[FoundImage], prompt: PromptChoice) -> tuple[str, ...]:
    """A notice on images without a reference; InputError where the prompts of all were to come from them."""
    missing = [item.name for item in found if item.reference is None]
    if not missing:
        return ()
    named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    if prompt.kind == "reference" and len(missing) == len(found):
        raise InputError(
            f"No reference was found for {named}. Change the pattern of the references, or move the images."
        )
    left = " Without one these have no prompt: they will fail." if prompt.kind == "reference" else ""
    return (f"No reference was found for {named}.{left}",)
