"""Complexities against closed forms, plain sums with exact fractions, and brute force."""

import itertools
import math
from fractions import Fraction

import pytest

from companion.relu import complexity as module
from companion.relu.complexity import (
    Complexity,
    PowerSeries,
    additive_complexity,
    arctangent,
    complexity,
    exponential,
    joint_complexity,
    joint_complexity_corrected,
    log_multinomial,
    n_variables_complexity,
    polynomial,
)

CUBIC = polynomial(2, Fraction(-1, 3), 0, 5)


def close(found, log_value, rel=1e-12):
    return math.isclose(found.log, log_value, rel_tol=rel, abs_tol=1e-13)


@pytest.mark.parametrize("radius", [0.01, 0.5, 1.0, 7.0, 600.0])
def test_the_exponential_in_closed_form(radius):
    # 1 + R exp(R), in logarithms.
    top = math.log(radius) + radius
    expected = max(0.0, top) + math.log1p(math.exp(-abs(top)))
    assert close(complexity(exponential, radius), expected)


@pytest.mark.parametrize("radius", [0.1, 1.0, 1.9, 1.99])
def test_the_arctangent_in_closed_form(radius):
    # i |c_i| = 2^-i for odd i.
    assert close(complexity(arctangent, radius), math.log1p((radius / 2) / (1 - radius**2 / 4)))


@pytest.mark.parametrize("radius", [0.3, 2.0, 1e200])
def test_a_polynomial_term_by_term(radius):
    exact = 1 + Fraction(1, 3) * Fraction(radius) + 15 * Fraction(radius) ** 3
    expected = math.log(exact.numerator) - math.log(exact.denominator)
    assert close(complexity(CUBIC, radius), expected)


@pytest.mark.parametrize("power", [0.5, 0.75, 2.0])
def test_another_power_of_the_degree(power):
    found = complexity(polynomial(9, -2, 0, 5), 1.5, power=power)
    assert found.value == pytest.approx(1 + 2 * 1.5 + 3**power * 5 * 1.5**3, rel=1e-12)


def test_series_are_those_of_the_functions():
    for series, function, z in (
        (exponential, math.exp, 1.3),
        (arctangent, lambda z: math.atan(z / 2), 0.9),
        (CUBIC, lambda z: 2 - z / 3 + 5 * z**3, 0.7),
    ):
        value = sum(float(series.coefficient(i)) * z**i for i in range(60))
        assert math.isclose(value, function(z), rel_tol=1e-13)
    assert CUBIC.degree == 3 and CUBIC.name == "2 z^0 + -1/3 z^1 + 5 z^3"
    assert exponential.log_size(7) == pytest.approx(-math.log(5040))
    assert exponential.degree is None and exponential.radius == math.inf


@pytest.mark.parametrize("radius", [2.0, 2.5])
def test_a_divergent_sum_is_infinite_and_says_why(radius):
    found = complexity(arctangent, radius)
    assert not found.finite and found.value == math.inf
    assert (
        found.reason == f"the series of arctan(z/2) converges for |z| < 2 only, and R = {radius:g}"
    )
    assert found.times(3.0) == found
    assert complexity(arctangent, 1.9).finite and complexity(arctangent, 1.9).reason == ""


def test_values_beyond_floating_point_keep_their_logarithm():
    assert complexity(exponential, 5000.0).value == math.inf
    assert complexity(exponential, 5000.0).finite
    assert Complexity(2.0).times(3.0) == Complexity(5.0)
    assert Complexity(708.5).value == math.exp(708.5) and Complexity(709.5).value == math.inf


@pytest.mark.parametrize(("total", "parts"), [(1, 1), (5, 1), (4, 2), (7, 2), (7, 3), (8, 4)])
def test_the_largest_multinomial_by_brute_force(total, parts):
    splits = itertools.product(range(1, total + 1), repeat=parts)
    largest = max(
        math.factorial(total) // math.prod(map(math.factorial, split))
        for split in splits
        if sum(split) == total
    )
    assert math.isclose(math.exp(log_multinomial(total, parts)), largest, rel_tol=1e-12)


