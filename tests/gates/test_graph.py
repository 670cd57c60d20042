"""The dependency picture shows every claim once, right of what it uses, with its link."""

import re

import pytest

from book_pages.graph import draw, short
from companion.claims import dependency_graph, load_claims

CLAIMS = load_claims()


@pytest.mark.parametrize("paper", ["cayci2024", "wang2021"])
def test_the_picture_is_complete(paper):
    claims = {key: claim for key, claim in CLAIMS.items() if claim.paper == paper}
    verdicts = {key: "holds" if claim.chapter else "not examined" for key, claim in claims.items()}
    addresses = {key: f"../{claim.chapter}.html" for key, claim in claims.items() if claim.chapter}
    picture = draw(claims, verdicts, addresses, "Graph")
    assert picture.count("<rect") == picture.count("<title>") == len(claims)
    assert re.findall(r'<a href="([^"]+)">', picture).__len__() == len(addresses)
    assert f"Graph: {len(claims)} statements" in picture
    left = {
        title.split(":")[0]: float(x)
        for title, x in re.findall(r'<title>([^<]+)</title><rect x="([\d.]+)"', picture)
    }
    for used, user in dependency_graph(claims).edges:
        assert left[claims[used].number] < left[claims[user].number]


def test_labels_fit_their_boxes():
    assert max(len(short(claim)) for claim in CLAIMS.values()) <= 13
