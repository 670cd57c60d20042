"""Film: the tangent kernel of one network that grows unit by unit, and its limit."""

from __future__ import annotations

import math

import torch

from companion import plots
from companion.activations import tanh
from companion.diagonal.infinite_width import kernel
from companion.diagonal.ntk import tangent_features
from companion.diagonal.rnn import DiagonalRNN, symmetric_initialisation
from companion.notebook import prepare
from pictures.films import Film, opened, pictures

SEED = 2
ALPHA, HORIZON, INPUTS = 0.7, 8, 12
NETWORKS, SMALLEST, LARGEST = 4, 2**4, 2**14
STEPS_PER_DOUBLING = 4


def inputs() -> torch.Tensor:
    """Points that go round circles of different size, from starts at equal angles.

    Returns
    -------
    Tensor of shape (n, T, 2)
    """
    starts = 2.0 * math.pi * torch.arange(INPUTS) / INPUTS
    angles = starts[:, None] + 0.5 * torch.arange(HORIZON)
    radii = torch.linspace(0.5, 1.0, INPUTS)[:, None, None]
    return radii * torch.stack([angles.cos(), angles.sin()], dim=-1)


def widths() -> list[int]:
    """Even widths, equally spaced on a logarithmic scale, one a frame.

    Returns
    -------
    list of int
    """
    doublings = int(math.log2(LARGEST / SMALLEST))
    steps = range(STEPS_PER_DOUBLING * doublings + 1)
    return [2 * round(SMALLEST * 2.0 ** (k / STEPS_PER_DOUBLING) / 2) for k in steps]


def grown(X: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Kernels at the last time of one network's first units.

    Parameters
    ----------
    X : Tensor of shape (n, T, 2)
    generator : torch.Generator

    Returns
    -------
    Tensor of shape (frames, n, n)
    """
    rnn = symmetric_initialisation(LARGEST, 2, ALPHA, tanh, generator)
    half = slice(0, LARGEST // 2)  # the other half are copies
    units = DiagonalRNN(rnn.w[half], rnn.u[half], rnn.c[half], tanh)
    features = tangent_features(units, X)[:, -1]
    kernels, total, done = [], torch.zeros(len(X), len(X)), 0
    for count in (width // 2 for width in widths()):
        new = features[:, done:count].flatten(1)
        total = total + new @ new.T
        kernels.append(total / count)
        done = count
    return torch.stack(kernels)


def film() -> Film:
    """Grow the networks and draw the first of them, and the errors of all.

    Returns
    -------
    Film
    """
    generator = prepare(SEED)
    X = inputs()
    limit = kernel(X, alpha=ALPHA, activation=tanh).value[-1]
    kernels = torch.stack([grown(X, generator) for _ in range(NETWORKS)])
    errors = (kernels - limit).abs().amax(dim=(2, 3)) / limit.abs().max()
    figure, axes = opened("ab;cd", 5.6)
    top = 1.25 * float(limit.max())
    shown = [
        axes[key].imshow(matrix, cmap="cividis", vmin=float(limit.min()), vmax=top)
        for key, matrix in (("a", kernels[0, -1]), ("b", limit))
    ]
    figure.colorbar(shown[1], ax=[axes["a"], axes["b"]], shrink=0.85)
    for key in "ab":
        axes[key].set_xticks([])
        axes[key].set_yticks([])
        axes[key].grid(visible=False)
    axes["b"].set_title("limit $\\kappa_T$")
    entries = _entries(axes["c"], limit, top)
    lines = _errors(axes["d"], errors)

    def show(frame: int) -> None:
        axes["a"].set_title(f"kernel, m = {widths()[frame]}")
        shown[0].set_data(kernels[0, frame])
        entries.set_ydata(kernels[0, frame].flatten())
        for line, values in zip(lines, errors, strict=True):
            line.set_data(widths()[: frame + 1], values[: frame + 1])

    return Film(figure, show, len(widths()))


def _entries(axes, limit: torch.Tensor, top: float):
    """Draw entries of the kernel against those of the limit; return what moves."""
    low = float(limit.min()) - 0.15 * top
    axes.plot([low, top], [low, top], color="0.6", linestyle="-", marker="", linewidth=1)
    points = axes.plot(limit.flatten(), limit.flatten(), "x", color=plots.COLOURS[1], markersize=4)[
        0
    ]
    axes.set(xlim=(low, top), ylim=(low, top), xlabel="entry of the limit", title="entries")
    return points


def _errors(axes, errors: torch.Tensor) -> list:
    """Draw the largest error of an entry for each network; return the curves."""
    lines = [axes.plot(widths(), values, markevery=4)[0] for values in errors]
    roots = torch.tensor(widths()).sqrt()
    level = (errors * roots).log().mean().exp()
    style = {"color": "0.6", "linestyle": "-", "marker": "", "linewidth": 1}
    axes.plot(widths(), level / roots, label="$\\propto m^{-1/2}$", **style)
    axes.set(xscale="log", yscale="log", xlabel="width m", title="largest error")
    axes.set_xlim(*axes.get_xlim())
    axes.set_ylim(*axes.get_ylim())
    axes.legend(loc="upper right", fontsize=9.5)
    return lines


PICTURES = pictures("kernel_width", film)
