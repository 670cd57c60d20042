"""The search finds known maxima inside the hypothesis set; stored attacks replay to the digit."""

import itertools
import json
import math
from pathlib import Path

import pytest
import torch

from companion import attack
from companion.activations import gaussian, logistic, tanh
from companion.diagonal import bounds
from companion.diagonal.infinite_width import Trapezoid, kernel
from companion.diagonal.ntk import gram
from companion.diagonal.rnn import (
    DiagonalRNN,
    hidden_states,
    sensitivities,
    symmetric_initialisation,
)
from companion.diagonal.suprema import directional_derivatives
from companion.relu.infinite_width import limit

STORED = Path(__file__).parent / "attacks"


def peak(point):
    """A smooth function whose maximum, 3, lies outside the unit ball, at (2, 0)."""
    return 3.0 - (point["x"] - torch.tensor([2.0, 0.0], dtype=torch.float64)).square().sum(-1)


def draw(generator, count):
    return {"x": 3.0 * torch.randn(count, 2, generator=generator, dtype=torch.float64)}


def into_ball(point):
    return {"x": point["x"] / point["x"].norm(dim=-1, keepdim=True).clamp(min=1.0)}


def test_the_maximum_is_found():
    found = attack.search(peak, draw, restarts=8, steps=400)
    assert found.value == pytest.approx(3.0, abs=1e-6)


def test_the_search_stays_in_the_hypothesis_set():
    # The starting points lie outside; counting them would report up to 3.
    found = attack.search(peak, draw, into_ball, restarts=64, steps=200)
    assert found.value == pytest.approx(2.0, abs=1e-6)
    assert float(found.point["x"].norm()) <= 1.0 + 1e-12


def test_the_same_seed_finds_the_same_attack():
    one, two = (attack.search(peak, draw, into_ball, restarts=4, steps=20, seed=9) for _ in "ab")
    assert one.value == two.value and torch.equal(one.point["x"], two.point["x"])


def test_the_ascent_is_that_of_adam():
    scale = torch.tensor([1.0, 5.0], dtype=torch.float64)
    theirs = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    ascent = torch.optim.Adam([theirs], lr=0.05, maximize=True)
    for _ in range(30):
        ascent.zero_grad()
        (-scale * theirs**4).sum().backward()
        ascent.step()
    ours = attack.search(
        lambda p: -(scale * p["x"] ** 4).sum(-1),
        lambda g, count: {"x": torch.tensor([[1.0, -2.0]], dtype=torch.float64)},
        restarts=1,
        steps=30,
    )
    # The objective rises at every step here, so the best point is the last one.
    assert torch.allclose(ours.point["x"], theirs.detach(), rtol=1e-9)


def test_derivatives_up_to_the_hessian():
    form = torch.tensor([[2.0, 1.0], [1.0, -3.0]], dtype=torch.float64)
    points = torch.tensor([[1.0, 2.0], [0.5, -1.0], [0.0, 0.0]], dtype=torch.float64)
    value, gradient, hessian = attack.derivatives(lambda x: (x @ form @ x).exp(), points)
    outer = (points @ form)[:, :, None] * (points @ form)[:, None, :]
    size = torch.einsum("ri,ij,rj->r", points, form, points).exp()
    assert torch.allclose(value, size, rtol=1e-14)
    assert torch.allclose(gradient, 2 * size[:, None] * (points @ form), rtol=1e-13)
    assert torch.allclose(hessian, size[:, None, None] * (4 * outer + 2 * form), rtol=1e-13)


def test_points_must_be_a_matrix():
    with pytest.raises(ValueError, match="points must have shape"):
        attack.derivatives(torch.sum, torch.ones(3))


def test_an_objective_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"objective must give shape \(4,\), got \(\)"):
        attack.search(lambda p: peak(p).sum(), draw, restarts=4, steps=2)


def test_storing_and_loading(tmp_path):
    found = attack.search(peak, draw, into_ball, restarts=4, steps=20)
    attack.store(found, tmp_path / "a.json", about="a test", command="none")
    loaded = attack.load(tmp_path / "a.json")
    assert loaded.value == found.value and torch.equal(loaded.point["x"], found.point["x"])


def test_a_missing_attack_is_named():
    with pytest.raises(ValueError, match="path must name a stored attack, got nowhere.json"):
        attack.load("nowhere.json")


def sensitivity_size(point, part):
    """Size of one part of the sensitivity of one tanh unit with w = 0.7 at the last step."""
    rnn = DiagonalRNN([0.7], point["u"][None], [1.0], tanh)
    return float(sensitivities(rnn, point["x"][None])[part][0, -1, 0].norm())


def kernel_miss(point):
    """|K - kappa| over the rate of Proposition 2, largest over t, for one network of 64 units."""
    b = point["log b"].exp().item()
    shape = tanh.rescaled(1 / b, b)
    drawn = symmetric_initialisation(64, 2, 0.5, tanh, torch.Generator().manual_seed(12))
    rnn = DiagonalRNN(drawn.w, drawn.u, drawn.c, shape)
    pair = torch.stack([point["x"], point["y"]])
    gap = gram(rnn, pair) - kernel(pair, alpha=0.5, activation=shape, rule=Trapezoid(0.1)).value
    powers = [sum(0.5**k for k in range(t)) for t in range(4)]
    bound = [powers[t] ** 2 + (powers[t - 1] / b) ** 2 for t in (1, 2, 3)]
    ratios = gap[:, 0, 1].abs() / torch.tensor(bound, dtype=torch.float64)
    return float(ratios.max()) / (2 * math.sqrt(math.log(2 / 0.05) / 64))


