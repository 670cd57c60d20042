"""Both gradient methods: one step by hand, the projection, resuming, refusals."""

import math

import pytest
import torch

from companion.activations import tanh
from companion.diagonal import trainers, trajectory
from companion.diagonal.risk import empirical_risk, risk_and_gradient
from companion.diagonal.rnn import DiagonalRNN
from companion.diagonal.trainers import (
    exit_time,
    gradient_descent,
    project,
    projected_gradient_descent,
)


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


def test_the_lyapunov_function_and_the_average(problem):
    rnn, X, Y = problem
    towards = rnn.at(rnn.w + 0.1, rnn.u - 0.2)
    run = gradient_descent(rnn, X, Y, 0.04, 3, attractor=towards)
    iterates = [gradient_descent(rnn, X, Y, 0.04, s).last for s in (1, 2)]
    iterates = [rnn, *iterates]
    for s, at in enumerate([*iterates, run.last]):
        distance = (at.w - towards.w).square().sum() + (at.u - towards.u).square().sum()
        assert float(run.lyapunov[s]) == pytest.approx(float(distance), rel=1e-12)
    assert torch.allclose(run.average.w, sum(at.w for at in iterates) / 3, rtol=1e-13)
    assert torch.allclose(run.average.u, sum(at.u for at in iterates) / 3, rtol=1e-13)
    once = gradient_descent(rnn, X, Y, 0.04, 1)
    assert once.lyapunov is None and torch.equal(once.average.w, rnn.w)


def test_early_stopping(problem):
    rnn, X, Y = problem
    whole = gradient_descent(rnn, X, Y, 0.03, 12)
    level = float(whole.risks[5])
    stopped = gradient_descent(rnn, X, Y, 0.03, 12, stop_below=level)
    assert len(stopped.risks) == 6 and torch.equal(stopped.risks, whole.risks[:6])
    assert torch.equal(stopped.last.w, gradient_descent(rnn, X, Y, 0.03, 5).last.w)
    at_once = gradient_descent(rnn, X, Y, 0.03, 12, stop_below=1e9)
    assert len(at_once.risks) == 1
    assert torch.equal(at_once.average.w, rnn.w) and torch.equal(at_once.last.u, rnn.u)


def test_exit_time(problem):
    rnn, X, Y = problem
    run = gradient_descent(rnn, X, Y, 0.05, 8)
    far = 10.0 * math.sqrt(6)
    for movement, both in (
        (run.movement_w, lambda reach: (reach, far)),
        (run.movement_u, lambda reach: (far, reach)),
    ):
        reach = float(movement[3]) * math.sqrt(6)
        first = next(s for s in range(9) if float(movement[s]) > reach / math.sqrt(6))
        assert exit_time(run, *both(reach)) == first
        assert exit_time(run, *both(0.999 * reach)) <= 3
    assert exit_time(run, far, far) is None
    with pytest.raises(ValueError, match="reach_u must be positive"):
        exit_time(run, 1.0, 0.0)


class Interruption(Exception):
    pass


@pytest.mark.parametrize("interrupted_at", [3, 4, 7])
def test_an_interrupted_run_continues_to_the_bit(problem, monkeypatch, tmp_path, interrupted_at):
    rnn, X, Y = problem
    path, towards = tmp_path / "run.pt", rnn.at(rnn.w + 0.1, rnn.u)
    monkeypatch.setattr(trainers, "CHECKPOINT_EVERY", 2)
    arguments = (rnn, X, Y, 0.05, 9, 0.2, 0.2)
    whole = projected_gradient_descent(*arguments, attractor=towards)
    calls = []

    def interrupt(*problem):
        calls.append(1)
        if len(calls) > interrupted_at:
            raise Interruption
        return risk_and_gradient(*problem)

    with monkeypatch.context() as patch:
        patch.setattr(trajectory, "risk_and_gradient", interrupt)
        with pytest.raises(Interruption):
            projected_gradient_descent(*arguments, attractor=towards, checkpoint=path)
    saved = torch.load(path, weights_only=True)
    assert len(saved["records"]) == interrupted_at // 2 * 2
    ended = projected_gradient_descent(*arguments, attractor=towards, checkpoint=path)
    for part in ("risks", "movement_w", "movement_u", "lyapunov"):
        assert torch.equal(getattr(ended, part), getattr(whole, part))
    for part in ("last", "average"):
        assert torch.equal(getattr(ended, part).w, getattr(whole, part).w)
        assert torch.equal(getattr(ended, part).u, getattr(whole, part).u)
    assert not path.with_name("run.pt.part").exists()