@pytest.mark.parametrize(("inputs", "length", "c_1"), [(1, 3, 100.0), (2, 3, 100.0), (3, 5, 2.0)])
def test_the_joint_complexity_term_by_term(inputs, length, c_1):
    total = 1.0
    for i in range(inputs, 60):
        weight = length ** (1.5 * inputs) * c_1**inputs * (i / inputs) ** inputs
        largest = math.exp(0.5 * log_multinomial(i, inputs))
        total += weight * largest * 1.5**i / math.factorial(i)
    found = joint_complexity(exponential, 1.5, inputs, length, c_1)
    assert close(found, math.log(total), rel=1e-11)
    if c_1 == 100.0:
        assert found == joint_complexity(exponential, 1.5, inputs, length)


def test_terms_of_too_low_a_degree_are_left_out():
    assert joint_complexity(polynomial(1, 1), 1.0, 2, 3).value == 1.0


@pytest.mark.parametrize(("inputs", "length", "c_1"), [(1, 3, 100.0), (2, 3, 100.0), (4, 5, 2.0)])
def test_the_corrected_joint_complexity_term_by_term(inputs, length, c_1):
    total = 1.0
    for i in range(1, 60):
        splits = itertools.product(range(i + 1), repeat=inputs - 1) if i < 9 else ()
        sizes = [(*split, i - sum(split)) for split in splits if sum(split) <= i]
        least = (math.prod(map(math.factorial, size)) for size in sizes)
        largest = math.factorial(i) / min(least, default=1)
        largest = largest if i < 9 else math.exp(log_multinomial(i, inputs))
        weight = length ** (1.5 * inputs) * c_1**inputs * (max(i, inputs) / inputs) ** inputs
        total += weight * math.sqrt(largest) * 1.5**i / math.factorial(i)
    found = joint_complexity_corrected(exponential, 1.5, inputs, length, c_1)
    assert close(found, math.log(total), rel=1e-11)
    if c_1 == 100.0:
        assert found == joint_complexity_corrected(exponential, 1.5, inputs, length)


def test_the_corrected_joint_complexity_charges_low_degrees_and_keeps_the_radius():
    assert close(joint_complexity_corrected(polynomial(1, 1), 0.5, 2, 1, 3.0), math.log(5.5))
    printed, found = (
        f(arctangent, 1.5, 2, 3) for f in (joint_complexity, joint_complexity_corrected)
    )
    assert not found.finite and found == printed


@pytest.mark.parametrize(("radius", "inputs"), [(1.0, 4), (2.0, 1), (1.5, 2)])
def test_the_joint_complexity_diverges_from_the_radius_over_the_root_of_n(radius, inputs):
    found = joint_complexity(arctangent, radius, inputs, 3)
    edge = f"{math.sqrt(inputs) * radius:g}"
    assert not found.finite
    assert (
        found.reason
        == f"the series of arctan(z/2) converges for |z| < 2 only, and sqrt(N) R = {edge}"
    )
    assert joint_complexity(arctangent, 0.9 * radius * 2 / float(edge), inputs, 3).finite


def test_the_additive_complexity_adds_and_scales():
    # (10) with L = 4, C_0 = 3: 4^3.5 times the complexities at radius 6.
    parts = complexity(exponential, 6.0).value + complexity(CUBIC, 6.0).value
    found = additive_complexity([exponential, CUBIC], 4, 3.0)
    assert close(found, math.log(128 * parts))
    assert additive_complexity([exponential], 4) == additive_complexity([exponential], 4, 1.0)
    infinite = additive_complexity([exponential, arctangent], 4, 3.0)
    assert not infinite.finite and "arctan" in infinite.reason
    huge = additive_complexity([exponential, exponential], 10**6)
    assert close(huge, complexity(exponential, 1e3).log + math.log(2) + 3.5 * math.log(1e6))


