"""Draw the dependency graph of one paper's claims as an inline SVG.

Columns are layers: a claim stands right of everything that it uses.  Solid
edges are used by a statement, dashed edges by a printed proof; an edge that a
longer path already implies is left out.
"""

from __future__ import annotations

from html import escape

import networkx

from companion.claims import Claim, dependency_graph

BOX_WIDTH, BOX_HEIGHT, COLUMN_GAP, ROW_GAP, MARGIN = 86, 26, 36, 14, 10
SWEEPS = 24


def draw(
    claims: dict[str, Claim], verdicts: dict[str, str], addresses: dict[str, str], title: str
) -> str:
    """Return the picture as SVG text.

    Parameters
    ----------
    claims : dict of str to Claim
        The claims of one paper.
    verdicts : dict of str to str
        Verdict word of each claim, used as a CSS class.
    addresses : dict of str to str
        Chapter address of each claim that has one.
    title : str
        Read out in place of the picture, with the number of claims and edges.

    Returns
    -------
    str
    """
    full = dependency_graph(claims)
    graph = networkx.transitive_reduction(full)
    columns = _ordered_columns(graph)
    spot = {
        node: (MARGIN + x * (BOX_WIDTH + COLUMN_GAP), MARGIN + y * (BOX_HEIGHT + ROW_GAP))
        for x, column in enumerate(columns)
        for y, node in enumerate(column)
    }
    width = 2 * MARGIN + len(columns) * (BOX_WIDTH + COLUMN_GAP) - COLUMN_GAP
    height = 2 * MARGIN + max(map(len, columns)) * (BOX_HEIGHT + ROW_GAP) - ROW_GAP
    label = f"{title}: {len(claims)} statements, {graph.number_of_edges()} edges, layered from left to right."
    edges = [_edge(spot[a], spot[b], full.edges[a, b]["kind"]) for a, b in sorted(graph.edges)]
    boxes = [_box(claims[node], spot[node], verdicts[node], addresses.get(node)) for node in spot]
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{"".join(edges)}{"".join(boxes)}</svg>'
    )


def _ordered_columns(graph: networkx.DiGraph) -> list[list[str]]:
    """Layer the nodes, then order each layer by the mean place of its neighbours."""
    columns = [sorted(layer) for layer in networkx.topological_generations(graph)]
    for sweep in range(SWEEPS):
        place = {node: y / len(column) for column in columns for y, node in enumerate(column)}
        neighbours = graph.predecessors if sweep % 2 == 0 else graph.successors
        for column in columns:
            column.sort(
                key=lambda node: (_mean([place[n] for n in neighbours(node)], place[node]), node)
            )
    return columns


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _edge(start: tuple[int, int], end: tuple[int, int], kind: str) -> str:
    x0, y0 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT / 2
    x1, y1 = end[0], end[1] + BOX_HEIGHT / 2
    bend = (x0 + x1) / 2
    return f'<path class="edge edge-{kind}" d="M{x0},{y0}C{bend},{y0} {bend},{y1} {x1},{y1}"/>'


def _box(claim: Claim, spot: tuple[int, int], verdict: str, address: str | None) -> str:
    x, y = spot
    words = f"{claim.number}: {claim.title} ({verdict})"
    shape = (
        f'<g class="node verdict-{verdict.replace(" ", "-")}"><title>{escape(words)}</title>'
        f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="4"/>'
        f'<text x="{x + BOX_WIDTH / 2}" y="{y + BOX_HEIGHT / 2 + 4}">{escape(short(claim))}</text></g>'
    )
    return f'<a href="{escape(address)}">{shape}</a>' if address else shape


SHORT = {
    "Definition": "Def.",
    "Proposition": "Prop.",
    "Theorem": "Thm",
    "Corollary": "Cor.",
    "Remark": "Rem.",
    "Example": "Ex.",
    "Algorithm": "Alg.",
    "Displays ": "",
    "Display ": "",
    "Projected gradient descent": "Projected GD",
    "(informal)": "inf.",
}


def short(claim: Claim) -> str:
    """Return the claim's number, abbreviated to fit a box."""
    text = claim.number
    for word, abbreviation in SHORT.items():
        text = text.replace(word, abbreviation)
    return text