def test_a_checkpoint_of_another_run_is_refused(problem, monkeypatch, tmp_path):
    rnn, X, Y = problem
    monkeypatch.setattr(trainers, "CHECKPOINT_EVERY", 2)
    path = tmp_path / "run.pt"
    gradient_descent(rnn, X, Y, 0.05, 5, checkpoint=str(path))
    longer = gradient_descent(rnn, X, Y, 0.05, 7, checkpoint=path)
    assert torch.equal(longer.risks, gradient_descent(rnn, X, Y, 0.05, 7).risks)
    others = [
        lambda: gradient_descent(rnn, X, Y, 0.06, 7, checkpoint=path),
        lambda: gradient_descent(rnn, X, Y + 0.1, 0.05, 7, checkpoint=path),
        lambda: gradient_descent(rnn, 0.9 * X, Y, 0.05, 7, checkpoint=path),
        lambda: gradient_descent(rnn, X, Y, 0.05, 7, stop_below=0.0, checkpoint=path),
        lambda: gradient_descent(rnn, X, Y, 0.05, 7, attractor=rnn, checkpoint=path),
        lambda: gradient_descent(rnn.at(rnn.w + 1, rnn.u), X, Y, 0.05, 7, checkpoint=path),
        lambda: gradient_descent(rnn, X, Y, 0.05, 7, longer.last, checkpoint=path),
        lambda: projected_gradient_descent(rnn, X, Y, 0.05, 7, 1.0, 1.0, checkpoint=path),
    ]
    for other in others:
        with pytest.raises(ValueError, match="belongs to another run; remove it or name another"):
            other()
    for steps in (2, 5):
        with pytest.raises(ValueError, match=f"holds 6 steps, more than steps = {steps}"):
            gradient_descent(rnn, X, Y, 0.05, steps, checkpoint=path)
    exact = gradient_descent(rnn, X, Y, 0.05, 6, checkpoint=path)
    assert torch.equal(exact.last.w, gradient_descent(rnn, X, Y, 0.05, 6).last.w)


def test_projections_with_other_radii_are_other_runs(problem, monkeypatch, tmp_path):
    rnn, X, Y = problem
    monkeypatch.setattr(trainers, "CHECKPOINT_EVERY", 2)
    path = tmp_path / "run.pt"
    projected_gradient_descent(rnn, X, Y, 0.05, 5, 0.2, 0.3, checkpoint=path)
    with pytest.raises(ValueError, match="belongs to another run"):
        projected_gradient_descent(rnn, X, Y, 0.05, 5, 0.3, 0.2, checkpoint=path)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"step_size": 0.0}, "step_size must be positive, got 0.0"),
        ({"step_size": -0.1}, "step_size must be positive"),
        ({"step_size": math.nan}, "step_size must be finite"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"radius_w": 0.0}, "radius_w must be positive"),
        ({"radius_u": -1.0}, "radius_u must be positive"),
        ({"stop_below": math.inf}, "stop_below must be finite"),
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
    with pytest.raises(ValueError, match="step_size 1e.09 is too large: the iterate after step 1"):
        gradient_descent(rnn, [[[1.0], [1.0], [1.0]]], [[0.0, 0.0, 0.0]], 1e9, 50)


def test_a_centre_of_another_shape_is_refused(problem):
    rnn, _, _ = problem
    other = DiagonalRNN(rnn.w, rnn.u[:, :2], rnn.c, tanh)
    with pytest.raises(ValueError, match=r"centre must have u of shape \(6, 3\), got \(6, 2\)"):
        project(rnn, other, 1.0, 1.0)
