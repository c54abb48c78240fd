"""Data sets of the papers and of your own: where their images and references are."""

from __future__ import annotations

from collections.abc import Mapping

from PromptOnceLib.studies.datasets.data_set import DataSet, StudyCase
from PromptOnceLib.studies.datasets.own import CSV, FOLDER
from PromptOnceLib.studies.datasets.papers import AMOS, COVID, MONTGOMERY

__all__ = ["DATASETS", "DataSet", "StudyCase"]

DATASETS: Mapping[str, DataSet] = {found.name: found for found in (COVID, MONTGOMERY, AMOS, FOLDER, CSV)}
"""By name, in the order in which they are listed."""
