"""``{animation} name``: a film of ``book/images``, and its last frame where motion is unwanted.

The content of the directive is the alt text.  Paper, and a reader who asks the system for less
motion, get ``name.png`` in place of ``name.gif``; ``tools/pictures`` makes both.
"""

from __future__ import annotations

import shutil
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

FOLDER = Path(__file__).resolve().parents[2] / "book/images"
TARGET = "_images"
STILL_IF = "(prefers-reduced-motion: reduce)"


class Animation(SphinxDirective):
    """A film, with links to its last frame and to the film alone."""

    required_arguments = 1
    has_content = True

    def run(self):
        name, alt = self.arguments[0], " ".join(" ".join(self.content).split())
        if not alt:
            raise self.error(f"the film {name!r} needs an alt text")
        for path in files(name):
            if not path.is_file():
                raise self.error(f"no {path.name} in book/images: make pictures")
            self.env.note_dependency(str(path))
        here = self.env.app.builder.get_target_uri(self.env.docname)
        gif, png = (relative_uri(here, f"{TARGET}/{path.name}") for path in files(name))
        return [nodes.raw("", html(gif, png, alt), format="html")]


def files(name: str) -> tuple[Path, Path]:
    """Return the GIF and the PNG of a film."""
    return FOLDER / f"{name}.gif", FOLDER / f"{name}.png"


def html(gif: str, png: str, alt: str) -> str:
    """Return a film as HTML.

    Parameters
    ----------
    gif, png : str
        Addresses of the film and of its last frame.
    alt : str

    Returns
    -------
    str
    """
    gif, png, alt = escape(gif), escape(png), escape(alt)
    # Chromium does not choose another source for paper: the style sheet swaps two pictures.
    return (
        '<figure class="animation"><picture>'
        f'<source media="{STILL_IF}" srcset="{png}">'
        f'<img src="{gif}" alt="{alt}"></picture><img class="on-paper" src="{png}" alt="{alt}">'
        f'<figcaption><a href="{png}">Last frame</a> <a href="{gif}">Play again</a></figcaption>'
        "</figure>"
    )


def copy_films(app, exception) -> None:
    """Copy the films into the built book; Sphinx copies only pictures that it knows."""
    if exception is not None or app.builder.format != "html":
        return
    target = Path(app.outdir) / TARGET
    target.mkdir(exist_ok=True)
    for gif in sorted(FOLDER.glob("*.gif")):
        for path in files(gif.stem):
            shutil.copy2(path, target / path.name)
