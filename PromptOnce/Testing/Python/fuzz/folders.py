"""Manifests, entries of the seed library, exported seeds, and the folders of batches."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import zipfile
from pathlib import Path

import numpy as np
from batch.sample_runs import Sample, leaking, write_sample_run
from batch.studies import write_disk_prompt, write_image
from seeds.archive_files import files_of
from seeds.sample_seeds import sample_seed

from fuzz.mutations import TEXTS, as_bytes, cut, damaged, damaged_lines, json_bytes
from fuzz.runner import Attempt, WrongError
from PromptOnceLib.batch.planning.case_names import is_safe
from PromptOnceLib.batch.planning.manifest import read_manifest
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, PlannedCase, PromptChoice, Selection
from PromptOnceLib.batch.report.run_results import read_run
from PromptOnceLib.batch.report.write_report import write_report, write_run_tables
from PromptOnceLib.batch.run_folder.journal import Journal, JournalEntry
from PromptOnceLib.batch.run_folder.open_run import open_run
from PromptOnceLib.batch.run_folder.records import is_whole
from PromptOnceLib.errors import ManifestError, PromptOnceError, SeedError
from PromptOnceLib.files.stamp import FileStamp
from PromptOnceLib.seeds.archive import export_seeds, import_seeds
from PromptOnceLib.seeds.library import SeedLibrary

_MANIFEST = (
    "image,volume,case,reference,seed,prompt,window,axis,slice,group\n"
    'a.nii.gz,1,first,"a_ref.nii.gz:1",lungs,,lung,axial,3,CT 1\n'
    '"b, c.nii.gz",,,,,prompt.json,,,,\n'
    "a.nii.gz,,third,a_ref.nii.gz,,reference,40/400,k,,\n"
    "a.nii.gz,,,,auto,,,,,"
)


def manifests(samples: Path) -> Attempt:
    """Tables: what is accepted names images that are there, under names that a folder can have, each once."""
    for name in ("a.nii.gz", "b, c.nii.gz", "a_ref.nii.gz"):
        write_image(samples / name)
    write_disk_prompt(samples / "prompt.json")

    def attempt(rng: random.Random, folder: Path) -> bool:
        text = _MANIFEST.replace(",", rng.choice((",", ",", ";", "\t")))
        if rng.random() < 0.5:
            text = _with_odd_cell(text, rng)
        elif rng.random() < 0.7:
            text = damaged_lines(text, rng, ',;\t"')
        content = as_bytes(text)
        if rng.random() < 0.2:
            content = text.encode(rng.choice(("utf-8-sig", "utf-16", "latin-1")), "replace")
        if rng.random() < 0.2:
            content = damaged(content, rng)
        path = samples / f"{folder.name}.csv"
        path.write_bytes(content)
        try:
            cases = read_manifest(path, rng.choice((None, PromptChoice(kind="auto"))), seed_problem=lambda name: None)
        except ManifestError:
            return False
        finally:
            path.rename(folder / "a.csv")
        names = [case.name.casefold() for case in cases]
        if len(set(names)) < len(names) or not all(map(is_safe, names)):
            raise WrongError(f"names that are no names of folders: {names}")
        for case in cases:
            if case.image is None or not case.image.exists():
                raise WrongError(f"{case.name} has no image")
        return True

    return attempt


def _with_odd_cell(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    separator = next((sign for sign in ",;\t" if sign in lines[0]), ",")
    cells = lines[at].split(separator)
    odd = rng.choice((*TEXTS, "a.nii.gz", "prompt.json", "first", "FIRST", "3.5", "a_ref.nii.gz:", "con", "x" * 300))
    cells[rng.randrange(len(cells))] = odd
    lines[at] = separator.join(cells)
    return "\n".join(lines)


def seed_folders(samples: Path) -> Attempt:
    """A library with one entry damaged: that one is left out with a notice, or is a seed in every part."""
    seeds = [sample_seed("A"), sample_seed("B")]

    def attempt(rng: random.Random, folder: Path) -> bool:
        library = SeedLibrary(folder / "library")
        library.save_all(seeds)
        entry = library.folder / seeds[0].id
        path = rng.choice(sorted(entry.iterdir()))
        content, way = path.read_bytes(), rng.random()
        if way < 0.1:
            path.unlink()
        elif path.suffix == ".json" and way < 0.9:
            path.write_bytes(json_bytes(json.loads(content), rng))
        elif way < 0.2:
            path.write_bytes(cut(content, rng))
        else:
            path.write_bytes(damaged(content, rng))
        listing = library.list()
        found = {seed.id for seed in listing.seeds}
        if seeds[1].id not in found or len(listing.seeds) + len(listing.notices) != 2:
            raise WrongError("an entry is lost without a word, or a sound one with it")
        for seed in listing.seeds:
            _check_seed(seed)
        try:
            library.get(seeds[0].id)
        except SeedError:
            return False
        return True

    return attempt


def _check_seed(seed: object) -> None:
    record, frame, masks = seed.record, seed.frame, seed.masks  # type: ignore[attr-defined]
    shapes = {frame.shape, record.shape, *(mask.shape for mask in masks)}
    if len(shapes) != 1 or len(masks) != len(record.objects) or frame.dtype != np.uint8:
        raise WrongError(f"pictures of {shapes} for {len(record.objects)} objects")


def seed_archives(samples: Path) -> Attempt:
    """Exported seeds: nothing gets outside the library, and nothing into it that cannot be read."""
    seeds = [sample_seed("A"), sample_seed("B")]
    export_seeds(seeds, samples / "a.zip")
    whole = (samples / "a.zip").read_bytes()
    files = files_of(seeds[0]) | files_of(seeds[1])

    def attempt(rng: random.Random, folder: Path) -> bool:
        path, way = folder / "a.zip", rng.random()
        sound = way > 0.95
        if sound:
            path.write_bytes(whole)
        elif way < 0.15:
            path.write_bytes(cut(whole, rng))
        elif way < 0.5:
            path.write_bytes(damaged(whole, rng))
        else:
            path.write_bytes(_packed(files, rng))
        library = SeedLibrary(folder / "library")
        try:
            saved = import_seeds(path, library, rng.choice(("refuse", "skip", "rename")))
        except SeedError:
            saved = None
        listing = library.list()
        if listing.notices or {p.name for p in folder.iterdir()} - {"a.zip", "library"}:
            raise WrongError(f"left behind: {listing.notices} {sorted(p.name for p in folder.iterdir())}")
        for seed in listing.seeds:
            _check_seed(seed)
        if sound and (saved is None or len(listing.seeds) < len(seeds)):
            raise WrongError("a sound archive is refused")
        if (saved is None or way < 0.15) and listing.seeds:
            raise WrongError("seeds of an archive that was refused or cut off are in the library")
        return saved is not None

    return attempt


def _packed(files: dict[str, bytes], rng: random.Random) -> bytes:
    """An archive with a file damaged, or called or marked in an odd way."""
    content = dict(files)
    name = rng.choice(sorted(content))
    what = rng.randrange(5)
    if what == 0:
        odd = ("../x", "/etc/x", "a/b/c", f"{name}/..", name.upper(), name + "\0", "C:\\x", *TEXTS)
        content[rng.choice(odd)] = content.pop(name)
    elif what == 1:
        del content[name]
    elif name.endswith(".json"):
        content[name] = json_bytes(json.loads(content[name]), rng)
    else:
        content[name] = damaged(content[name], rng)
    buffer = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(buffer, "w", method) as file:
        for one, data in content.items():
            info = zipfile.ZipInfo(one.encode("utf-8", "replace").decode() or "x")
            info.external_attr = rng.choice((0, 0, 0, 0o120777 << 16, 0o040755 << 16))
            info.compress_type = file.compression
            file.writestr(info, data)
    return buffer.getvalue()


def run_folders(samples: Path) -> Attempt:
    """The folder of a run with a file damaged: taken up, reported, or refused; what is finished is whole."""
    run = samples / "run"
    write_sample_run(run, [Sample("a"), Sample("b", disturb=leaking)], waiting=["c"])
    cases = []
    for name in ("a", "b", "c"):
        image = samples / f"{name}.nii.gz"
        image.write_bytes(b"abc")
        cases.append(PlannedCase(name=name, image=image, files=(image,), prompt=PromptChoice(kind="auto")))
    plan = BatchPlan(selection=Selection(source=samples), cases=tuple(cases))
    stamp = FileStamp(size=3, mtime_ns=1, sha256="0" * 64)
    with open_run(samples / "new", plan, BatchOptions()):
        pass
    for path in (samples / "new").iterdir():
        if path.is_file():
            shutil.copy(path, run / path.name)
    state = Journal(run / "state.jsonl")
    for name in ("a", "b"):
        state.append(JournalEntry(case=name, event="writing", fingerprint="f", files=(stamp,)))
        state.append(JournalEntry(case=name, event="finished"))
    state.close()
    files = sorted(path.relative_to(run) for path in run.rglob("*") if path.is_file() and path.name != "run.lock")

    def attempt(rng: random.Random, folder: Path) -> bool:
        shutil.copytree(run, folder / "run")
        path = folder / "run" / rng.choice(files)
        content, way = path.read_bytes(), rng.random()
        if way < 0.1:
            path.unlink()
        elif way < 0.2:
            path.write_bytes(cut(content, rng))
        elif path.suffix == ".json" and way < 0.8:
            path.write_bytes(json_bytes(json.loads(content), rng))
        elif path.suffix in (".csv", ".jsonl"):
            path.write_bytes(as_bytes(damaged_lines(content.decode(), rng, ',:"')))
        else:
            path.write_bytes(damaged(content, rng))
        taken = _take_up(folder / "run", plan, path if way < 0.2 else None)
        told = _tell(folder / "run", rng)
        if {p.name for p in folder.iterdir()} != {"run"} or os.path.lexists(folder.parent / "x"):
            raise WrongError("files outside the run's folder")
        return taken and told

    return attempt


def _take_up(run: Path, plan: BatchPlan, lost: Path | None) -> bool:
    try:
        with open_run(run, plan, BatchOptions(), resume=True) as found:
            for name in found.finished:
                folder = run / "cases" / name
                if not is_whole(folder) or (lost is not None and lost.parent == folder):
                    raise WrongError(f"{name} counts as finished without {lost}")
    except PromptOnceError:
        return False
    return True


def _tell(run: Path, rng: random.Random) -> bool:
    try:
        results = read_run(run)
        write_run_tables(run, results)
        if rng.random() < 0.2:
            write_report(run, results)
    except PromptOnceError:
        return False
    return True
