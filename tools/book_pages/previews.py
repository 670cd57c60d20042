"""What a link shows when one points at it: statements and first paragraphs, in one script.

The script is loaded when the first preview is wanted; it is a script and not JSON, because a page
that was opened as a file may not read other files.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx_proof.nodes import unenumerable_node

COLLECTED = "companion_previews"


def collect_previews(app, pagename, templatename, context, doctree) -> None:
    """Render the boxes of a page, and its title with its first paragraph."""
    if doctree is None or app.builder.format != "html":
        return
    address = app.builder.get_target_uri(pagename)
    shown = {}
    for box in doctree.findall(unenumerable_node):
        title, content = box.children
        shown[f"{address}#{box['label']}"] = (title, content.children)
    title, first = doctree.next_node(nodes.title), doctree.next_node(nodes.paragraph)
    if title is not None and first is not None:
        shown[address] = (title, [first])
    store = app.env.__dict__.setdefault(COLLECTED, {})
    store.update({key: _rendered(app.builder, *found) for key, found in shown.items()})


def _rendered(builder, title: nodes.title, content: list[nodes.Node]) -> str:
    # A title and a statement's box would be rendered with the numbers of their page.
    heading = nodes.paragraph("", "", *title.deepcopy().children, classes=["preview-title"])
    whole = nodes.container("", heading, *(node.deepcopy() for node in content))
    return without_links_and_ids(builder.render_partial(whole)["fragment"])


def without_links_and_ids(html: str) -> str:
    """Strip from HTML what must stand on a page once, and links, which are relative to a page.

    Parameters
    ----------
    html : str
        As docutils writes it: no quotes or angle brackets in text or attributes.

    Returns
    -------
    str

    Examples
    --------
    >>> without_links_and_ids('<p id="x">A <a class="b" href="c">link</a>.</p>')
    '<p>A link.</p>'
    """
    html = re.sub(r"<a\s[^>]*\bheaderlink\b[^>]*>.*?</a>|</?a\b[^>]*>", "", html)
    return re.sub(r'(<[^>]*?)\s(?:id|name)="[^"]*"', r"\1", html).strip()


def write_previews(app, exception) -> None:
    """Write what was collected as a script."""
    found = app.env.__dict__.pop(COLLECTED, {})
    if exception is None and found:
        text = json.dumps(dict(sorted(found.items())), ensure_ascii=False, indent=0)
        path = Path(app.outdir, "_static", "previews-data.js")
        path.write_text(f"window.bookPreviews = {text};\n", encoding="utf-8")
