"""The computed pages leave no claim out, their links lead somewhere, their files parse."""

import json
import re
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils import nodes
from pybtex.database import parse_string

ROOT = next(p for p in Path(__file__).resolve().parents if (p / "_toc.yml").is_file())
sys.path.insert(0, str(ROOT / "tools"))

from book_pages import citations, numbers, results, whereabouts  # noqa: E402
from companion.claims import load_claims  # noqa: E402
from companion.evidence import read_verdicts  # noqa: E402

CLAIMS = load_claims()
RECORDS = read_verdicts(sorted((ROOT / "notebooks").glob("*/*.ipynb")))


def table(claims=CLAIMS):
    """HTML of the results page's table, with addresses from the top of the book."""
    builder = SimpleNamespace(get_relative_uri=lambda page, other: f"{other}.html")
    env = SimpleNamespace(docname="page", app=SimpleNamespace(builder=builder))
    directive = results.ResultsTable.__new__(results.ResultsTable)
    directive.state = SimpleNamespace(document=SimpleNamespace(settings=SimpleNamespace(env=env)))
    directive.claims, directive.records = claims, RECORDS
    return directive.run()[0].astext()


TABLE = table()
ROWS = dict(re.findall(r'<tr id="row-([^"]+)"(.*?)</tr>', TABLE, flags=re.S))


def ids(page):
    """Ids that a page of the book will have: of its statements, sections and modules."""
    path = ROOT / Path(page).with_suffix(".ipynb" if page.startswith("notebooks") else ".md")
    if not path.is_file():
        return set()
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join("".join(cell["source"]) + "\n" for cell in json.loads(text)["cells"])
    headings = map(nodes.make_id, re.findall(r"^#+ (.*)$", text, flags=re.M))
    modules = (f"module-{name}" for name in re.findall(r"automodule:: (\S+)", text))
    return {*headings, *modules, *re.findall(r"^:label: (\S+)$", text, flags=re.M)}


def dead_links(html):
    """Links that lead to no page, or to no id on it."""
    found = {unescape(address) for address in re.findall(r'href="([^"]+)"', html)}
    pages = {page: ids(page) for page in {address.split("#")[0] for address in found}}
    return sorted(a for a in found if a.split("#")[1] not in pages[a.split("#")[0]])


def test_every_claim_has_a_row_with_all_its_links():
    assert list(ROWS) == [claim.label for claim in CLAIMS.values()]
    for claim in CLAIMS.values():
        row, page = ROWS[claim.label], f"notebooks/{claim.chapter}"
        assert f'href="{page}.html#{claim.label}"' in row
        assert f'href="{page}.html#walk-' in row
        assert f'href="{page}.html#compute-it"' in row
        assert f"<code>pytest {page}.ipynb</code>" in row
    assert dead_links(TABLE) == []


@pytest.mark.parametrize(
    "old, new",
    [
        ("#cayci2024-lemma-1", "#cayci2024-lemma-9"),
        ("#walk-the-proofs", "#walk-the-proofz"),
        ("#module-companion.relu.rnn", "#module-companion.relu.cnn"),
        ("diagonal/theorem_1.html", "diagonal/theorem_9.html"),
    ],
)
def test_a_dead_link_is_seen(old, new):
    assert old in TABLE
    assert dead_links(TABLE.replace(old, new))


def test_the_row_says_what_the_record_says():
    row, record = ROWS["wang2021-theorem-2"], RECORDS["wang2021/theorem-2"]
    assert f'data-verdict="{record["verdict"]}"' in row
    assert f'data-evidence="{" ".join(record["scopes"])}"' in row
    assert f"{record['ratio_printed']:.3g} → {record['ratio_mended']:.3g}" in row


def test_each_column_sorts_by_a_number():
    for row in ROWS.values():
        keys = re.findall(r'data-sort="([^"]*)"', row)
        assert len(keys) == len(results.HEADINGS) and keys[-1] == ""
        assert all(re.fullmatch(r"[\d.e+-]*", key) for key in keys)
        assert "" not in keys[:4]
    assert results.ratios({}) == ("—", "")
    assert results.ratios({"ratio_printed": None, "ratio_mended": 0.5}) == ("— → 0.5", "0.5")


