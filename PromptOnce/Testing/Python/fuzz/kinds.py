"""All kinds of input by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fuzz import dicom, folders, images, masks, records
from fuzz.runner import Attempt

KINDS: dict[str, Callable[[Path], Attempt]] = {
    "protocol": records.protocol_lines,
    "npy": records.arrays,
    "prompt": records.prompts,
    "manifest": folders.manifests,
    "seed-folder": folders.seed_folders,
    "seed-zip": folders.seed_archives,
    "nifti": images.nifti,
    "nrrd": images.nrrd,
    "metaimage": images.metaimage,
    "pictures": images.pictures,
    "dicom": dicom.dicom,
    "references": masks.references,
    "segmentations": masks.segmentations,
    "run-folder": folders.run_folders,
    "configuration": records.configurations,
}
