"""The limits against direct formulas, the Hermite series, and very wide networks."""

import math

import pytest
import torch

from companion.relu import infinite_width
from companion.relu.infinite_width import kernel, limit, limit_of_inputs, relu_deficit
from companion.relu.ntk import backward_correlations, forward_correlations, gram
from companion.relu.rnn import Variances, random_initialisation


def arc_cosine(rho):
    """k of the series in (25), straight from its closed form."""
    return (math.sqrt(1 - rho * rho) + rho * (math.pi - math.acos(rho))) / math.pi


def direct(x, y, v, start=1.0):
    """K, Sigma, F and the kernel of one pair by the formulas, in plain Python."""
    p = q = K = start
    forward, sigma = [K], []
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        p, q = p + v * sum(s * s for s in a), q + v * sum(s * s for s in b)
        rho = (K + v * sum(s * t for s, t in zip(a, b, strict=True))) / math.sqrt(p * q)
        rho = min(1.0, max(-1.0, rho))
        sigma.append(0.5 + math.asin(rho) / math.pi)
        K = math.sqrt(p * q) * arc_cosine(rho)
        forward.append(K)
    backward = [0.5 * math.prod(sigma[k:]) for k in range(len(sigma))]
    total = sum(F * K for F, K in zip(backward, forward[:-1], strict=True))
    return forward, sigma, backward, total


@pytest.mark.parametrize(("v", "start"), [(None, 1.0), (0.7, 1.0), (2.0, 0.0), (0.3, 2.5)])
def test_all_pairs_follow_the_formulas(relu_problem, v, start):
    X = relu_problem["X"]
    found = limit_of_inputs(X, X[1:], input_variance=v, start=start)
    total = kernel(X, X[1:], input_variance=v, start=start)
    for i, x in enumerate(X):
        for j, y in enumerate(X[1:]):
            forward, sigma, backward, value = direct(x, y, 4**-3 if v is None else v, start)
            for got, want in (
                (found.forward, forward),
                (found.sigma, sigma),
                (found.backward, backward),
            ):
                want = torch.tensor(want, dtype=torch.float64)
                assert torch.allclose(got[:, i, j], want, rtol=1e-7, atol=1e-9)
            assert math.isclose(total[i, j].item(), value, rel_tol=1e-7)
    assert torch.allclose(found.kernel, total, rtol=1e-13)


@pytest.mark.parametrize("angle", [1e-6, 0.02, 0.0499, 0.0501, 0.3, 1.0, 2.5, 3.1])
def test_the_deficit_is_the_integral_of_its_slope(angle):
    # d/dt of 1 - k(cos t) is sin t (1 - t/pi); Simpson's rule is exact to rounding here.
    nodes = torch.linspace(0.0, angle, 2001, dtype=torch.float64)
    slope = nodes.sin() * (1.0 - nodes / math.pi)
    weights = torch.ones(2001, dtype=torch.float64)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    expected = (slope * weights).sum().item() * angle / 6000
    found = relu_deficit(torch.tensor([angle], dtype=torch.float64)).item()
    assert math.isclose(found, expected, rel_tol=3e-13)


def test_the_deficit_is_that_of_the_hermite_series():
    # mu_r^2 of (25): 1/pi, 1/2, 1/(2 pi), and then even r alone.
    rho, terms, mu = 0.6, [1 / math.pi, 0.3], 1 / (2 * math.pi)
    for r in range(2, 80, 2):
        terms.append(mu * rho**r)
        mu *= (r - 1) ** 2 / ((r + 1) * (r + 2))
    found = relu_deficit(torch.tensor([math.acos(rho)], dtype=torch.float64)).item()
    assert math.isclose(1.0 - found, sum(terms), rel_tol=1e-13)


