"""What a segmentation gave, for scripts and notebooks."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib.api.images import Labels3D, reference_on
from PromptOnceLib.cases.case import in_stack
from PromptOnceLib.cases.outputs import Outputs, Run, keep_outputs, write_sheet
from PromptOnceLib.errors import InputError, ResultsFolderError
from PromptOnceLib.segmentation import metrics
from PromptOnceLib.segmentation.result import SliceResult, slice_results, totals

if TYPE_CHECKING:
    import SimpleITK as sitk


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What a run gave: complete or, where it was cancelled or its worker failed, as far as it came.

    Attributes
    ----------
    run : Run
        Case and result with everything else, in the library's own terms.
    """

    run: Run

    def __repr__(self) -> str:
        figures = ", ".join(f"{name} {value:.1f} ml" for name, value in self.millilitres.items())
        return f"<Segmentation of {figures}{', cancelled' if self.cancelled else ''}>"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the objects."""
        return tuple(self.run.result.names)

    @property
    def cancelled(self) -> bool:
        """Whether it was ended before the last slice, by a cancel or, as the last notice then says, by a failure.

        Slices that were not computed are empty.
        """
        return self.run.cancelled

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences for the user: what was chosen, and what was done differently than asked."""
        return (*self.run.case.notices, *self.run.notices)

    @property
    def mask(self) -> NDArray[np.uint8]:
        """Mask of the only object: uint8, 0 or 1, axes slice, row, column (k, j, i) on the grid of the image.

        Raises
        ------
        InputError
            Where there are several objects: they are not merged; ask ``masks`` for each.
        """
        if len(self.names) > 1:
            raise InputError(f"There are several objects: take masks[name] for one of {', '.join(self.names)}.")
        return self.run.result.to_volume_order(0)

    @property
    def masks(self) -> dict[str, NDArray[np.uint8]]:
        """Mask of every object by its name, each as ``mask`` has it."""
        return {name: self.run.result.to_volume_order(index) for index, name in enumerate(self.names)}

    @property
    def millilitres(self) -> dict[str, float]:
        """Volume in ml of every object by its name; of a single picture its area in mm² times 1 mm, in ml."""
        spacing = self.run.case.volume.geometry.spacing
        return {
            name: float(totals(self.run.result, spacing, object_index=index).millilitres)
            for index, name in enumerate(self.names)
        }

    @property
    def ml(self) -> float:
        """Volume in ml of all objects together, voxels that several hold counted once."""
        return float(self.run.totals.millilitres)

    @property
    def slices(self) -> list[SliceResult]:
        """One row a slice and object: area, presence, predicted IoU and, with a reference, Dice and Jaccard.

        With several objects the reference of ``segment`` is compared where it names them; ``dice`` compares each.
        """
        references = [self.run.case.reference_of(index) for index in range(len(self.names))]
        return [row for index, one in enumerate(references) for row in slice_results(self.run.result, one, index)]

    @property
    def table(self) -> Any:
        """The rows of ``slices``: a ``pandas.DataFrame`` where pandas is installed, else a list of dicts.

        Columns: object, slice, computed, area (pixels), presence, predicted_iou, dice, jaccard, reference_area
        (pixels). What is not defined is empty (NaN, None).
        """
        rows = [{"object": row.object_name, **_columns(row)} for row in self.slices]
        try:
            return import_module("pandas").DataFrame(rows)
        except ImportError:
            return rows

    def dice(self, reference: Labels3D | None = None, name: str | None = None) -> float:
        """Dice of the whole volume, 0 to 1; NaN where both are empty.

        Parameters
        ----------
        reference : path, array or image, optional
            "FILE" or "FILE:LABEL,LABEL", an array (k, j, i) or an image on the grid of the segmented one; what is not
            0 counts, or of a file that names its objects, the one of the same name. Without it, what ``segment`` was
            given as reference.
        name : str, optional
            Object to compare; without it all of them as one.

        Raises
        ------
        InputError
            Without any reference, or for a name that is no object's.
        GeometryError
            Where the reference does not lie on the grid.
        """
        case, index = self.run.case, None if name is None else self._index(name)
        if reference is not None:
            given = reference_on(reference, case.volume, self.run.notices.append)
            whole, by_name, _ = in_stack(given, case.axis.axis, case.prompt)
            case = replace(case, reference=whole, references=by_name)
        own = None if index is None and len(self.names) > 1 else case.reference_of(index or 0)
        compared = case.reference if own is None else own
        if compared is None:
            raise InputError("There is nothing to compare with: give a reference.")
        found = metrics.dice(self.run.result.in_stack_order(index), compared != 0)
        return float("nan") if found is None else found

    def sitk(self, name: str | None = None) -> sitk.Image:
        """The mask of an object as a SimpleITK image of uint8 that lies where the segmented image does.

        Parameters
        ----------
        name : str, optional
            Of the object; may be left out where there is only one.
        """
        mask = self.mask if name is None else self.run.result.to_volume_order(self._index(name))
        return self.run.case.volume.geometry.to_image(mask)

    def save(self, path: str | Path, csv: str | Path | None = None, sheet: str | Path | None = None) -> None:
        """Write all objects to a file on exactly the grid of the image.

        Parameters
        ----------
        path : str or Path
            Ends in .seg.nrrd (3D Slicer, with names, colours and prompts), or in .nii.gz, .nrrd or .mha for a label
            map with the labels 1, 2, ... in the order of ``names``. What stands there is replaced.
        csv : str or Path, optional
            The table of slices, with a row for each object of a slice.
        sheet : str or Path, optional
            A contact sheet, .png.

        Raises
        ------
        InputError
            Where it is seen at once that something cannot be written; nothing is written then.
        ResultsFolderError
            Where writing itself fails, as on a full disk: all is written elsewhere, lest the work of hours end with
            the script, and the message says where.
        """
        outputs = Outputs(Path(path), None if csv is None else Path(csv), None if sheet is None else Path(sheet))
        outputs.check([])
        kept = keep_outputs(self.run, outputs)
        if kept.elsewhere:
            raise ResultsFolderError(kept.notices[-1])

    def show(self) -> Image.Image:
        """The contact sheet: slices with contours of the objects, dashed ones of the reference.

        Returns
        -------
        PIL.Image.Image
            In a notebook it is shown where it is the last thing in a cell; in a script ``result.show().show()`` opens
            it in a window.
        """
        with tempfile.TemporaryDirectory(prefix="promptonce-") as folder:
            path = Path(folder, "sheet.png")
            write_sheet(self.run, path)
            picture = Image.open(path)
            picture.load()
            return picture

    def _index(self, name: str) -> int:
        if name not in self.names:
            raise InputError(f'There is no object "{name}". There are: {", ".join(self.names)}.')
        return self.names.index(name)


def _columns(row: SliceResult) -> dict[str, Any]:
    names = ("slice", "computed", "area", "presence", "predicted_iou", "dice", "jaccard", "reference_area")
    return {name: getattr(row, name) for name in names}
