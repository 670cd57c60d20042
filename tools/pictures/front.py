"""The three findings of the front page: their pictures, and the numbers of their sentences.

Each function draws one picture and stores its numbers in ``findings.json`` beside it, with seed,
versions and command; the front page quotes them from there.
"""

from __future__ import annotations

import json
import math
import platform
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from companion import plots
from companion.activations import tanh
from companion.diagonal.convergence import Prescription, prescribe
from companion.diagonal.risk import risk_and_gradient
from companion.diagonal.rnn import symmetric_initialisation
from companion.notebook import prepare
from companion.relu.rnn import (
    mirrored,
    outputs,
    random_initialisation,
    variances_corrected,
    variances_printed,
)
from companion.relu.trainers import online_sgd

SEED = 2024
FACTS = "findings.json"
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
GUARANTEE = Path(__file__).resolve().parents[2] / "book/diagonal/guarantee.json"
SETTING = "tanh(s/4), at the cutoff"  # the one whose target cannot be met without memory

UNITS, NETWORKS, STEPS = 256, 200, 16
ALPHA, LENGTHS, DRAWS = 1.5, (8, 16, 32, 64), 25


def one_label(path: Path) -> None:
    """Draw how many networks misclassify the one sequence that they are trained on.

    Parameters
    ----------
    path : Path
        The PNG to write; the numbers go to ``findings.json`` in its folder.
    """
    generator = prepare(SEED)
    wrong = {scale: wrong_shares(scale, UNITS, generator) for scale in ("printed", "corrected")}
    figure, axes = _small()
    for scale, shares in wrong.items():
        axes.plot(range(STEPS + 1), shares, label=f"{scale} variances", markevery=4)
    axes.set(xlabel="SGD step", ylabel="networks in error", ylim=(-0.04, 1.04))
    axes.set_yticks([0, 0.5, 1], ["none", "half", "all"])
    axes.legend(loc="upper right", fontsize=8)
    facts = {f"wrong_{scale}": f"{100 * shares[-1]:.0f}" for scale, shares in wrong.items()}
    sizes = {"units": str(UNITS), "networks": str(NETWORKS), "steps": str(STEPS)}
    _store(path, figure, facts | sizes)


