"""Film: a narrow and a wide diagonal network learn, each beside its linearisation."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch

from companion.activations import tanh
from companion.diagonal.infinite_width import limit_outputs
from companion.diagonal.ntk import linearised_outputs
from companion.diagonal.rnn import outputs, symmetric_initialisation
from companion.diagonal.trainers import gradient_descent
from companion.notebook import prepare
from pictures.films import Film, opened, pictures

SEED = 2024
WIDTHS = (8, 512)
ALPHA, HORIZON, STEP_SIZE = 0.5, 3, 0.02
STRIDE, FRAMES = 2, 51
"""Steps of gradient descent between two frames, and how many frames there are."""


@dataclass(frozen=True)
class Training:
    """What the film shows of one network: a row a frame.

    Parameters
    ----------
    risks : Tensor of shape (frames,)
    moved : Tensor of shape (frames,)
        The largest distance of a unit's weights from their start.
    outputs, linearised : Tensor of shape (frames, n T)
    """

    risks: torch.Tensor
    moved: torch.Tensor
    outputs: torch.Tensor
    linearised: torch.Tensor


def transport(w: torch.Tensor, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps of a realisable target: w by a smooth sign of u, u by a constant."""
    return torch.tanh(3.0 * u[:, 0]), 2.0 * torch.ones_like(u)


def task() -> tuple[torch.Tensor, torch.Tensor]:
    """All sequences of signs, and targets that the infinitely wide linear model meets.

    Returns
    -------
    X : Tensor of shape (8, 3, 1)
    Y : Tensor of shape (8, 3)
    """
    X = torch.tensor(list(itertools.product((1.0, -1.0), repeat=HORIZON)))[..., None]
    return X, limit_outputs(X, transport, alpha=ALPHA, activation=tanh).value


def train(width: int, X: torch.Tensor, Y: torch.Tensor) -> Training:
    """Train one network and keep what the frames show.

    Parameters
    ----------
    width : int
    X : Tensor of shape (n, T, 1)
    Y : Tensor of shape (n, T)

    Returns
    -------
    Training
    """
    generator = torch.Generator().manual_seed(SEED)
    start = now = symmetric_initialisation(width, 1, ALPHA, tanh, generator)
    rows = []
    for frame in range(FRAMES):
        if frame:
            now = gradient_descent(start, X, Y, STEP_SIZE, STRIDE, now).last
        found = outputs(now, X)
        moved = torch.cat([(now.w - start.w)[:, None], now.u - start.u], dim=1).norm(dim=1).max()
        risk = (found - Y).square().sum() / len(X)
        linear = linearised_outputs(start, X, now.w, now.u)
        rows.append((risk, moved, found.flatten(), linear.flatten()))
    return Training(*(torch.stack(part) for part in zip(*rows, strict=True)))


def film() -> Film:
    """Train both networks and draw them.

    Returns
    -------
    Film
    """
    prepare(SEED)
    X, Y = task()
    runs = [train(width, X, Y) for width in WIDTHS]
    figure, axes = opened("ab;cd", 5.6)
    steps = STRIDE * torch.arange(FRAMES)
    updates = [
        *_curves(axes["a"], steps, [run.risks for run in runs], "risk", yscale="log"),
        *_curves(
            axes["b"], steps, [run.moved for run in runs], "largest move of a unit", ylim=(0, None)
        ),
        *(_outputs(axes[k], Y.flatten(), run) for k, run in zip("cd", runs, strict=True)),
    ]
    for key, width in zip("cd", WIDTHS, strict=True):
        axes[key].set_title(f"outputs, m = {width}")
    axes["a"].legend(loc="upper right", fontsize=9.5)
    axes["c"].legend(loc="upper left", fontsize=9.5, handletextpad=0.2)

    def show(frame: int) -> None:
        for update in updates:
            update(frame)

    return Film(figure, show, FRAMES)


def _curves(axes, steps, series, name: str, **scale) -> list:
    """Draw one curve a width up to the current frame; return what moves them."""
    lines = [
        axes.plot(steps, values, label=f"m = {width}", markevery=10)[0]
        for width, values in zip(WIDTHS, series, strict=True)
    ]
    axes.set(title=name, xlabel="gradient descent step", **scale)
    axes.set_xlim(*axes.get_xlim())
    axes.set_ylim(*axes.get_ylim())

    def drawing(line, values):
        return lambda frame: line.set_data(steps[: frame + 1], values[: frame + 1])

    return [drawing(line, values) for line, values in zip(lines, series, strict=True)]


def _outputs(axes, Y, run: Training):
    """Draw outputs against targets; return what moves them."""
    low, high = 1.25 * float(Y.min()), 1.25 * float(Y.max())
    axes.plot([low, high], [low, high], color="0.6", linestyle="-", marker="", linewidth=1)
    style = {"linestyle": "", "markersize": 6}
    rings = axes.plot(
        Y, Y, marker="o", color="0.1", markerfacecolor="none", label="linearised", **style
    )[0]
    dots = axes.plot(Y, Y, marker="x", color="#c8570a", label="network", **style)[0]
    axes.set(xlim=(low, high), ylim=(low, high), xlabel="target")

    def update(frame: int) -> None:
        rings.set_ydata(run.linearised[frame])
        dots.set_ydata(run.outputs[frame])

    return update


PICTURES = pictures("training", film)