def test_coinciding_inputs_are_exact(relu_problem):
    X = relu_problem["X"].clone()
    X[1], X[2, :2] = X[0], X[0, :2]
    found = limit_of_inputs(X, input_variance=0.9)
    assert not found.angles[:, 0, 1].any() and not found.angles[:, 3, 3].any()
    assert not found.angles[:2, 0, 2].any() and found.angles[2, 0, 2] > 0.1
    squares = 1.0 + 0.9 * X[0].square().sum(-1).cumsum(0)
    assert torch.allclose(found.forward[1:, 0, 1], squares, rtol=1e-14)
    assert torch.equal(found.backward[:, 0, 1], torch.full((4,), 0.5, dtype=torch.float64))


@pytest.mark.parametrize("distance", [1e-4, 1e-9])
@pytest.mark.parametrize("stretch", [0.0, 1.0])
@pytest.mark.parametrize(("v", "start"), [(0.5, 1.0), (0.1, 0.2)])
def test_close_inputs_lose_no_digits(distance, stretch, v, start):
    # One step, x = (1, 0) and y = x + distance (stretch, 1): the angle in closed form.
    x = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    y = x + distance * torch.tensor([[stretch, 1.0]], dtype=torch.float64)
    angle = limit_of_inputs(x[None], y[None], input_variance=v, start=start).angles.item()
    # States (sqrt(start), sqrt(v) x), (sqrt(start), sqrt(v) y): the sine is the area they span.
    move = math.sqrt(v) * (y - x)[0]
    a, b = [math.sqrt(start), math.sqrt(v)], [0.0, *move.tolist()]
    area = math.hypot(a[0] * b[1] - a[1] * b[0], a[0] * b[2], a[1] * b[2])
    lengths = math.sqrt((start + v) * (start + v * y.square().sum().item()))
    assert math.isclose(angle, math.asin(area / lengths), rel_tol=1e-6 if stretch else 1e-7)


def test_antipodal_and_zero_inputs():
    one = torch.ones(3, dtype=torch.float64)
    away = limit(one, one, 4 * one, input_variance=1.0, start=0.0)
    assert math.isclose(away.angles[0].item(), math.pi) and away.forward[1].item() < 1e-15
    still = limit(0 * one, 0 * one, 0 * one, input_variance=1.0)
    assert still.kernel.item() == 1.5 and not still.angles.any()
    lone = limit(one, 0 * one, one, input_variance=1.0)
    forward, *_ = direct(torch.ones(3, 1), torch.zeros(3, 1), 1.0)
    assert torch.allclose(lone.forward, torch.tensor(forward, dtype=torch.float64), rtol=1e-12)


def test_defaults_are_those_of_the_text(relu_problem):
    X, chosen = relu_problem["X"], {"input_variance": 4**-3, "start": 1.0}
    found = limit_of_inputs(X, **chosen)
    assert torch.equal(limit_of_inputs(X).forward, found.forward)
    assert torch.equal(kernel(X), kernel(X, **chosen))
    norms = X[0].square().sum(-1)
    assert torch.equal(limit(norms, norms, 0 * norms).forward, found.forward[:, 0, 0])


def test_every_step_of_a_long_sequence_counts():
    # Orthogonal inputs of norm one: no decay in L, and the value of the continuum law.
    values = []
    for length in (50, 100):
        one = torch.ones(length, dtype=torch.float64)
        values.append(limit(one, one, 2 * one).backward[0].item())
    assert 0.371 < values[0] < values[1] < 0.3736