def wrong_shares(scale: str, units: int, generator: torch.Generator) -> list[float]:
    """Train on one sequence with label +1; return the share in error after each step.

    Parameters
    ----------
    scale : str
        ``'printed'``, or ``'corrected'``: variance one, and a mirrored start.
    units : int
    generator : torch.Generator

    Returns
    -------
    list of float
        After 0, 1, ..., 16 steps; an output of zero counts as an error, as in paper B.
    """
    X = torch.zeros(STEPS, 1, 2)
    X[..., 0] = 1.0
    margins = []
    for _ in range(NETWORKS):
        if scale == "corrected":
            law = variances_corrected(units // 2, 1)
            rnn = mirrored(random_initialisation(units // 2, 2, law, generator))
        else:
            rnn = random_initialisation(units, 2, variances_printed(units, 1), generator)
        run = online_sgd(rnn, X, torch.ones(STEPS), 0.5 / units)
        margins.append(torch.cat([run.margins, outputs(run.last, X[:1])]))
    return (torch.stack(margins) <= 1e-9).double().mean(0).tolist()


def guarantee(path: Path) -> None:
    """Draw the width that the printed and the sharper theorem ask for, and what is needed.

    Parameters
    ----------
    path : Path
        The PNG to write; the numbers go to ``findings.json`` in its folder.
    """
    runs = json.loads(GUARANTEE.read_text(encoding="utf-8"))["runs"]
    printed, sharper, needed = guarantee_widths()
    figure, axes = _small()
    names, widths = ("needed", "sharper theorem", "printed theorem"), (needed, sharper, printed)
    bars = axes.barh(names, widths, color=("0.75", plots.COLOURS[0], "white"), edgecolor="0.1")
    for bar, hatch in zip(bars, ("", "", "////"), strict=True):
        bar.set_hatch(hatch)
    axes.set(xscale="log", xlabel="units", xlim=(1, 10 * printed))
    axes.set_xticks([1, 1e3, 1e6, 1e9])
    axes.minorticks_off()
    axes.grid(visible=False, axis="y")
    axes.set_axisbelow(True)
    hits = [hit for run in runs for hit in run["first_hits"]]
    facts = {
        "printed": power(printed),
        "sharper": f"{sharper:,}",
        "needed": str(needed),
        "networks": f"{len(hits):,}",
        "missed": str(hits.count(None)),
        "settings": str(len(runs)),
    }
    _store(path, figure, facts)


def guarantee_widths() -> tuple[int, int, int]:
    """Widths for the stored setting: asked for as printed, by the sharper theorem, needed.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If the sharper theorem's width is not the one at which the stored networks were trained.
    """
    record = json.loads(GUARANTEE.read_text(encoding="utf-8"))
    run = next(run for run in record["runs"] if run["setting"] == SETTING)

    def plan(theorem: str) -> Prescription:
        shape = {"alpha": 4.0, "horizon": 3, "nu": (0.1, 0.5), "n": 8, "theorem": theorem}
        activation = tanh.rescaled(1.0, 0.25)
        return prescribe(run["epsilon"], record["delta"], activation, **shape)

    sharper = plan("free, sharper").width
    if sharper != run["width"]:
        raise ValueError(f"the stored networks have width {run['width']}, not {sharper}")
    return plan("projected, printed").width, sharper, run["needed_width"]


def gradients(path: Path) -> None:
    """Draw the gradient of the risk against the length, for two kinds of data.

    Parameters
    ----------
    path : Path
        The PNG to write; the numbers go to ``findings.json`` in its folder.
    """
    generator = prepare(SEED)
    found = {
        "chosen\nafter the draw": [chosen_gradient(length, generator) for length in LENGTHS],
        "fixed before the draw": [typical_gradient(length, generator) for length in LENGTHS],
    }
    figure, axes = _small()
    for values, name, height in zip(found.values(), found, (2e8, 1e2), strict=True):
        axes.plot(LENGTHS, values)
        axes.text(38 if height > 1e3 else 64, height, f"inputs {name}", ha="right", fontsize=8)
    axes.set(yscale="log", xlabel="length T", ylabel="gradient", ylim=(0.3, None))
    axes.set_xticks(LENGTHS)
    axes.minorticks_off()
    chosen, typical = (values[-1] / values[0] for values in found.values())
    facts = {
        "chosen": power(chosen),
        "typical": f"{typical:.2g}",
        "shortest": str(LENGTHS[0]),
        "longest": str(LENGTHS[-1]),
        "networks": str(DRAWS),
    }
    _store(path, figure, facts)


def typical_gradient(length: int, generator: torch.Generator) -> float:
    """Median norm of the risk's gradient over networks and random data.

    Parameters
    ----------
    length : int
    generator : torch.Generator

    Returns
    -------
    float
    """
    norms = []
    for _ in range(DRAWS):
        X = torch.randn(4, length, 3, generator=generator)
        Y = 2.0 * torch.randint(0, 2, (4, length), generator=generator) - 1.0
        norms.append(_gradient_norm(_network(generator), X / X.norm(dim=-1, keepdim=True), Y))
    return torch.tensor(norms).median().item()


def chosen_gradient(length: int, generator: torch.Generator) -> float:
    """Norm of the risk's gradient for an input that is orthogonal to one unit.

    Parameters
    ----------
    length : int
    generator : torch.Generator

    Returns
    -------
    float
    """
    rnn = _network(generator)
    unit = int((rnn.w > 0).nonzero()[0])
    across = torch.linalg.cross(rnn.u[unit], torch.tensor([1.0, 0.0, 0.0]))
    X = (across / across.norm()).expand(1, length, 3)
    return _gradient_norm(rnn, X, torch.ones(1, length))


def _network(generator: torch.Generator):
    return symmetric_initialisation(64, 3, ALPHA, tanh, generator)


def _gradient_norm(rnn, X: torch.Tensor, Y: torch.Tensor) -> float:
    _, in_w, in_u = risk_and_gradient(rnn, X, Y)
    return math.hypot(float(in_w.norm()), float(in_u.norm()))


def power(value: float) -> str:
    """Write a large number with two digits and a power of ten.

    Parameters
    ----------
    value : float
        At least 10.

    Returns
    -------
    str

    Examples
    --------
    >>> power(2_493_477_144)
    '2.5 × 10⁹'
    """
    digits, exponent = f"{value:.1e}".split("e+")
    return f"{digits} × 10" + str(int(exponent)).translate(SUPERSCRIPTS)


def _small() -> tuple[Figure, Axes]:
    """A picture of three by two inches, shown at about 280 pixels."""
    # Tight boxes would give each picture a size of its own.
    matplotlib.rcParams.update(plots.STYLE | {"font.size": 9, "savefig.bbox": None})
    return plt.subplots(figsize=(3.0, 2.0), dpi=200, layout="constrained")


def _store(path: Path, figure: Figure, numbers: dict[str, str]) -> None:
    """Write the picture, and its numbers into the JSON beside it."""
    path = Path(path)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
    facts = path.with_name(FACTS)
    stored = json.loads(facts.read_text(encoding="utf-8")) if facts.exists() else {}
    stored[path.stem] = {
        "command": f"python tools/pictures --only {path.name}",
        "seed": SEED,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__.split("+")[0],
            "matplotlib": matplotlib.__version__,
        },
        "numbers": numbers,
    }
    text = json.dumps(dict(sorted(stored.items())), indent=1)
    facts.write_text(text + "\n", encoding="utf-8")


PICTURES = {
    "finding-one-label.png": one_label,
    "finding-guarantee.png": guarantee,
    "finding-gradients.png": gradients,
}
