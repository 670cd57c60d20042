"""Claims files: complete, consistent, no circle; standing computed from what a claim uses."""

import pytest
import yaml

from companion.claims import (
    CLAIMS_FOLDER,
    NOT_EXAMINED,
    ClaimError,
    dependency_graph,
    effective_status,
    load_claims,
)

WANTED = {
    "cayci2024": [
        *(f"display-{k}" for k in (1, 2, 3, 4, 8, 9)),
        "definition-1",
        "algorithm-1",
        "algorithm-2",
        *(f"proposition-{k}" for k in range(1, 7)),
        "lemma-1",
        "lemma-2",
        "theorem-1",
        "theorem-2",
        "corollary-1",
        "theorem-1-informal",
        "theorem-2-informal",
        "corollary-1-informal",
        *(f"remark-{k}" for k in range(1, 8)),
    ],
    "wang2021": [
        "example-2.1",
        "example-2.2",
        *(f"proposition-2.{k}" for k in range(1, 5)),
        *(f"remark-{k}" for k in ("2.1", "2.2", "3.1", "3.2", "4.1", "4.2")),
        *(f"theorem-{k}" for k in range(1, 7)),
        "algorithm-1",
        *(f"display-{k}" for k in (6, 7, 9, 11, 14, 23, 25, 29, 30, 32, 33, 34, 35, 36, 37)),
    ],
}


def entry(claim_id, uses=(), proof=(), **change):
    return {
        "id": claim_id,
        "number": "N",
        "title": "t",
        "place": "p",
        "statement": "s",
        "formula": "",
        "hypotheses": [],
        "uses": {"statement": list(uses), "proof": list(proof)},
        "chapter": None,
    } | change


def write(folder, *entries):
    (folder / "a.yml").write_text(yaml.safe_dump({"claims": list(entries)}))
    return folder


@pytest.mark.parametrize("paper", WANTED)
def test_every_numbered_statement_is_entered(paper):
    entered = {claim.id.split("/")[1] for claim in load_claims().values() if claim.paper == paper}
    assert entered == set(WANTED[paper])


def test_no_file_holds_a_verdict():
    for path in CLAIMS_FOLDER.glob("*.yml"):
        for claim in yaml.safe_load(path.read_text())["claims"]:
            assert not {"verdict", "status", "scope"} & set(claim)


@pytest.mark.parametrize(
    "entries, message",
    [
        ([entry("p/a-1", ["p/a-9"])], "p/a-1 uses 'p/a-9', which is not a claim"),
        ([entry("p/a-1", ["p/a-2"]), entry("p/a-2", proof=["p/a-1"])], "in a circle"),
        ([entry("p/a-1"), entry("p/a-1")], "'p/a-1' stands twice"),
        ([entry("p/a-1", verdict="holds")], "missing or unknown keys: verdict"),
    ],
)
def test_contradictions_are_refused(tmp_path, entries, message):
    with pytest.raises(ClaimError, match=message):
        load_claims(write(tmp_path, *entries))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ClaimError, match="must hold claims"):
        load_claims(tmp_path)


def test_edges_know_their_kind(tmp_path):
    claims = load_claims(
        write(tmp_path, entry("p/a-1"), entry("p/a-2"), entry("p/a-3", ["p/a-1"], ["p/a-2"]))
    )
    graph = dependency_graph(claims)
    assert graph.edges["p/a-1", "p/a-3"]["kind"] == "statement"
    assert graph.edges["p/a-2", "p/a-3"]["kind"] == "proof"


@pytest.mark.parametrize(
    "below, own, expected",
    [
        ("holds", "holds", "holds"),
        ("misprint", "holds", "misprint"),
        ("false", "holds", "false"),
        ("holds", "corrected", "corrected"),
        ("open", "corrected", "open"),
        (None, "holds", NOT_EXAMINED),
        (None, "false", "false"),
    ],
)
def test_standing_is_no_better_than_what_is_used(tmp_path, below, own, expected):
    claims = load_claims(
        write(tmp_path, entry("p/a-1"), entry("p/a-2", ["p/a-1"]), entry("p/a-3", ["p/a-2"]))
    )
    records = {"p/a-2": {"verdict": own}, "p/a-3": {"verdict": "holds"}}
    if below:
        records["p/a-1"] = {"verdict": below}
    assert effective_status(claims, records)["p/a-3"] == expected
