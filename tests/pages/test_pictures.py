"""The stored films and pictures are what their code draws; films are short and end on the still."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy
import pytest
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from pictures import __main__ as tool  # noqa: E402
from pictures import backward, films, kernel_width, training  # noqa: E402

SPEC = spec_from_file_location("comparison_of_pictures", ROOT / "conftest.py")
comparison = module_from_spec(SPEC)
SPEC.loader.exec_module(comparison)

IMAGES = ROOT / "book/images"
FILMS = {"training": training, "kernel_width": kernel_width, "backward": backward}
LARGEST = 1_000_000


def moved(one, other):
    """Share of pixels that moved between two pictures; 1.0 if their sizes differ."""
    first, second = (numpy.asarray(picture.convert("RGB"), dtype=int) for picture in (one, other))
    if first.shape != second.shape:
        return 1.0
    return float((abs(first - second).max(axis=2) > comparison.COLOUR_TOLERANCE).mean())


def film_faults(gif, png):
    """What is wrong with a film: its length, size, repeats, last pause or last frame."""
    with Image.open(gif) as film, Image.open(png) as still:
        faults = [] if 30 <= film.n_frames <= 60 else [f"{film.n_frames} frames"]
        faults += [] if gif.stat().st_size < LARGEST else ["too large"]
        faults += [] if film.info.get("loop") in (1, 2) else ["never ends"]
        film.seek(film.n_frames - 1)
        faults += [] if film.info["duration"] >= 2000 else ["no pause"]
        return faults + ([] if moved(film, still) < comparison.MOVED_SHARE else ["other end"])


@pytest.mark.parametrize("name", FILMS)
def test_a_still_is_what_its_code_draws(name, tmp_path):
    fresh = tmp_path / f"{name}.png"
    FILMS[name].PICTURES[fresh.name](fresh)
    assert moved(Image.open(fresh), Image.open(IMAGES / fresh.name)) < comparison.MOVED_SHARE


def test_another_run_gives_another_still(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "STEP_SIZE", 1.1 * training.STEP_SIZE)
    fresh = tmp_path / "training.png"
    training.PICTURES[fresh.name](fresh)
    assert moved(Image.open(fresh), Image.open(IMAGES / fresh.name)) > comparison.MOVED_SHARE


@pytest.mark.parametrize("name", FILMS)
def test_a_film_is_short_and_ends_on_its_still(name):
    assert film_faults(IMAGES / f"{name}.gif", IMAGES / f"{name}.png") == []


def frames(name):
    with Image.open(IMAGES / f"{name}.gif") as film:
        for number in range(film.n_frames):
            film.seek(number)
            yield film.convert("RGB")


@pytest.mark.parametrize(
    "kept, how, fault",
    [
        (slice(-20, None), {}, "20 frames"),
        (slice(None, -25), {}, "other end"),
        (slice(None), {"loop": 0}, "never ends"),
        (slice(None), {"duration": 120}, "no pause"),
    ],
)
def test_a_spoiled_film_is_seen(kept, how, fault, tmp_path):
    few = list(frames("training"))[kept]
    usual = {"loop": 2, "duration": [120] * (len(few) - 1) + [3000]}
    few[0].save(tmp_path / "x.gif", save_all=True, append_images=few[1:], **(usual | how))
    assert fault in film_faults(tmp_path / "x.gif", IMAGES / "training.png")


def test_a_large_film_and_an_altered_still_are_seen(tmp_path, monkeypatch):
    still = Image.open(IMAGES / "training.png").convert("RGB")
    ImageDraw.Draw(still).line([(100, 100), (500, 500)], fill="black", width=3)
    still.save(tmp_path / "training.png")
    monkeypatch.setattr(sys.modules[__name__], "LARGEST", 1000)
    faults = film_faults(IMAGES / "training.gif", tmp_path / "training.png")
    assert faults == ["too large", "other end"]


def provenance_faults(stored):
    """Films without a record, or whose record names another seed or command."""
    return [
        name
        for module in FILMS.values()
        for name in module.PICTURES
        if stored.get(name, {}).get("seed") != module.SEED
        or stored[name]["command"] != f"python tools/pictures --only {name}"
        or {"python", "torch", "matplotlib", "pillow"} - set(stored[name]["versions"])
    ]


def test_every_film_says_how_it_was_made():
    stored = json.loads((IMAGES / "provenance.json").read_text(encoding="utf-8"))
    assert provenance_faults(stored) == []
    assert provenance_faults(stored | {"training.gif": {"seed": 1}}) == ["training.gif"]
    stored.pop("backward.png")
    assert provenance_faults(stored) == ["backward.png"]


def test_the_tool_makes_one_picture_and_notes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "FOLDER", tmp_path)
    assert tool.main(["--only", "training.png"]) == 0
    assert capsys.readouterr().out.startswith("training.png: ")
    stored = json.loads((tmp_path / "provenance.json").read_text(encoding="utf-8"))
    assert list(stored) == ["training.png"] and stored["training.png"]["seed"] == training.SEED


def test_a_film_shows_its_frames_in_order(tmp_path):
    figure, axes = films.opened("a", 1.0)
    bar = axes["a"].axvspan(0, 1, color="black")
    film = films.Film(figure, lambda frame: bar.set_width(frame), 3)
    axes["a"].set_xlim(0, 4)
    films.moving(tmp_path / "x.gif", lambda: film)
    with Image.open(tmp_path / "x.gif") as stored:
        assert stored.n_frames == 3 and stored.info["loop"] == films.REPEATS
        dark = []
        for number in range(3):
            stored.seek(number)
            dark.append((numpy.asarray(stored.convert("L")) < 20).sum())
    assert dark == sorted(dark) and len(set(dark)) == 3
