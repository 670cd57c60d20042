"""The dependency picture shows every claim once, right of what it uses, with link and standing."""

import re
from collections import Counter
from dataclasses import replace

import networkx
import pytest

from book_pages.graph import BOX_HEIGHT, Box, draw, short
from companion.claims import STANDINGS, dependency_graph, load_claims

CLAIMS = load_claims()


def boxes_of(paper, standing="holds"):
    """Boxes of one paper, all with the verdict 'holds'."""
    return [
        Box(claim, "holds", standing, f"../{claim.chapter}.html#{claim.label}")
        for claim in CLAIMS.values()
        if claim.paper == paper
    ]


@pytest.mark.parametrize("paper", ["cayci2024", "wang2021"])
def test_the_picture_is_complete(paper):
    boxes = boxes_of(paper)
    picture = draw(boxes, "Graph")
    assert picture.count("<title>") == picture.count('class="node verdict') == len(boxes)
    assert re.findall(r'<a href="([^"]+)"', picture).__len__() == len(boxes)
    assert f"Graph: {len(boxes)} statements" in picture
    left = {
        title.split(":")[0]: float(x)
        for title, x in re.findall(
            r'<title>([^<]+)</title><rect class="outline" x="([\d.]+)"', picture
        )
    }
    for used, user in dependency_graph({box.claim.id: box.claim for box in boxes}).edges:
        assert left[CLAIMS[used].number] < left[CLAIMS[user].number]


@pytest.mark.parametrize("paper", ["cayci2024", "wang2021"])
def test_each_link_lies_on_its_box(paper):
    picture = draw(boxes_of(paper), "Graph")
    drawn = re.findall(r'<title>([^<]+)</title><rect class="outline" x="(\d+)" y="(\d+)"', picture)
    laid = re.findall(r'left:(\d+)px;top:(\d+)px;[^"]*" title="([^"]+)"', picture)
    assert sorted(drawn) == sorted((title, x, y) for x, y, title in laid)


def test_no_edge_runs_behind_a_box():
    for paper in ("cayci2024", "wang2021"):
        picture = draw(boxes_of(paper), "Graph")
        boxes = set(re.findall(r'class="outline" x="(\d+)" y="(\d+)"', picture))
        assert crossed(picture, boxes) == []
        # The same lines, with a box put on one of their places.
        x, y = re.search(r" (\d+),([\d.]+)h\d+C", picture).groups()
        assert crossed(picture, {(x, f"{float(y) - BOX_HEIGHT / 2:.0f}")})


def crossed(picture, boxes):
    """Places that an edge passes straight through and where a box stands."""
    passed = re.findall(r" (\d+),([\d.]+)h\d+C", picture)
    return [(x, y) for x, y in passed if (x, f"{float(y) - BOX_HEIGHT / 2:.0f}") in boxes]


def chips(picture):
    """Letters of the chips right of the boxes; the legend's own comes first."""
    return re.findall(r'chip-standing verdict-([\w-]+)"><rect[^>]+/><text[^>]+>(\w)<', picture)


def test_a_standing_shows_where_it_is_lower_than_the_verdict():
    same, lower = (draw(boxes_of("wang2021", word), "Graph") for word in ("holds", "false"))
    assert chips(same) == [("corrected", "C")]
    assert chips(lower)[1:] == [("false", "F")] * len(boxes_of("wang2021"))
    assert "standing false" in lower and "standing false" not in same


def test_the_legend_tells_edges_and_letters_apart():
    picture = draw(boxes_of("cayci2024"), "Graph")
    legend = re.search(r'<g class="legend">.*?proof</text>', picture)[0]
    assert "edge-statement" in legend and "edge-proof" in legend
    assert len({word[0] for word in STANDINGS}) == len(STANDINGS), "letters must differ"
    assert all(f"{word[0].upper()} {word}" in picture for word in STANDINGS)


def edge_kinds(picture):
    """Kinds of the edges drawn, those of the legend left out."""
    return Counter(re.findall(r'"edge edge-(statement|proof)" d="M[\d.]+,[\d.]+C', picture))


@pytest.mark.parametrize("paper", ["cayci2024", "wang2021"])
def test_edges_keep_their_kind(paper):
    boxes = boxes_of(paper)
    full = dependency_graph({box.claim.id: box.claim for box in boxes})
    kept = networkx.transitive_reduction(full).edges
    wanted = Counter(full.edges[edge]["kind"] for edge in kept)
    assert edge_kinds(draw(boxes, "Graph")) == wanted and min(wanted.values()) > 0
    # Moving what the proofs use to the statements leaves no dashed edge.
    moved = [
        replace(box, claim=replace(box.claim, uses_statement=box.claim.uses, uses_proof=()))
        for box in boxes
    ]
    assert edge_kinds(draw(moved, "Graph")) == {"statement": len(kept)}


def test_labels_fit_their_boxes():
    assert max(len(short(claim)) for claim in CLAIMS.values()) <= 13
