"""Film: the backward correlation of the ReLU network while the sequences grow longer."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn.functional import cosine_similarity

from companion import plots
from companion.notebook import prepare
from companion.relu.infinite_width import limit
from companion.relu.rnn import (
    ReLURNN,
    backward_vectors,
    hidden_states,
    random_initialisation,
    variances_corrected,
)
from pictures.films import Film, opened, pictures

SEED = 42
WIDTHS = (64, 2048)
LENGTHS = tuple(range(2, 33))
LONG = 4096
"""The length that stands for the limit of long sequences."""


def in_the_limit(length: int, input_variance: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Infinitely wide network, orthogonal inputs of norm one.

    Parameters
    ----------
    length : int
    input_variance : float
        v, with v times 2/m the variance of an entry of A.

    Returns
    -------
    backward : Tensor of shape (L,)
        :math:`F^l`.
    apart : Tensor of shape (L,)
        One less the cosine between the hidden states.
    """
    ones = torch.ones(length, 1)
    found = limit(ones, ones, 2.0 * ones, input_variance=input_variance)
    scale = 1.0 + input_variance * ones.cumsum(0)
    return found.backward[:, 0], (1.0 - found.forward[1:] / scale)[:, 0]


def drawn(width: int) -> ReLURNN:
    """Draw a network for sequences of length one.

    Parameters
    ----------
    width : int

    Returns
    -------
    ReLURNN
    """
    generator = torch.Generator().manual_seed(SEED)
    return random_initialisation(width, 2, variances_corrected(width, 1), generator)


def in_a_network(length: int, one: ReLURNN) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the same two quantities for a network, half a cosine for :math:`F^l`.

    Parameters
    ----------
    length : int
    one : ReLURNN
        As :func:`drawn` gives it; a longer sequence shrinks its input weights only.

    Returns
    -------
    backward, apart : Tensor of shape (L,)

    Notes
    -----
    The lengths of the two gradients fluctuate together; their cosine tends to
    :math:`2F^l` without that noise.
    """
    rnn = replace(one, A=one.A * length**-1.5)
    states = hidden_states(rnn, torch.eye(2)[:, None].expand(2, length, 2))
    vectors = backward_vectors(rnn, states)
    apart = 1.0 - cosine_similarity(states[0], states[1], dim=-1)
    return cosine_similarity(vectors[0], vectors[1], dim=-1) / 2.0, apart[1:]


def film() -> Film:
    """Compute all lengths and draw them.

    Returns
    -------
    Film
    """
    prepare(SEED)
    names = [f"m = {width}" for width in WIDTHS] + ["limit"]
    networks = [drawn(width) for width in WIDTHS]
    found = {
        name: [in_a_network(length, one) for length in LENGTHS]
        for name, one in zip(names, networks, strict=False)
    }
    found["limit"] = [in_the_limit(n, n**-3.0) for n in LENGTHS]
    figure, axes = opened("ab;cc", 5.6)
    styles = dict(zip(names, STYLES, strict=True))
    along, apart, first = (
        {name: axes[key].plot([], [], label=name, **styles[name])[0] for name in names}
        for key in "abc"
    )
    _fix_axes(axes)

    def show(frame: int) -> None:
        length = LENGTHS[frame]
        place = torch.arange(1, length + 1) / length
        axes["a"].set_title(f"backward $F^l$, L = {length}")
        for name in names:
            backward, gap = found[name][frame]
            along[name].set_data(place, backward)
            apart[name].set_data(place, length**2 * gap)
            values = [float(found[name][k][0][0]) for k in range(frame + 1)]
            first[name].set_data(LENGTHS[: frame + 1], values)

    return Film(figure, show, len(LENGTHS))


STYLES = (
    {"marker": "^", "linestyle": "", "color": plots.COLOURS[2], "markersize": 3.5},
    {"marker": "o", "linestyle": "", "color": plots.COLOURS[1], "markersize": 4},
    {"marker": "", "linestyle": "-", "color": "black"},
)


def _fix_axes(axes: dict) -> None:
    """Draw what does not move: axes, the limit of long sequences, the other variance."""
    plain = {"marker": "", "color": "0.55", "linewidth": 1.4}
    axes["a"].set(xlim=(0, 1.02), ylim=(0, 0.55), xlabel="position l/L")
    _, apart = in_the_limit(LONG, LONG**-3.0)
    place = torch.arange(1, LONG + 1) / LONG
    axes["b"].plot(place, LONG**2 * apart, linestyle="--", **plain, label=f"limit, L = {LONG}")
    axes["b"].set(xlim=(0, 1.02), ylim=(0, 2.4), xlabel="position l/L")
    axes["b"].set_title("$L^2$ (1 − cosine of states)")
    other = [float(in_the_limit(n, 1.0)[0][0]) for n in LENGTHS]
    axes["c"].plot(LENGTHS, other, linestyle="--", **plain, label="limit, Algorithm 1")
    axes["c"].plot(LENGTHS, [n**-4.0 for n in LENGTHS], linestyle=":", **plain, label="$L^{-4}$")
    axes["c"].set(xscale="log", yscale="log", xlim=(1.9, 35), ylim=(1e-7, 1.5))
    axes["c"].set_xticks([2, 4, 8, 16, 32], ["2", "4", "8", "16", "32"])
    axes["c"].minorticks_off()
    axes["c"].set(xlabel="length L", title="$F^1$, the correlation at the first position")
    axes["b"].legend(loc="upper left", fontsize=9)
    axes["c"].legend(loc="lower left", fontsize=9, ncols=2)


PICTURES = pictures("backward", film)