def test_filters_offer_every_word_and_no_other():
    offered = dict(re.findall(r'<select name="(\w+)">(.*?)</select>', TABLE))
    for name, options in offered.items():
        words = set(re.findall(r'value="([^"]+)"', options))
        used = {word for row in ROWS.values() for word in attribute(row, name).split()}
        assert used <= words, name
    assert set(offered) == {"paper", "verdict", "evidence", "sharper"}
    assert f"<span>{len(CLAIMS)}</span> of {len(CLAIMS)} shown" in TABLE


def attribute(row, name):
    return re.search(f'data-{name}="([^"]*)"', row)[1]


def test_stored_worst_cases_are_named_with_their_replay():
    stored = {path.stem for path in (ROOT / "tests/attacks").glob("*.json")}
    where = {whereabouts.whereabouts(claim) for claim in CLAIMS.values()}
    assert stored == {name for chapter in where for name in chapter.attacks}
    command = "pytest tests/test_attack.py -k lemmas-1-and-2"
    assert command in ROWS["cayci2024-lemma-1"] and command not in ROWS["cayci2024-theorem-1"]


def test_imports_are_read_from_code():
    code = (
        "import torch\nfrom companion import attack\n"
        "from companion.diagonal import bounds, rnn\nfrom companion.relu.ntk import gram\n"
    )
    assert whereabouts.imported(code) == (
        "companion.diagonal.bounds",
        "companion.diagonal.rnn",
        "companion.relu.ntk",
    )


def test_displays_are_read_from_number_and_place():
    assert numbers.displays(CLAIMS["wang2021/display-23"]) == [21, 22, 23]
    assert numbers.displays(CLAIMS["cayci2024/theorem-1"]) == [*range(18, 26)]
    assert numbers.displays(CLAIMS["cayci2024/definition-1"]) == []


@pytest.mark.parametrize(
    "name, claim",
    [
        ("Lemma 1", "cayci2024/lemma-1"),
        ("Cayci Lemma 1", "cayci2024/lemma-1"),
        ("Proposition 2.3", "wang2021/proposition-2.3"),
        ("Prop. 2.3", "wang2021/proposition-2.3"),
        ("Remark 3.2 of paper B", "wang2021/remark-3.2"),
        ("Theorem 1", "wang2021/theorem-1"),
        ("(29)", "wang2021/display-29"),
        ("eq. 29", "wang2021/display-29"),
        ("equation 29", "cayci2024/theorem-2"),
        ("display (29)", "wang2021/theorem-6"),
    ],
)
def test_a_claim_goes_by_the_names_that_readers_use(name, claim):
    assert name.lower() in [other.lower() for other in numbers.names(CLAIMS[claim])]


ERRATA = citations.errata(CLAIMS, RECORDS)


def errata_faults(listed, records):
    """Records' errata that a list lacks, and entries that no record has."""
    wanted = [
        (name, e["place"], e["printed"], e["corrected"], e["harmless"])
        for name in CLAIMS
        for e in records[name]["errata"]
    ]
    got = [(e["claim"], e["place"], e["printed"], e["corrected"], e["harmless"]) for e in listed]
    return [entry for entry in wanted + got if wanted.count(entry) != got.count(entry)]


def test_the_errata_are_complete_and_in_order():
    assert json.loads(json.dumps(ERRATA)) == ERRATA and len(ERRATA) > 100
    assert errata_faults(ERRATA, RECORDS) == []
    for letter in "AB":
        own = [e["number"] for e in ERRATA if e["number"][0] == letter]
        assert own == [f"{letter}{k}" for k in range(1, len(own) + 1)]
    order = list(CLAIMS)
    places = [order.index(entry["claim"]) for entry in ERRATA]
    assert places == sorted(places)
    links = " ".join(f'href="{entry["chapter"]}"' for entry in ERRATA)
    assert dead_links(links) == []


