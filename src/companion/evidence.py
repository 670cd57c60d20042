"""Checks and verdicts: what every chapter ends with.

A chapter opens a :class:`Report` on a claim, records checks and errata, and the
verdict follows from them by the rules of :meth:`Report.verdict`.  The stored
outputs of the chapters carry the verdicts, and :func:`read_verdicts` reads them
back for the pages that collect them.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy

from companion.claims import Claim, load_claims

VERDICTS = ("holds", "misprint", "corrected", "open", "false")
"""From best to worst.  Anything else raises."""

SCOPES = ("proof", "symbolic", "exact", "adversarial", "randomised", "instance")
"""Kinds of evidence, strongest first."""

PARTS = ("printed", "corrected", "sharper")
"""Which statement a check speaks of."""

MIME = "application/vnd.companion.verdict+json"
"""The output type under which a chapter's stored output carries a verdict."""


class EvidenceError(ValueError):
    """A chapter's checks contradict what it says of them."""


@dataclass(frozen=True)
class Check:
    """One comparison: what was compared, for which part, how, and how it came out.

    ``ratio`` is the worst left side over right side of an inequality, rounded to
    three digits, and None for an equality or a proof; ``result`` says it in words.
    """

    name: str
    part: str
    scope: str
    passed: bool
    result: str
    ratio: float | None = None


@dataclass(frozen=True)
class Erratum:
    """A place where the print is wrong, with the computed witness."""

    place: str
    printed: str
    corrected: str
    witness: str
    harmless: bool


@dataclass
class Report:
    """The evidence on one claim, collected while a chapter runs.

    Parameters
    ----------
    claim_id : str
        An id of ``book/claims``.

    Raises
    ------
    ValueError
        If the id is unknown.

    Examples
    --------
    >>> report = Report("cayci2024/definition-1")
    >>> report.at_most("one below two", 1.0, 2.0, scope="instance").ratio
    0.5
    >>> report.verdict().word
    'holds'
    """

    claim_id: str
    checks: list[Check] = field(default_factory=list)
    errata: list[Erratum] = field(default_factory=list)
    open_because: str = ""

    def __post_init__(self) -> None:
        claims = load_claims()
        if self.claim_id not in claims:
            raise ValueError(f"claim_id must be an id of book/claims, got {self.claim_id!r}")
        self.claim = claims[self.claim_id]

    def equal(
        self, name: str, left, right, *, scope: str, part: str = "printed", tolerance: float = 1e-12
    ) -> Check:
        """Record whether two arrays agree to ``tolerance``, relative to the larger side."""
        return self.within(
            name, relative_gap(left, right), scope=scope, part=part, tolerance=tolerance
        )

    def within(
        self, name: str, gap: float, *, scope: str, part: str = "printed", tolerance: float = 1e-12
    ) -> Check:
        """Record whether a computed gap is at most ``tolerance``.

        The result quotes the tolerance, not the rounding error, which depends
        on the machine; a failure quotes the gap.
        """
        passed = bool(gap <= tolerance)
        result = f"gap below {tolerance:.0e}" if passed else f"gap {gap:.3g}"
        return self._add(Check(name, part, scope, passed, result))

    def at_most(
        self, name: str, left, right, *, scope: str, part: str = "printed", tolerance: float = 1e-12
    ) -> Check:
        """Record whether left <= right everywhere, with the worst ratio.

        ``tolerance`` is the rounding allowed on the ratio, nothing more.
        """
        ratio = worst_ratio(left, right)
        passed = ratio <= 1.0 + tolerance
        rounded = float(f"{ratio:.3g}")
        return self._add(Check(name, part, scope, passed, f"worst ratio {ratio:.3g}", rounded))

    def proved(self, name: str, *, part: str = "printed", where: str) -> Check:
        """Record that the chapter proves a part in full, and under which heading."""
        return self._add(Check(name, part, "proof", True, where))

    def _add(self, check: Check) -> Check:
        if check.part not in PARTS:
            raise ValueError(f"part must be one of {', '.join(PARTS)}; got {check.part!r}")
        if check.scope not in SCOPES:
            raise ValueError(f"scope must be one of {', '.join(SCOPES)}; got {check.scope!r}")
        if not check.passed and check.part != "printed":
            raise EvidenceError(
                f"{check.part} statement fails its check {check.name!r}: {check.result}"
            )
        self.checks.append(check)
        return check

    def erratum(
        self,
        place: str,
        *,
        printed: str,
        corrected: str,
        printed_gap: float,
        corrected_gap: float,
        witness: str,
        harmless: bool,
        tolerance: float = 1e-12,
    ) -> Erratum:
        """Record a place where the print is wrong.

        Parameters
        ----------
        place : str
            Where in the paper.
        printed, corrected : str
            Both readings (Markdown).
        printed_gap, corrected_gap : float
            By how much each reading fails at the witness: the first must exceed
            ``tolerance``, the second must not.
        witness : str
            What was computed, in words.
        harmless : bool
            True for an evident slip that leaves the statement's meaning alone;
            False if the statement itself is false or inconsistent as printed.

        Raises
        ------
        EvidenceError
            If the printed reading passes or the corrected reading fails.
        """
        if not printed_gap > tolerance:
            raise EvidenceError(
                f"{place}: the printed reading passes (gap {printed_gap:.3g}): no erratum"
            )
        if not corrected_gap <= tolerance:
            raise EvidenceError(
                f"{place}: the corrected reading fails too (gap {corrected_gap:.3g})"
            )
        entry = Erratum(place, printed, corrected, f"{witness} ({printed_gap:.3g})", harmless)
        self.errata.append(entry)
        return entry

    def leave_open(self, because: str) -> None:
        """Record that the paper does not prove the claim and that we do not settle it."""
        self.open_because = because

    def verdict(self) -> Verdict:
        """Compute the verdict from what was recorded.

        ``open`` if left open or nothing was checked; else, if an erratum
        touches the statement's meaning, ``corrected`` when a corrected statement
        was checked and ``false`` when none was; else ``false`` if a printed check
        fails; else ``misprint`` if there are harmless errata; else ``holds``.
        """
        harmful = any(not erratum.harmless for erratum in self.errata)
        failed = any(not check.passed for check in self.checks)
        if self.open_because or not self.checks:
            word = "open"
        elif harmful and any(check.part == "corrected" for check in self.checks):
            word = "corrected"
        elif harmful or failed:
            word = "false"
        else:
            word = "misprint" if self.errata else "holds"
        return Verdict(self.claim, word, tuple(self.checks), tuple(self.errata), self.open_because)


