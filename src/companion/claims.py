"""Claims: what the two papers state, and what rests on what.

A claim lives in ``book/claims/*.yml`` and never holds a verdict; verdicts are
computed in chapters, by :mod:`companion.evidence`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import networkx
import yaml

NOT_EXAMINED = "not examined"
"""The standing of a claim that has no verdict; never a verdict itself."""

STANDINGS = ("holds", "misprint", "corrected", NOT_EXAMINED, "open", "false")
"""From best to worst; a claim stands no better than the worst that it rests on."""

CLAIMS_FOLDER = Path(__file__).resolve().parents[2] / "book" / "claims"


class ClaimError(ValueError):
    """The files of ``book/claims`` contradict themselves."""


@dataclass(frozen=True)
class Claim:
    """One numbered statement of a paper, as printed.

    Parameters
    ----------
    id : str
        ``paper/kind-number``, for example ``cayci2024/lemma-1``.
    number, title, place : str
        The paper's number, a short name, and where it stands.
    statement : str
        What it says, in our words (Markdown).
    formula : str
        LaTeX, as printed, also where it is wrong; may be empty.
    hypotheses : tuple of str
    uses_statement, uses_proof : tuple of str
        Ids that the statement, and that the printed proof, rest on.
    chapter : str or None
        Path of the chapter below ``book/``, without suffix.
    """

    id: str
    number: str
    title: str
    place: str
    statement: str
    formula: str
    hypotheses: tuple[str, ...]
    uses_statement: tuple[str, ...]
    uses_proof: tuple[str, ...]
    chapter: str | None

    @property
    def paper(self) -> str:
        """The paper's key, the part of the id before the slash."""
        return self.id.split("/")[0]

    @property
    def label(self) -> str:
        """The label under which the book refers to the statement's box."""
        return self.id.replace("/", "-").replace(".", "-")

    @property
    def uses(self) -> tuple[str, ...]:
        """Everything that the statement or its printed proof rests on."""
        return tuple(dict.fromkeys(self.uses_statement + self.uses_proof))


def load_claims(folder: Path | str = CLAIMS_FOLDER) -> dict[str, Claim]:
    """Read the claims of both papers, in order of appearance.

    Parameters
    ----------
    folder : path
        Holds one YAML file a paper.

    Returns
    -------
    dict of str to Claim

    Raises
    ------
    ClaimError
        If the folder holds no claims, an id stands twice, a claim uses an id
        that does not exist, or claims use each other in a circle.

    Examples
    --------
    >>> load_claims()["cayci2024/lemma-1"].number
    'Lemma 1'
    """
    claims: dict[str, Claim] = {}
    for path in sorted(Path(folder).glob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["claims"]:
            claim = _claim(entry, path)
            if claim.id in claims:
                raise ClaimError(f"claim id {claim.id!r} stands twice")
            claims[claim.id] = claim
    if not claims:
        raise ClaimError(f"folder must hold claims (*.yml), got none in {folder}")
    dependency_graph(claims)
    return claims


def _claim(entry: dict, path: Path) -> Claim:
    wanted = {
        "id",
        "number",
        "title",
        "place",
        "statement",
        "formula",
        "hypotheses",
        "uses",
        "chapter",
    }
    if set(entry) != wanted:
        odd = ", ".join(sorted(wanted ^ set(entry)))
        raise ClaimError(
            f"{path.name}: claim {entry.get('id')!r} has missing or unknown keys: {odd}"
        )
    uses = entry.pop("uses")
    return Claim(
        **{**entry, "hypotheses": tuple(entry["hypotheses"])},
        uses_statement=tuple(uses["statement"]),
        uses_proof=tuple(uses["proof"]),
    )


def dependency_graph(claims: dict[str, Claim]) -> networkx.DiGraph:
    """Build the graph of what rests on what, used claim to using claim.

    Parameters
    ----------
    claims : dict of str to Claim

    Returns
    -------
    networkx.DiGraph
        Each edge has ``kind`` equal to 'statement' or 'proof'.

    Raises
    ------
    ClaimError
        If a claim uses an unknown id, or the graph has a cycle.
    """
    graph = networkx.DiGraph()
    graph.add_nodes_from(claims)
    for claim in claims.values():
        for used in claim.uses:
            if used not in claims:
                raise ClaimError(f"{claim.id} uses {used!r}, which is not a claim")
            kind = "statement" if used in claim.uses_statement else "proof"
            graph.add_edge(used, claim.id, kind=kind)
    if not networkx.is_directed_acyclic_graph(graph):
        circle = " -> ".join(edge[0] for edge in networkx.find_cycle(graph))
        raise ClaimError(f"claims use each other in a circle: {circle}")
    return graph


def effective_status(claims: dict[str, Claim], records: dict[str, dict]) -> dict[str, str]:
    """Bound each claim's standing by that of everything it uses.

    A claim stands no better than the worst of its own verdict and the effective
    status of what its statement and its printed proof use; a claim that nobody
    examined ranks just above ``open``.

    Parameters
    ----------
    claims : dict of str to Claim
    records : dict of str to dict
        As :func:`companion.evidence.read_verdicts` gives them.

    Returns
    -------
    dict of str to str
    """
    status: dict[str, str] = {}
    for claim_id in networkx.lexicographical_topological_sort(dependency_graph(claims)):
        own = records[claim_id]["verdict"] if claim_id in records else NOT_EXAMINED
        below = [status[used] for used in claims[claim_id].uses]
        status[claim_id] = max([own, *below], key=STANDINGS.index)
    return status
