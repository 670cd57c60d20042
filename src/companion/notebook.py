"""What every chapter needs of its notebook: one thread, tables, numbers for the prose."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import torch


def prepare(seed: int) -> torch.Generator:
    """Make the notebook's results reproducible and return its source of randomness.

    Sets one thread and float64.  On one thread of a CPU every operation is
    deterministic, so the costly import behind PyTorch's own switch is spared.

    Parameters
    ----------
    seed : int

    Returns
    -------
    torch.Generator

    Examples
    --------
    >>> prepare(1).initial_seed()
    1
    """
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    return torch.Generator().manual_seed(seed)


def say(**numbers: str) -> None:
    """Store formatted numbers under the names by which the prose quotes them.

    Parameters
    ----------
    **numbers : str
        Already formatted, for example by :func:`companion.evidence.format_number`.

    Raises
    ------
    ValueError
        If a value is not a string: an unformatted number shows rounding errors.
    """
    from IPython.display import display

    # The message that myst_nb.glue publishes, whose import would take seconds.
    prefix = "application/papermill.record/"
    for name, text in numbers.items():
        if not isinstance(text, str):
            raise ValueError(f"{name} must be formatted as a string, got {type(text).__name__}")
        label = {"scrapbook": {"name": name, "mime_prefix": prefix}}
        display({f"{prefix}text/plain": repr(text)}, metadata=label, raw=True)


@dataclass(frozen=True)
class Table:
    """A small table that displays itself as HTML and as text.

    Parameters
    ----------
    headings : sequence of str
    rows : sequence of sequence of str
        Cells already formatted.

    Raises
    ------
    ValueError
        If a row has another number of cells than there are headings.

    Examples
    --------
    >>> print(Table(("t", "gap"), [("1", "0")]).text())
    t  gap
    1  0
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.headings):
                raise ValueError(
                    f"rows must have {len(self.headings)} cells, got {len(row)}: {row}"
                )

    def text(self) -> str:
        """Return the table as aligned text."""
        lines = [self.headings, *self.rows]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.headings))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in self.headings)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return {"text/plain": self.text(), "text/html": f'<div class="scrolls">{table}</div>'}