def pair_output(point, activation):
    """F_T of 32 equal pairs, m = 64, radii 1 (Proposition 6)."""
    w = point["w"] + point["move"][:, 0] / 8.0
    u = point["u"] + point["move"][:, 1:] / 8.0
    states = hidden_states(DiagonalRNN(w, u, [1.0, 1.0], activation), point["x"][None])[0, -1]
    return float(4.0 * (states[0] - states[1]))


def linearisation_ratio(point):
    """Error of linearising one tanh unit over the squared move (Proposition 4)."""
    w, u, x, move = (point[key] for key in ("w", "u", "x", "move"))
    rnn = DiagonalRNN(w[None], u[None], torch.ones(1, dtype=w.dtype), tanh)
    far = rnn.at(rnn.w + move[0], rnn.u + move[1:])
    in_w, in_u = sensitivities(rnn, x[None])
    tangent = in_w[0, -1, 0] * move[0] + in_u[0, -1, 0] @ move[1:]
    gap = hidden_states(far, x[None])[0, -1, 0] - hidden_states(rnn, x[None])[0, -1, 0] - tangent
    return float(gap.abs() / move.square().sum().clamp(min=0.02**2))


SHAPES = (
    tanh,
    logistic,
    gaussian,
    gaussian.rescaled(10_000, 1 / 2500),
    logistic.rescaled(4, 1 / 50),
)
MEASURES = {
    "lipschitz": (lambda a, w, h, d, e: d, bounds.lipschitz_printed, {}),
    "smoothness": (lambda a, w, h, d, e: e, bounds.smoothness_printed, {"dimension": 2}),
    "product-lipschitz": (
        lambda a, w, h, d, e: a.cos() * h + w * d,
        bounds.product_lipschitz_printed,
        {},
    ),
    "product-smoothness": (
        lambda a, w, h, d, e: 2 * a.cos() * d + w * e,
        bounds.product_smoothness_printed,
        {"dimension": 2},
    ),
}


def worst_over_printed(which, point):
    """Largest derivative found over the printed constant of Lemma 1 or 2, ten cases a time."""
    measure, formula, more = MEASURES[which]
    ratios = []
    for t in (2, 5, 10, 20):
        for k, (shape, alpha) in enumerate(itertools.product(SHAPES, (0.3, 0.7))):
            w, s, x, angle = (point[f"{key}_{t}"][k][None] for key in ("w", "s", "x", "angle"))
            assert float(w.abs()) <= 1 and float(x.abs().max()) <= 1
            w, s = alpha * w, shape.sigma_0 / shape.sigma_1 * s
            size = measure(angle, w, *directional_derivatives(w, s, x, angle, shape))
            plain = {"alpha": alpha} if more else {}
            ratios.append(float(size.abs()) / formula(t, alpha, shape, **more, **plain))
    return max(ratios)


def decay_of_the_backward_correlation(point):
    """-log 2 F^1 of a pair with the variance of Algorithm 1."""
    x, y = point["x"], point["y"]
    parts = (x.square().sum(-1), y.square().sum(-1), (x - y).square().sum(-1))
    return -float(limit(*parts, input_variance=1.0).sigma.log().sum())


REPLAY = {
    **{
        f"lemmas-1-and-2-{which}": lambda point, which=which: worst_over_printed(which, point)
        for which in MEASURES
    },
    "proposition-4-tanh": linearisation_ratio,
    "proposition-6-tanh": lambda point: pair_output(point, tanh),
    "proposition-6-logistic": lambda point: pair_output(point, logistic),
    "proposition-2-after-the-draw": kernel_miss,
    "proposition-1-in-w": lambda point: sensitivity_size(point, 0),
    "proposition-1-in-u": lambda point: sensitivity_size(point, 1),
    "remark-4-2-algorithm-1": decay_of_the_backward_correlation,
}


RADIUS = {"remark-4-2-algorithm-1": 4.0}
"""Largest norm of an input, where it is not the one of paper A."""


def test_every_stored_attack_has_a_replay():
    assert {path.stem for path in STORED.glob("*.json")} == set(REPLAY)


@pytest.mark.parametrize("name", REPLAY)
def test_replay(name):
    stored = attack.load(STORED / f"{name}.json")
    assert REPLAY[name](stored.point) == pytest.approx(stored.value, rel=1e-12)
    for key in {"x", "y"} & set(stored.point):
        longest = float(stored.point[key].norm(dim=-1).max())
        assert longest <= RADIUS.get(name, 1.0) * (1.0 + 1e-12)
    record = json.loads((STORED / f"{name}.json").read_text())
    assert record["command"] and record["about"] and set(record["versions"]) == {"python", "torch"}
