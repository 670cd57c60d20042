"""Targets against their formulas, samples against the law that they are drawn from."""

import math
from fractions import Fraction

import pytest
import torch

from companion.relu.complexity import PowerSeries, arctangent, exponential, polynomial
from companion.relu.concept_classes import Term, sample, target

FIRST = torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64)


@pytest.fixture
def X(generator):
    return torch.randn(6, 4, 3, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(
    ("series", "function"),
    [
        (polynomial(1, -2, 0, 5), lambda z: 1 - 2 * z + 5 * z**3),
        (polynomial(3), lambda z: 3.0),
        (exponential, math.exp),
        (arctangent, lambda z: math.atan(z / 2)),
    ],
)
@pytest.mark.parametrize("positions", [(1,), (4,), (2, 4), (3, 1, 2)])
def test_a_term_is_its_function_of_the_argument(X, generator, series, function, positions):
    beta = torch.randn(3 * len(positions), generator=generator, dtype=torch.float64)
    beta = 0.9 * beta / beta.norm()
    found = target([Term(positions, beta, series)], X)
    for x, value in zip(X.tolist(), found.tolist(), strict=True):
        joined = [entry for place in positions for entry in x[place - 1]]
        longest = max(math.hypot(*x[place - 1]) for place in positions)
        inner = sum(a * b for a, b in zip(beta.tolist(), joined, strict=True))
        z = inner / (math.sqrt(len(positions)) * longest)
        assert math.isclose(value, function(z), rel_tol=1e-12, abs_tol=1e-14)


def test_terms_are_added_and_reach_the_ends_of_the_disc(X):
    one, other = (
        Term((1,), FIRST, exponential),
        Term((1, 3), torch.cat([FIRST, FIRST]) / 2, arctangent),
    )
    assert torch.equal(target([one, other], X), target([one], X) + target([other], X))
    along = FIRST.expand(1, 1, 3)
    assert target([one], along).item() == pytest.approx(math.e, rel=1e-14)
    assert target([one], -3.0 * along).item() == pytest.approx(1 / math.e, rel=1e-14)


def test_samples_have_margin_one_and_the_law_of_the_sphere(generator):
    # z is uniform on [-1, 1] in three dimensions: |3z| >= 1 keeps two thirds of it.
    X, F = sample([Term((2,), FIRST, polynomial(0, 3))], 3000, 3, generator)
    assert X.shape == (3000, 3, 3) and F.shape == (3000,)
    assert torch.allclose(X.norm(dim=-1), torch.ones(3000, 3).double(), rtol=1e-14)
    assert torch.allclose(F, 3 * X[:, 1] @ FIRST, rtol=1e-12) and float(F.abs().min()) >= 1.0
    sizes = (F.abs() / 3).sort().values
    uniform = 1 / 3 + 2 / 3 * (torch.arange(3000).double() + 0.5) / 3000
    assert float((sizes - uniform).abs().max()) < 0.03
    assert float(X.mean(dim=0).abs().max()) < 0.05
    assert 0.45 < float((F > 0).double().mean()) < 0.55


def test_the_first_samples_do_not_depend_on_their_number():
    terms = [Term((1,), FIRST, polynomial(0, 2))]
    short, long = (sample(terms, n, 2, torch.Generator().manual_seed(3)) for n in (7, 2000))
    assert torch.equal(short[0], long[0][:7]) and torch.equal(short[1], long[1][:7])


def test_rare_margins_are_found_and_missing_ones_refused(generator):
    # |z| >= 0.99 keeps one sequence in a hundred, |z| >= 0.9999 one in ten thousand.
    rare = [Term((1,), FIRST, polynomial(0, Fraction(100, 99)))]
    X, F = sample(rare, 30, 1, generator)
    assert len(F) == 30 and float((X[:, 0] @ FIRST).abs().min()) >= 0.99 - 1e-12
    for slope in (Fraction(10000, 9999), Fraction(1, 2)):
        with pytest.raises(ValueError, match="margin 1, got it on .* multiply the series"):
            sample([Term((1,), FIRST, polynomial(0, slope))], 3000, 1, generator)


def test_one_sequence_found_is_hardly_any():
    few = [Term((1,), FIRST, polynomial(0, Fraction(2000, 1999)))]
    with pytest.raises(ValueError, match="got it on 1 of 1,024"):
        sample(few, 1, 1, torch.Generator().manual_seed(2))
    with pytest.raises(ValueError, match="got it on 2 of 2,048"):
        sample(few, 6, 1, torch.Generator().manual_seed(13))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X: Term((), FIRST, exponential), "at least one, got"),
        (lambda X: Term((2, 2), torch.cat([FIRST] * 2) / 2, exponential), "different numbers"),
        (lambda X: Term((0,), FIRST, exponential), "position must be at least 1"),
        (lambda X: Term((1,), 1.1 * FIRST, exponential), "direction must have vectors"),
        (lambda X: Term((1, 2), FIRST, exponential), "a multiple of 2 entries, got 3"),
        (lambda X: Term((1,), FIRST, PowerSeries("1/(1-z)", Fraction, 1.0)), r"\|z\| < 2, got 1/"),
        (lambda X: target([], X), "at least one term"),
        (
            lambda X: target([Term((5,), FIRST, exponential)], X),
            "at least 5 inputs a sequence, got 4",
        ),
        (
            lambda X: target([Term((1,), FIRST, exponential)], 0 * X),
            "must not be zero at the positions",
        ),
        (lambda X: target([Term((1,), FIRST[:2], exponential)], X), "X must have shape"),
        (lambda X: sample([], 5, 2, torch.Generator()), "at least one term"),
        (
            lambda X: sample([Term((1,), FIRST, exponential)], 0, 2, torch.Generator()),
            "samples must be",
        ),
        (
            lambda X: sample([Term((1,), FIRST, exponential)], 5, 0, torch.Generator()),
            "length must be",
        ),
    ],
)
def test_bad_arguments_are_named(X, call, message):
    with pytest.raises(ValueError, match=message):
        call(X)
