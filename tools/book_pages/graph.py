"""Draw the dependency graph of one paper's claims: a picture, and links laid over it.

Columns are layers: a claim stands right of everything that it uses.  Solid
edges are used by a statement, dashed edges by a printed proof; an edge that a
longer path already implies is left out.  A box shows the initial of its verdict
on the left and, where that is lower, of its standing on the right, so that no
reader has to tell colours apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise

import networkx

from companion.claims import STANDINGS, Claim, dependency_graph

BOX_WIDTH, BOX_HEIGHT, COLUMN_GAP, ROW_GAP, MARGIN = 118, 26, 40, 14, 10
CHIP = 17
LEGEND_HEIGHT, LEGEND_WIDTH = 64, 640
SWEEPS = 24


@dataclass(frozen=True)
class Box:
    """What the picture shows of one claim.

    Parameters
    ----------
    claim : Claim
    verdict, standing : str
        Words of :data:`companion.claims.STANDINGS`.
    address : str or None
        Where the statement's box is, if a chapter has one.
    """

    claim: Claim
    verdict: str
    standing: str
    address: str | None

    @property
    def words(self) -> str:
        """What is read out in place of the box."""
        lowered = "" if self.standing == self.verdict else f", standing {self.standing}"
        return f"{self.claim.number}: {self.claim.title} ({self.verdict}{lowered})"


def draw(boxes: list[Box], title: str) -> str:
    """Return the picture with a link over each box, as HTML.

    Parameters
    ----------
    boxes : list of Box
        The claims of one paper.
    title : str
        Read out in place of the picture, with the number of claims and edges.

    Returns
    -------
    str
    """
    by_id = {box.claim.id: box for box in boxes}
    full = dependency_graph({key: box.claim for key, box in by_id.items()})
    graph = networkx.transitive_reduction(full)
    tracks = _tracks(full, graph)
    spot = _spots(list(graph), tracks)
    width = max(max(x for x, _ in spot.values()) + BOX_WIDTH + MARGIN, LEGEND_WIDTH)
    height = max(y for _, y in spot.values()) + BOX_HEIGHT + MARGIN
    label = (
        f"{title}: {len(boxes)} statements, {graph.number_of_edges()} edges, "
        "layered from left to right."
    )
    edges = [
        _edge([spot[node] for node in track], full.edges[edge]["kind"])
        for edge, track in tracks.items()
    ]
    placed = [node for node in spot if node in by_id]
    drawn = [_box(by_id[node], spot[node]) for node in placed]
    links = [_link(by_id[node], spot[node]) for node in placed if by_id[node].address]
    return (
        f'<div class="graph-canvas" style="width:{width}px">'
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{_legend()}{"".join(edges)}{"".join(drawn)}</svg>'
        f"<ul>{''.join(links)}</ul></div>"
    )


def _tracks(full: networkx.DiGraph, graph: networkx.DiGraph) -> dict[tuple, list]:
    """Lead each edge through a free place in every column that it passes.

    Edges of one kind from one claim share their places.
    """
    layers = enumerate(networkx.topological_generations(graph))
    column = {node: x for x, layer in layers for node in layer}
    return {
        (a, b): [
            a,
            *((a, full.edges[a, b]["kind"], x) for x in range(column[a] + 1, column[b])),
            b,
        ]
        for a, b in sorted(graph.edges)
    }


def _spots(claims: list[str], tracks: dict[tuple, list]) -> dict:
    """Place what stands on the tracks: layers, each ordered by the mean place of its neighbours."""
    graph = networkx.DiGraph()
    graph.add_nodes_from(claims)
    for track in tracks.values():
        networkx.add_path(graph, track)
    columns = [sorted(layer, key=str) for layer in networkx.topological_generations(graph)]
    for sweep in range(SWEEPS):
        place = {node: y / len(column) for column in columns for y, node in enumerate(column)}
        neighbours = graph.predecessors if sweep % 2 == 0 else graph.successors
        for column in columns:
            means = {
                node: _mean([place[n] for n in neighbours(node)], place[node]) for node in column
            }
            column.sort(key=lambda node, means=means: (means[node], str(node)))
    return {
        node: (
            MARGIN + x * (BOX_WIDTH + COLUMN_GAP),
            MARGIN + LEGEND_HEIGHT + y * (BOX_HEIGHT + ROW_GAP),
        )
        for x, column in enumerate(columns)
        for y, node in enumerate(column)
    }


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _edge(spots: list[tuple[int, int]], kind: str) -> str:
    """A line from box to box, straight through the free places between them."""
    points = [(x, y + BOX_HEIGHT / 2) for x, y in spots]
    line = f"M{points[0][0] + BOX_WIDTH},{points[0][1]}"
    for (x0, y0), (x1, y1) in pairwise(points):
        bend = (x0 + BOX_WIDTH + x1) / 2
        line += f"C{bend},{y0} {bend},{y1} {x1},{y1}"
        line += f"h{BOX_WIDTH}" if (x1, y1) != points[-1] else ""
    x, y = points[-1]
    return (
        f'<path class="edge edge-{kind}" d="{line}"/>'
        f'<path class="edge edge-head" d="M{x - 6},{y - 4}L{x},{y}L{x - 6},{y + 4}"/>'
    )


def _box(box: Box, spot: tuple[int, int]) -> str:
    x, y = spot
    middle, lowered = y + BOX_HEIGHT / 2 + 4, box.standing != box.verdict
    parts = [
        f"<title>{escape(box.words)}</title>",
        f'<rect class="outline" x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}"/>',
        _chip(box.verdict, x, y, "verdict"),
        _chip(box.standing, x + BOX_WIDTH - CHIP, y, "standing") if lowered else "",
        f'<text x="{x + BOX_WIDTH / 2}" y="{middle}">{escape(short(box.claim))}</text>',
    ]
    return f'<g class="node {_class(box.verdict)}">{"".join(parts)}</g>'


def _chip(word: str, x: float, y: float, kind: str) -> str:
    middle = f'x="{x + CHIP / 2}" y="{y + BOX_HEIGHT / 2 + 4}"'
    return (
        f'<g class="chip chip-{kind} {_class(word)}">'
        f'<rect x="{x}" y="{y}" width="{CHIP}" height="{BOX_HEIGHT}"/>'
        f"<text {middle}>{word[0].upper()}</text></g>"
    )


def _class(word: str) -> str:
    return f"verdict-{word.replace(' ', '-')}"


def _link(box: Box, spot: tuple[int, int]) -> str:
    place = f"left:{spot[0]}px;top:{spot[1]}px;width:{BOX_WIDTH}px;height:{BOX_HEIGHT}px"
    words = escape(box.words)
    return (
        f'<li><a href="{escape(box.address)}" style="{place}" title="{words}">'
        f"<span>{words}</span></a></li>"
    )


def _legend() -> str:
    """Both kinds of edge, a box with both chips, and the letters of the chips."""
    y, line = MARGIN, MARGIN + 38
    sample = (
        f'<g class="node"><rect class="outline" x="{MARGIN}" y="{y}" width="{BOX_WIDTH}" '
        f'height="{BOX_HEIGHT}"/>{_chip(STANDINGS[0], MARGIN, y, "verdict")}'
        f"{_chip(STANDINGS[2], MARGIN + BOX_WIDTH - CHIP, y, 'standing')}</g>"
    )
    words = [
        (MARGIN + BOX_WIDTH + 8, y + 17, "left: verdict; right: standing, where lower"),
        (MARGIN + 440, y + 17, "used by the statement"),
        (MARGIN + 440, line + 4, "used only by its printed proof"),
        (MARGIN, line + 4, ", ".join(f"{word[0].upper()} {word}" for word in STANDINGS)),
    ]
    edges = [
        f'<path class="edge edge-{kind}" d="M{MARGIN + 396},{height}h36"/>'
        f'<path class="edge edge-head" d="M{MARGIN + 426},{height - 4}l6,4l-6,4"/>'
        for kind, height in (("statement", y + 13), ("proof", line))
    ]
    texts = [f'<text x="{x}" y="{height}">{text}</text>' for x, height, text in words]
    return f'<g class="legend">{sample}{"".join(edges)}{"".join(texts)}</g>'


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
    """Return the claim's number, abbreviated to fit a box.

    Parameters
    ----------
    claim : Claim

    Returns
    -------
    str
    """
    text = claim.number
    for word, abbreviation in SHORT.items():
        text = text.replace(word, abbreviation)
    return text