@dataclass(frozen=True)
class Verdict:
    """A verdict with the evidence it rests on; displays itself as a strip."""

    claim: Claim
    word: str
    checks: tuple[Check, ...]
    errata: tuple[Erratum, ...]
    open_because: str = ""

    def __post_init__(self) -> None:
        if self.word not in VERDICTS:
            raise ValueError(f"verdict must be one of {', '.join(VERDICTS)}; got {self.word!r}")

    @property
    def sharper(self) -> bool:
        """Whether a statement stronger than the paper's was checked."""
        return any(check.part == "sharper" for check in self.checks)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The kinds of evidence used, strongest first."""
        used = {check.scope for check in self.checks}
        return tuple(scope for scope in SCOPES if scope in used)

    def ratio(self, *parts: str) -> float | None:
        """The worst ratio among the inequalities checked for the given parts."""
        ratios = [c.ratio for c in self.checks if c.part in parts and c.ratio is not None]
        return max(ratios, default=None)

    def record(self) -> dict:
        """Everything, as plain data: what a stored output carries."""
        return {
            "claim": self.claim.id,
            "verdict": self.word,
            "sharper": self.sharper,
            "scopes": list(self.scopes),
            "ratio_printed": self.ratio("printed"),
            "ratio_mended": self.ratio("corrected", "sharper"),
            "open_because": self.open_because,
            "checks": [asdict(check) for check in self.checks],
            "errata": [asdict(erratum) for erratum in self.errata],
        }

    def headline(self) -> str:
        """One line: number, verdict, mark, scope."""
        mark = " + sharper" if self.sharper else ""
        return (
            f"{self.claim.number}: {self.word}{mark} · evidence: {', '.join(self.scopes) or 'none'}"
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/plain": self._text(), "text/html": self._html(), MIME: self.record()}

    def _text(self) -> str:
        width = max((len(check.name) for check in self.checks), default=0)
        rows = [
            f"  {'ok  ' if c.passed else 'FAIL'} {c.part:<9} {c.scope:<11} {c.name:<{width}}  "
            f"{c.result}"
            for c in self.checks
        ]
        reasons = [f"  open because {self.open_because}"] if self.open_because else []
        return "\n".join([self.headline(), *reasons, *rows])

    def _html(self) -> str:
        cells = [
            (c.part, c.scope, c.name, c.result if c.passed else f"fails: {c.result}")
            for c in self.checks
        ]
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in cells
        )
        why = f"<p>Open because {html.escape(self.open_because)}</p>" if self.open_because else ""
        return (
            f'<div class="verdict verdict-{self.word}"><p class="verdict-headline">'
            f"{html.escape(self.headline())}</p>{why}"
            '<div class="scrolls"><table><thead><tr><th>statement</th><th>evidence</th>'
            "<th>check</th><th>result</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></div></div>"
        )


def relative_gap(left, right) -> float:
    """Largest difference of two arrays, relative to the largest entry of either.

    Raises ``EvidenceError`` if the shapes differ or an entry is not finite: a
    comparison that cannot fail is no evidence.
    """
    a, b = _pair(left, right)
    scale = max(numpy.abs(a).max(), numpy.abs(b).max())
    return float(numpy.abs(a - b).max() / scale) if scale > 0 else 0.0


def worst_ratio(left, right) -> float:
    """Largest left over right of two arrays; right must be positive.

    Raises ``EvidenceError`` if the shapes differ, an entry is not finite, or a
    right side is not positive.
    """
    a, b = _pair(left, right)
    if not (b > 0).all():
        raise EvidenceError("the right side of an inequality must be positive to form a ratio")
    return float((a / b).max())


def _pair(left, right) -> tuple[numpy.ndarray, numpy.ndarray]:
    a, b = (numpy.asarray(side, dtype=float) for side in (left, right))
    if a.shape != b.shape and a.ndim and b.ndim:
        raise EvidenceError(f"both sides need one shape, got {a.shape} and {b.shape}")
    if not (a.size and b.size and numpy.isfinite(a).all() and numpy.isfinite(b).all()):
        raise EvidenceError("both sides must hold finite numbers, and some")
    return a, b


def read_verdicts(notebooks: Iterable[Path]) -> dict[str, dict]:
    """Read the verdicts back from the stored outputs of executed chapters.

    Parameters
    ----------
    notebooks : iterable of path
        Executed ``.ipynb`` files.

    Returns
    -------
    dict of str to dict
        Claim id to :meth:`Verdict.record`, with the notebook's path under
        ``notebook``.

    Raises
    ------
    EvidenceError
        If two outputs give a verdict on one claim, or a verdict word is unknown.
    """
    records: dict[str, dict] = {}
    for path in notebooks:
        for record in _records(json.loads(Path(path).read_text(encoding="utf-8"))):
            if record["claim"] in records:
                raise EvidenceError(f"{record['claim']} has two verdicts, the second in {path}")
            if record["verdict"] not in VERDICTS:
                raise EvidenceError(f"{path}: verdict {record['verdict']!r} is none of {VERDICTS}")
            records[record["claim"]] = {**record, "notebook": str(path)}
    return records


def _records(notebook: dict) -> Iterable[dict]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if MIME in output.get("data", {}):
                yield output["data"][MIME]


def format_number(value: float, digits: int = 3) -> str:
    """Format a number for a stored output, the same on every machine.

    Parameters
    ----------
    value : float
    digits : int
        Significant digits.

    Returns
    -------
    str
        Values below 1e-10 in modulus, zero included, print as ``< 1e-10``: what
        is rounding error on one machine may be zero on another.

    Examples
    --------
    >>> format_number(0.123456), format_number(3e-17)
    ('0.123', '< 1e-10')
    """
    if not math.isfinite(value):
        return str(value)
    if abs(value) < 1e-10:
        return "< 1e-10"
    return f"{value:.{digits}g}"
