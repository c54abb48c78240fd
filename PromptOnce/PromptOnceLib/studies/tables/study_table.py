"""One table of a study, written as CSV for programs and as Markdown and HTML for readers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PromptOnceLib.batch.report.case_view import DASH
from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import failure_sentence, replacing, write_csv_rows
from PromptOnceLib.studies.tables.wording import decimal, p_value, signed

Kind = Literal["text", "count", "value", "difference", "small", "seconds", "p", "printed", "change"]
Cell = str | int | float | None

_WORDS: Mapping[Kind, Callable[[float], str]] = {
    "count": lambda value: f"{value:.0f}",
    "value": lambda value: decimal(value, 2),
    "difference": lambda value: signed(value, 2),
    "small": lambda value: decimal(value, 3),
    "seconds": lambda value: decimal(value, 4),
    "p": p_value,
    # Of different quantities in one column: what is tiny is a p-value.
    "printed": lambda value: p_value(value) if 0 < value < 0.001 else decimal(value, 2 if abs(value) >= 1 else 3),
    "change": lambda value: signed(value, 2 if abs(value) >= 0.005 else 3),
}


@dataclass(frozen=True)
class TableColumn:
    """key: its name in CSV. title: for readers. kind: how readers see its cells."""

    key: str
    title: str
    kind: Kind = "text"

    def words(self, cell: Cell) -> str:
        """A cell for readers; a dash for None."""
        if cell is None:
            return DASH
        return cell if isinstance(cell, str) else _WORDS[self.kind](cell)


@dataclass(frozen=True)
class StudyTable:
    """name: of its files, without ending. note: how to read it, in whole sentences. rows: a cell for every column."""

    name: str
    title: str
    note: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def read(self) -> list[list[str]]:
        """The cells of all rows as readers see them."""
        return [[column.words(cell) for column, cell in zip(self.columns, row, strict=True)] for row in self.rows]

    def as_markdown(self) -> str:
        """Title, table and note; numbers to the right."""
        lines = [
            f"**{self.title}**",
            "",
            _line(column.title for column in self.columns),
            _line("---" if column.kind == "text" else "---:" for column in self.columns),
            *map(_line, self.read),
        ]
        return "\n".join([*lines, "", *([self.note, ""] if self.note else [])])


def write_tables(folder: Path, tables: Sequence[StudyTable]) -> tuple[Path, ...]:
    """Write every table as NAME.csv and NAME.md; return the paths. Raises InputError where one cannot be written.

    In CSV numbers have all their digits and cells without a value are empty.
    """
    paths = []
    for table in tables:
        path = folder / f"{table.name}.csv"
        header = [column.key for column in table.columns]
        write_csv_rows(path, [header, *(["" if cell is None else cell for cell in row] for row in table.rows)])
        beside = folder / f"{table.name}.md"
        with replacing(beside) as temporary:
            temporary.write_text(table.as_markdown(), encoding="utf-8", newline="\n")
        paths += [path, beside]
    return tuple(paths)


def made(folder: Path) -> Path:
    """The folder, made where it is not there. Raises InputError where it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise InputError(failure_sentence(folder, reason), detail=repr(reason)) from reason
    return folder


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