def test_the_smaller_of_both_complexities_is_taken():
    cases = ((exponential, 9, 2, 1), (exponential, 9, 2, 6), (CUBIC, 16, 3, 2), (CUBIC, 4, 1, 0))
    chosen = []
    for series, length, inputs, reach in cases:
        radius = 1.5 * math.sqrt(length)
        few = joint_complexity(series, radius, inputs, length, 7.0).log + 2 * math.log(length)
        near = complexity(series, 2**reach * radius).log + 3.5 * math.log(length)
        chosen.append(few < near)
        found = n_variables_complexity(series, length, inputs, reach, 1.5, 7.0)
        assert close(found, min(few, near))
    assert set(chosen) == {True, False}
    plain = n_variables_complexity(exponential, 9, 2, 6)
    assert plain == n_variables_complexity(exponential, 9, 2, 6, 1.0, 100.0)


def test_a_radius_beyond_floating_point_does_not_stop_the_minimum():
    # 2^l_0 exceeds floating point; the second entry of (12) is then the larger one.
    few = joint_complexity(exponential, math.sqrt(2000.0), 2, 2000).times(2 * math.log(2000))
    assert n_variables_complexity(exponential, 2000, 2, 1500) == few
    few = joint_complexity(CUBIC, math.sqrt(2000.0), 2, 2000).times(2 * math.log(2000))
    assert n_variables_complexity(CUBIC, 2000, 2, 1999) == few
    # Entries of one input: the second is (6) itself, its radius twice a root.
    small = n_variables_complexity(polynomial(0, 1), 2, 2, 1, c_1=1e9)
    assert small == Complexity(0.0).times(2 * math.log(2))
    assert not n_variables_complexity(arctangent, 4, 2, 1).finite


def test_sums_that_are_too_long_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_TERMS", 50)
    with pytest.raises(ValueError, match=r"log R = 4.60517 needs more than 50 terms of exp\(z\)"):
        complexity(exponential, 100.0)
    assert complexity(exponential, 1.0).finite
    assert close(complexity(polynomial(*[0] * 80, 1), 100.0), math.log(80) + 80 * math.log(100))


def test_a_polynomial_is_summed_to_its_degree():
    gap = polynomial(0, 10**40, 1, *[0] * 77, 1)
    assert close(complexity(gap, 100.0), math.log(80) + 160 * math.log(10))


def test_a_growing_then_falling_series_is_summed_to_its_end():
    # Terms rise up to i = 39 and fall from 40 on.
    late = PowerSeries("late", lambda i: Fraction(1, 10**i) if i < 40 else Fraction(1, i**i))
    found = complexity(late, 20.0)
    expected = 1 + sum(i * 2.0**i for i in range(1, 40))
    expected += sum(i * (20.0 / i) ** i for i in range(40, 200))
    assert close(found, math.log(expected), rel=1e-11)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: polynomial(), r"coefficients must end with one that is not zero, got \(\)"),
        (lambda: polynomial(1, 0), r"got \(1, 0\)"),
        (lambda: complexity(exponential, 0.0), "radius must be positive"),
        (lambda: complexity(exponential, 1.0, power=0.0), "power must be positive"),
        (lambda: joint_complexity(exponential, 1.0, 0, 1), "inputs must be at least 1"),
        (lambda: joint_complexity(exponential, 1.0, 1, 0), "length must be at least 1"),
        (lambda: joint_complexity(exponential, 1.0, 1, 1, 0.0), "c_1 must be positive"),
        (lambda: joint_complexity(exponential, -1.0, 1, 1), "radius must be positive"),
        (lambda: log_multinomial(2, 3), "total must be at least 3"),
        (lambda: log_multinomial(2, 0), "parts must be at least 1"),
        (lambda: additive_complexity([], 4), "at least one power series"),
        (lambda: additive_complexity([exponential], 4, -1.0), "spread must be positive"),
        (lambda: n_variables_complexity(exponential, 4, 3, 1), "reach must be at least 2"),
        (lambda: n_variables_complexity(exponential, 4, 2, 4), "smaller than length = 4, got 4"),
        (lambda: n_variables_complexity(exponential, 4, 2, 1, 0.0), "spread must be positive"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