def test_an_erratum_left_out_or_changed_is_seen():
    assert errata_faults(ERRATA[:-1], RECORDS)
    changed = deepcopy(RECORDS)
    changed["cayci2024/lemma-1"]["errata"][0]["printed"] += "x"
    assert errata_faults(ERRATA, changed)


def test_an_erratum_keeps_witness_and_gap_apart():
    for entry in ERRATA:
        (stored,) = [
            e["witness"]
            for e in RECORDS[entry["claim"]]["errata"]
            if (e["place"], e["printed"]) == (entry["place"], entry["printed"])
        ]
        assert stored == f"{entry['witness']} ({entry['gaps']['printed']:.3g})"


def test_the_bibliography_parses_and_is_complete():
    parsed = parse_string(citations.bibliography(CLAIMS, RECORDS), "bibtex").entries
    assert list(parsed) == [f"companion-{claim.label}" for claim in CLAIMS.values()]
    for claim in CLAIMS.values():
        entry = parsed[f"companion-{claim.label}"]
        assert entry.type == "misc" and entry.fields["url"] == citations.book()["url"]
        assert claim.number in entry.fields["title"]
        assert f"Verdict: {RECORDS[claim.id]['verdict']}" in entry.fields["note"]
    fewer = {key: record for key, record in RECORDS.items() if key != "wang2021/theorem-2"}
    assert len(parse_string(citations.bibliography(CLAIMS, fewer), "bibtex").entries) == 63


def test_signs_that_bibtex_reads_are_escaped():
    claims = {"cayci2024/lemma-1": replace(CLAIMS["cayci2024/lemma-1"], title="50% of a_b & c")}
    text = citations.bibliography(claims, RECORDS)
    assert r"50\% of a\_b \& c" in text


BOX = """# Page

:::{prf:lemma} Lemma 1 (slopes)
:label: cayci2024-lemma-1
:nonumber:

Text.
:::
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A book of two pages: one with a statement, one with the results."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "index.md").write_text(f"{BOX}\n```{{toctree}}\nresults\n```\n")
    (folder / "results.md").write_text("# Results\n\n```{results-table}\n```\n")
    (folder / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / 'tools')!r})\n"
        "extensions = ['myst_nb', 'sphinx_proof', 'book_pages']\n"
        "myst_enable_extensions = ['colon_fence', 'dollarmath']\n"
        f"html_static_path = [{str(ROOT / 'book/_static')!r}]\n"
        "suppress_warnings = ['myst.domains']\n"
    )
    command = [sys.executable, "-m", "sphinx", "-q", str(folder), str(folder / "html")]
    subprocess.run(command, check=True, timeout=120)
    return folder / "html"


def test_the_search_leads_from_a_number_to_the_box(built):
    text = (built / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(re.fullmatch(r"Search\.setIndex\((.*)\)\s*", text, flags=re.S)[1])
    page = index["docnames"].index("index")
    for name in numbers.names(CLAIMS["cayci2024/lemma-1"]):
        assert [page, "cayci2024-lemma-1", True] in index["indexentries"][name.lower()]
    assert "lemma 2" not in index["indexentries"]


def test_the_files_lie_beside_the_pages(built):
    stored = json.loads((built / "_static" / citations.ERRATA).read_text(encoding="utf-8"))
    assert stored == ERRATA
    text = (built / "_static" / citations.BIBLIOGRAPHY).read_text(encoding="utf-8")
    assert len(parse_string(text, "bibtex").entries) == len(RECORDS)


def test_the_script_is_loaded_where_it_serves(built):
    pages = {path.stem: path.read_text(encoding="utf-8") for path in built.glob("*.html")}
    assert [name for name, text in pages.items() if "results.js" in text] == ["results"]
    assert pages["results"].count('<tr id="row-') == len(CLAIMS)
