"""Both gradient methods: one step by hand, the projection, resuming, refusals."""

import math

import pytest
import torch

from companion.activations import tanh
from companion.diagonal.risk import empirical_risk, risk_and_gradient
from companion.diagonal.rnn import DiagonalRNN
from companion.diagonal.trainers import gradient_descent, project, projected_gradient_descent


def test_steps_of_gradient_descent(problem):
    rnn, X, Y = problem
    run = gradient_descent(rnn, X, Y, 0.03, 3)
    iterate, risks, moved_w, moved_u = rnn, [], [], []
    for s in range(4):
        risk, gradient_w, gradient_u = risk_and_gradient(iterate, X, Y)
        risks.append(risk)
        moved_w.append(max(abs(float(a - b)) for a, b in zip(iterate.w, rnn.w, strict=True)))
        moved_u.append(
            max(math.dist(a.tolist(), b.tolist()) for a, b in zip(iterate.u, rnn.u, strict=True))
        )
        if s < 3:
            iterate = rnn.at(iterate.w - 0.03 * gradient_w, iterate.u - 0.03 * gradient_u)
    assert run.risks.tolist() == pytest.approx(risks, rel=1e-12)
    assert run.movement_w.tolist() == pytest.approx(moved_w, rel=1e-10)
    assert run.movement_u.tolist() == pytest.approx(moved_u, rel=1e-10)
    assert torch.equal(run.last.w, iterate.w) and torch.equal(run.last.u, iterate.u)
    assert run.risks[-1] == pytest.approx(empirical_risk(run.last, X, Y))


def test_projection_by_hand():
    centre = DiagonalRNN([0.0] * 9, [[0.0, 0.0]] * 9, [1.0] * 9, tanh)
    far = centre.at(
        torch.tensor([0.1, -3.0, 0.5, 0.6, *[0.0] * 5], dtype=torch.float64),
        torch.tensor(
            [[0.3, 0.4], [3.0, 4.0], [0.0, -9.0], [0.5, 0.0], *[[0.0, 0.0]] * 5],
            dtype=torch.float64,
        ),
    )
    near = project(far, centre, radius_w=1.5, radius_u=3.0)  # balls of radius 1/2 and 1
    assert near.w[:4].tolist() == pytest.approx([0.1, -0.5, 0.5, 0.5])
    assert near.u[:4].flatten().tolist() == pytest.approx([0.3, 0.4, 0.6, 0.8, 0.0, -1.0, 0.5, 0.0])


def test_projection_is_closest_and_keeps_what_is_inside(problem, generator):
    centre, _, _ = problem
    far = centre.at(centre.w + 2.0, centre.u - 2.0)
    near = project(far, centre, 0.6, 0.9)
    assert torch.equal(project(near, centre, 0.61, 0.91).u, near.u)
    for _ in range(50):
        step = torch.randn(centre.u.shape, generator=generator, dtype=torch.float64)
        other = project(centre.at(centre.w, centre.u + step), centre, 0.6, 0.9)
        inner = ((far.u - near.u) * (other.u - near.u)).sum(dim=1)
        assert float(inner.max()) <= 1e-12


@pytest.mark.parametrize("step_size", [0.05, 10.0, 1e5])
def test_units_stay_in_their_balls(problem, step_size):
    rnn, X, Y = problem
    run = projected_gradient_descent(rnn, X, Y, step_size, 15, 0.3, 0.8)
    assert float(run.movement_w.max()) <= 0.3 / math.sqrt(6) * (1 + 1e-12)
    assert float(run.movement_u.max()) <= 0.8 / math.sqrt(6) * (1 + 1e-12)


def test_large_radii_change_nothing(problem):
    rnn, X, Y = problem
    free = gradient_descent(rnn, X, Y, 0.05, 10)
    bound = projected_gradient_descent(rnn, X, Y, 0.05, 10, 100.0, 100.0)
    assert torch.equal(free.risks, bound.risks) and torch.equal(free.last.u, bound.last.u)


def test_a_run_resumes_to_the_bit(problem):
    rnn, X, Y = problem
    whole = projected_gradient_descent(rnn, X, Y, 0.05, 9, 0.2, 0.2)
    begun = projected_gradient_descent(rnn, X, Y, 0.05, 4, 0.2, 0.2)
    ended = projected_gradient_descent(rnn, X, Y, 0.05, 5, 0.2, 0.2, start=begun.last)
    assert torch.equal(whole.risks[4:], ended.risks)
    assert torch.equal(whole.movement_u[4:], ended.movement_u)
    assert torch.equal(whole.last.w, ended.last.w) and torch.equal(whole.last.u, ended.last.u)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"step_size": 0.0}, "step_size must be positive, got 0.0"),
        ({"step_size": -0.1}, "step_size must be positive"),
        ({"step_size": math.nan}, "step_size must be finite"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"radius_w": 0.0}, "radius_w must be positive"),
        ({"radius_u": -1.0}, "radius_u must be positive"),
    ],
)
def test_refusals(problem, change, message):
    rnn, X, Y = problem
    arguments = {"step_size": 0.1, "steps": 2, "radius_w": 1.0, "radius_u": 1.0}
    with pytest.raises(ValueError, match=message):
        projected_gradient_descent(rnn, X, Y, **(arguments | change))


def test_a_diverging_run_says_so():
    # An unbounded activation: the iterates themselves overflow.
    square = tanh.__class__(
        "square", lambda s: s**2, lambda s: 2 * s, lambda s: 2 + 0 * s, math.inf, math.inf, 2.0
    )
    rnn = DiagonalRNN([1.0], [[1.0]], [1.0], square)
    with pytest.raises(ValueError, match="step_size 1e.09 is too large"):
        gradient_descent(rnn, [[[1.0], [1.0], [1.0]]], [[0.0, 0.0, 0.0]], 1e9, 50)


def test_a_centre_of_another_shape_is_refused(problem):
    rnn, _, _ = problem
    other = DiagonalRNN(rnn.w, rnn.u[:, :2], rnn.c, tanh)
    with pytest.raises(ValueError, match=r"centre must have u of shape \(6, 3\), got \(6, 2\)"):
        project(rnn, other, 1.0, 1.0)