def test_wide_networks_approach_the_limit(relu_problem, generator):
    X, m, v = relu_problem["X"][:3], 900, 0.6
    found = limit_of_inputs(X, input_variance=v)
    forward, backward, total = 0.0, 0.0, 0.0
    for _ in range(6):
        rnn = random_initialisation(m, 3, Variances(2 / m, 2 * v / m, 2 / m, 1.0), generator)
        forward = forward + forward_correlations(rnn, X) / 6
        backward = backward + backward_correlations(rnn, X) / 6
        total = total + gram(rnn, X) / 6
    same = torch.arange(5)
    seen = forward[..., same, same].movedim(-1, 0)
    assert (seen / found.forward - 1.0).abs().max() < 0.12
    assert (backward[..., same[:4], same[:4]].movedim(-1, 0) - found.backward).abs().max() < 0.06
    assert backward[..., 0, 1].abs().max() < 0.06
    assert (total / found.kernel - 1.0).abs().max() < 0.15


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"squared_norms": -1.0}, "squared_norms must not be negative, got -1"),
        ({"other_squared_norms": -1.0}, "other_squared_norms must not be negative"),
        ({"squared_distances": -1.0}, "squared_distances must not be negative"),
        ({"squared_distances": 4.1}, "between the squared difference .* outside by 0.1"),
        ({"other_squared_norms": 4.0, "squared_distances": 0.9}, "outside by 0.1"),
        ({"squared_norms": math.inf}, "squared_norms must be finite"),
    ],
)
def test_impossible_geometry_is_refused(change, message):
    ones = {"squared_norms": 1.0, "other_squared_norms": 1.0, "squared_distances": 1.0} | change
    arrays = [torch.full((2,), value, dtype=torch.float64) for value in ones.values()]
    with pytest.raises(ValueError, match=message):
        limit(*arrays)


def test_bad_arguments_are_named(relu_problem):
    X, one = relu_problem["X"], torch.ones(2, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"other must have shape \(k, 4, 3\)"):
        kernel(X, X[:, :2])
    with pytest.raises(ValueError, match=r"other_squared_norms must have shape \(2\)"):
        limit(one, torch.ones(3, dtype=torch.float64), one)
    for call in (kernel, limit_of_inputs):
        with pytest.raises(ValueError, match="input_variance must be positive"):
            call(X, input_variance=0.0)
        with pytest.raises(ValueError, match="start must not be negative, got -1"):
            call(X, start=-1.0)
        with pytest.raises(ValueError, match="the first input of every sequence must not be zero"):
            call(torch.cat([0 * X[:, :1], X[:, 1:]], dim=1), start=0.0)
        assert call(torch.cat([X[:, :1], 0 * X[:, 1:]], dim=1), start=0.0) is not None
    for first, second in ((one, 0 * one), (0 * one, one)):
        with pytest.raises(ValueError, match="the first input"):
            limit(first, second, one, start=0.0)
    with pytest.raises(ValueError, match="the first input"):
        kernel(X, 0 * X, start=0.0)


def test_rounding_of_a_distance_is_forgiven():
    one = torch.ones(2, dtype=torch.float64)
    far = limit(one, one, 4 * one * (1 + 1e-12), start=0.0)
    assert math.isclose(far.angles[0].item(), math.pi)
    large = 1e4 * one
    assert limit(large, large, 4 * large * (1 + 1e-11)).angles.isfinite().all()
    with pytest.raises(ValueError, match="squared_distances"):
        limit(one, one, 4 * one * (1 + 1e-8))


@pytest.mark.parametrize("tile", [1, 2, 3, 5, 128])
def test_tiles_of_pairs_make_the_whole_kernel(relu_problem, monkeypatch, tile):
    X = relu_problem["X"]
    other = torch.cat([X[:2], 0.5 * X.flip(0)])
    seen, of_pairs = [], infinite_width._tile

    def recorded(rows, columns, *rest):
        seen.append((len(rows), len(columns)))
        return of_pairs(rows, columns, *rest)

    assert infinite_width.TILE == 128
    monkeypatch.setattr(infinite_width, "TILE", tile)
    monkeypatch.setattr(infinite_width, "_tile", recorded)
    H = kernel(X)
    assert torch.allclose(H, limit_of_inputs(X).kernel, rtol=1e-13)
    assert torch.equal(H, H.T) or tile == 128
    across = -(-5 // tile)
    assert len(seen) == across * (across + 1) // 2 and max(seen) == (min(tile, 5), min(tile, 5))
    crossed = kernel(X, other)
    assert torch.allclose(crossed, limit_of_inputs(X, other).kernel, rtol=1e-13)
    assert len(seen) == across * (across + 1) // 2 + across * -(-7 // tile)
