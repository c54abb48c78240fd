"""A manifest as a table: CSV or TSV read into cells that know their line and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from PromptOnceLib.errors import ManifestError
from PromptOnceLib.files.names import check_ordinary

COLUMNS = ("image", "volume", "case", "reference", "seed", "prompt", "window", "axis", "slice", "group")
MAX_FILE_BYTES = 64 * 2**20
_SEPARATORS = ("\t", ";", ",")
_MOST_SHOWN = 20


@dataclass(frozen=True)
class Problem:
    """One mistake; line and column count from 1, a column of 0 means the whole line."""

    line: int
    column: int
    name: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{place}{f' ({self.name})' if self.name else ''}: {self.message}"


@dataclass(frozen=True)
class Row:
    """One line of the manifest: text by column, blanks cut off, "" where nothing was given."""

    line: int
    cells: dict[str, str]
    columns: dict[str, int]

    def problem(self, name: str, message: str) -> Problem:
        """A mistake in the cell under the heading `name`."""
        return Problem(self.line, self.columns.get(name, 0), name if name in self.columns else "", message)


def read_table(path: Path) -> tuple[list[Row], list[Problem]]:
    """Rows under the headings COLUMNS, and what is wrong with the table itself.

    UTF-8 with or without byte order mark, or UTF-16 as spreadsheets write it; separated by comma, semicolon or tab,
    whichever the headings use; quoted with double quotes; empty lines do not count. Raises ManifestError for a file
    that cannot be read as such, or without rows or headings.
    """
    text = _text_of(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    lines: list[tuple[int, list[str]]] = []
    problems: list[Problem] = []
    begin = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                lines.append((begin, [field.strip() for field in fields]))
            begin = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(begin, 0, "", f"cannot be read ({error}). Look at its quotation marks."))
    if not lines:
        raise problems_as_error(path, problems) if problems else ManifestError(f"{path.name} is empty.")
    headings = [heading.lower() for heading in lines[0][1]]
    problems += _heading_problems(lines[0][0], headings)
    if len(lines) == 1 and not problems:
        raise ManifestError(f"{path.name} holds headings but no line with an image.")
    rows = []
    for line, fields in lines[1:]:
        if len(fields) != len(headings):
            message = (
                f"has {len(fields)} fields, the headings are {len(headings)}. Quote fields that hold {separator!r}."
            )
            problems.append(Problem(line, 0, "", message))
            continue
        columns = {name: number for number, name in reversed(list(enumerate(headings, start=1)))}
        cells = {name: fields[columns[name] - 1] if name in columns else "" for name in COLUMNS}
        rows.append(Row(line, cells, columns))
    return rows, problems


def problems_as_error(path: Path, problems: Sequence[Problem]) -> ManifestError:
    """One error for all mistakes, in the order of their lines."""
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    shown = [f"  {problem}" for problem in ordered[:_MOST_SHOWN]]
    if len(ordered) > _MOST_SHOWN:
        shown.append(f"  and {len(ordered) - _MOST_SHOWN} more")
    count = "1 mistake" if len(ordered) == 1 else f"{len(ordered)} mistakes"
    return ManifestError("\n".join([f"{path.name} holds {count}; nothing was started:", *shown]))


def _text_of(path: Path) -> str:
    try:
        check_ordinary(path, ManifestError)
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ManifestError(f"{path.name} is too large to be a manifest. Choose a CSV or TSV file.")
        data = path.read_bytes()
    except OSError as error:
        raise ManifestError(f"The manifest {path} cannot be opened: {error.strerror or error}.", repr(error)) from error
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ManifestError(
            f"{path.name}, line {line}: not UTF-8. Save the table as CSV UTF-8.", repr(error)
        ) from error
    if "\0" in text:
        raise ManifestError(f"{path.name} is not a text file. Choose a CSV or TSV file.")
    return text


def _heading_problems(line: int, headings: list[str]) -> list[Problem]:
    problems = []
    for number, heading in enumerate(headings, start=1):
        if heading in headings[: number - 1] and heading:
            problems.append(Problem(line, number, heading, "this heading stands here twice."))
        elif heading not in COLUMNS:
            close = get_close_matches(heading, COLUMNS, 1)
            hint = f"Is {close[0]} meant?" if close else f"Known are: {', '.join(COLUMNS)}."
            problems.append(Problem(line, number, heading, f'there is no column "{heading}". {hint}'))
    if "image" not in headings:
        problems.append(Problem(line, 0, "", "the column image is missing. The first line has to hold the headings."))
    return problems
