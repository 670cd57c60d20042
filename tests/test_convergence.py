"""The theorems' right sides against formulas written out; prescriptions against their theorems."""

import math

import pytest

from companion.activations import logistic, tanh
from companion.diagonal import bounds, convergence
from companion.diagonal.convergence import (
    Setting,
    free_width,
    prescribe,
    printed_error,
    residual_error,
    step_size_sharper,
    theorem_1_corrected,
    theorem_1_printed,
    theorem_1_sharper,
    theorem_2_printed,
)

SETTING = Setting(tanh.rescaled(0.8, 0.6), 0.7, 3, 0.5, 1.2, samples=5, dimension=2)
SHAPE, NU = SETTING.activation, 1.3
PLAIN = {"alpha": 0.7, "dimension": 2}
M, TAU, DELTA = 400, 2500, 0.2
ALPHA_M = 0.7 + 0.5 / 20


def at(formula, t, alpha_m, *more, **named):
    return formula(t, alpha_m, SHAPE, *more, **named)


def err(alpha_m, radius):
    """Equation (19), term by term."""
    steep = at(bounds.product_lipschitz_printed, 3, alpha_m)
    bent = at(bounds.product_smoothness_printed, 3, alpha_m, **PLAIN)
    beta = at(bounds.smoothness_printed, 3, alpha_m, **PLAIN)
    first = at(bounds.lipschitz_printed, 3, alpha_m) * NU * math.sqrt(math.log(2 * 3 * 5 / DELTA))
    second = 2 * radius**2 * (SHAPE.sigma_2 * steep**2 + SHAPE.sigma_1 * bent)
    return first + second + 2 * beta * radius**2


def test_equation_19():
    assert printed_error(SETTING, 0.9, 2.0, DELTA) == pytest.approx(err(0.9, 2.0), rel=1e-13)


def test_equation_18():
    lipschitz = at(bounds.lipschitz_printed, 3, ALPHA_M)
    size = lipschitz * NU + at(bounds.system_printed, 3, 0.7, 0.5, 1.2)
    expected = 3 / 50 * (NU**2 / 2 + lipschitz**2 * size**2 / 2) + 3 * size / 20 * err(ALPHA_M, NU)
    assert theorem_1_printed(SETTING, M, TAU, DELTA) == pytest.approx(expected, rel=1e-13)


def test_theorem_1_corrected():
    lipschitz = at(bounds.lipschitz_corrected, 3, ALPHA_M)
    system = at(bounds.system_printed, 3, 0.7, 0.5, 1.2)
    size = lipschitz * NU + system
    sampling = 2 * system * math.sqrt(math.log(30 / DELTA))
    curved = 1.5 * at(bounds.smoothness_corrected, 3, ALPHA_M) * NU**2
    expected = 3 / 50 * (NU**2 / 4 + lipschitz**2 * size**2) + 3 * size / 20 * (sampling + curved)
    assert theorem_1_corrected(SETTING, M, TAU, DELTA) == pytest.approx(expected, rel=1e-13)


def over_times(formula, alpha_m, *more):
    return math.sqrt(sum(at(formula, t, alpha_m, *more) ** 2 for t in (1, 2, 3)))


def floor(alpha_m, width):
    spread = over_times(bounds.system_sharper, 0.7, 0.5, 1.2)
    sampling = math.sqrt(2) * spread * (1 + math.sqrt(2 * math.log(1 / DELTA)))
    return (sampling + NU**2 * over_times(bounds.smoothness_sharper, alpha_m)) / math.sqrt(width)


def test_theorem_1_sharper():
    assert residual_error(SETTING, 90, 0.9, DELTA) == pytest.approx(floor(0.9, 90), rel=1e-13)
    slopes = over_times(bounds.lipschitz_sharper, ALPHA_M)
    assert step_size_sharper(SETTING, ALPHA_M) == pytest.approx(1 / (4 * slopes**2), rel=1e-13)
    expected = (4 * floor(ALPHA_M, M) / 3 + NU * math.sqrt(4 * slopes**2 / (3 * TAU))) ** 2
    assert theorem_1_sharper(SETTING, M, TAU, DELTA) == pytest.approx(expected, rel=1e-13)


def test_theorem_2_as_printed():
    epsilon = 0.02
    target = 0.7 + math.sqrt(0.04)
    lipschitz = at(bounds.lipschitz_printed, 3, target)
    reach = lipschitz * NU**2 / math.sqrt(epsilon)
    size = lipschitz * math.sqrt(2) * reach + at(bounds.system_printed, 3, 0.7, 0.5, 1.2)
    eta = epsilon / (2 * 9 * lipschitz**2 * size**2)
    plan = theorem_2_printed(SETTING, epsilon, DELTA)
    least = (err(target, math.sqrt(2) * reach) ** 2 + reach**2) / (2 * epsilon)
    assert plan.step_size == pytest.approx(eta, rel=1e-13)
    assert plan.width % 2 == 0 and least <= plan.width < least + 2
    steps = NU**2 / ((math.sqrt(2) + 1) ** 2 * eta * epsilon)
    assert steps <= plan.steps < steps + 1


def asked(epsilon, theorem, setting=SETTING):
    return prescribe(
        epsilon,
        DELTA,
        setting.activation,
        setting.alpha,
        setting.horizon,
        (setting.nu_w, setting.nu_u),
        setting.samples,
        dimension=setting.dimension,
        theorem=theorem,
    )


@pytest.mark.parametrize(
    "theorem, rhs",
    [("projected, printed", theorem_1_printed), ("projected, corrected", theorem_1_corrected)],
)
def test_theorem_1_turned_round(theorem, rhs):
    """Enough, and hardly more: half a target's worth at two units less, and at fewer steps."""
    epsilon = 0.5
    plan = asked(epsilon, theorem)
    forever = 10**60
    assert rhs(SETTING, plan.width, forever, DELTA) <= epsilon / 2 * (1 + 1e-12)
    assert rhs(SETTING, plan.width - 2, forever, DELTA) > epsilon / 2
    assert rhs(SETTING, plan.width, plan.steps, DELTA) <= epsilon * (1 + 1e-9)
    assert plan.steps == pytest.approx(
        ((rhs(SETTING, plan.width, 1, DELTA) - epsilon / 2) * 2 / epsilon) ** 2, rel=1e-2
    )
    assert plan.step_size == pytest.approx(1 / (3 * math.sqrt(plan.steps)), rel=1e-13)


def test_the_sharper_projected_theorem_turned_round():
    plan = asked(0.05, "projected, sharper")
    moduli = [0.7 + 0.5 / math.sqrt(m) for m in (plan.width, plan.width - 2)]
    assert plan.width % 2 == 0
    assert floor(moduli[0], plan.width) <= math.sqrt(0.05) / 2
    assert floor(moduli[1], plan.width - 2) > math.sqrt(0.05) / 2
    slopes = over_times(bounds.lipschitz_sharper, moduli[0])
    assert plan.step_size == pytest.approx(1 / (4 * slopes**2), rel=1e-13)
    assert 4 * slopes**2 * NU**2 / 0.05 <= plan.steps < 4 * slopes**2 * NU**2 / 0.05 + 1


@pytest.mark.parametrize("omega", [0.004, 0.03, 0.5])
def test_the_width_without_projection(omega):
    a, epsilon = 0.7 + omega, 0.05
    needs = (
        4 * floor(a, 1) ** 2 / epsilon,
        4 * over_times(bounds.sensitivity_in_w, a) ** 2 * NU**4 / (epsilon * omega**2),
        0.25 / omega**2,
    )
    found = free_width(SETTING, omega, epsilon, DELTA)
    assert found % 2 == 0 and max(needs) <= found < max(needs) + 2


def test_each_need_binds_somewhere():
    slow = Setting(tanh.rescaled(1e-3, 1.0), 0.7, 2, 3.0, 0.1, samples=5, dimension=2)
    assert free_width(slow, 0.01, 1.0, DELTA) == 90_000  # nu_w^2 / omega^2
    assert free_width(slow, 1e4, 1e9, DELTA) == 2


def test_the_sharper_free_theorem_takes_the_best_omega():
    plan = asked(0.05, "free, sharper")
    costs = []
    for k in range(-24, 9):
        omega = 0.7 * 10 ** (k / 8)
        slopes = over_times(bounds.lipschitz_sharper, 0.7 + omega)
        steps = math.ceil(4 * slopes**2 * NU**2 / 0.05)
        costs.append((free_width(SETTING, omega, 0.05, DELTA) * steps, steps, 1 / (4 * slopes**2)))
    best = min(costs)
    assert plan.width * plan.steps == best[0] and plan.steps == best[1]
    assert plan.step_size == pytest.approx(best[2], rel=1e-13)


def test_the_smallest_width(monkeypatch):
    for least in range(1, 40):
        found = convergence._smallest_width(SETTING, lambda m, least=least: least - m, 0)
        assert found == max(2, least + least % 2)
    monkeypatch.setattr(convergence, "DOUBLINGS", 3)
    assert convergence._smallest_width(SETTING, lambda m: 8 - m, 0) == 8
    with pytest.raises(ValueError, match=r"no width up to 2\^3 is enough"):
        convergence._smallest_width(SETTING, lambda m: 9 - m, 0)


def test_a_modulus_that_overflows_at_small_widths_only():
    """At m = 2 the powers of the modulus overflow; at the width asked for they do not."""
    plan = prescribe(0.05, 0.1, tanh, 0.5, 40, (1e6, 0.5), 8, theorem="projected, sharper")
    setting = Setting(tanh, 0.5, 40, 1e6, 0.5, samples=8, dimension=1)
    with pytest.raises(OverflowError):
        residual_error(setting, 2, 0.5 + 1e6 / math.sqrt(2), 0.1)
    alpha_m = 0.5 + 1e6 / math.sqrt(plan.width)
    assert residual_error(setting, plan.width, alpha_m, 0.1) <= math.sqrt(0.05) / 2


def test_a_large_first_term_leaves_the_floor_alone():
    """At z = 2 and T = 24 the first term of the printed bound exceeds 10^30."""
    plan = prescribe(1.0, 0.1, tanh, 2.0, 24, (0.1, 0.5), 8, theorem="projected, printed")
    setting = Setting(tanh, 2.0, 24, 0.1, 0.5, samples=8, dimension=1)
    assert theorem_1_printed(setting, plan.width, plan.steps, 0.1) <= 1.0 + 1e-9
    assert theorem_1_printed(setting, plan.width - 2, 10**300, 0.1) > 0.5


def test_an_omega_that_overflows_is_passed_over():
    """At T = 110 the constants overflow at eleven times alpha, not at small omega."""
    setting = Setting(tanh, 0.5, 110, 0.1, 0.5, samples=8, dimension=1)
    with pytest.raises(OverflowError):
        free_width(setting, 5.0, 0.05, 0.1)
    plan = prescribe(0.05, 0.1, tanh, 0.5, 110, (0.1, 0.5), 8)
    costs = [
        free_width(setting, omega, 0.05, 0.1) / step_size_sharper(setting, 0.5 + omega)
        for omega in (0.5 * 10 ** (k / 8) for k in range(-24, 0))
    ]
    assert plan.width / plan.step_size == pytest.approx(min(costs), rel=1e-3)


def test_small_movements_ask_for_a_small_omega():
    """The best omega is below a tenth of alpha here, on one side of the grid only."""
    still = Setting(tanh, 2.0, 2, 1e-4, 1e-3, samples=5, dimension=2)
    plan = asked(1e-7, "free, sharper", still)
    found = [
        k
        for k in range(-24, 9)
        if step_size_sharper(still, 2.0 + 2.0 * 10 ** (k / 8)) == plan.step_size
    ]
    assert len(found) == 1 and found[0] < -8


def test_the_printed_free_theorem_aims_at_four_ninths():
    assert asked(0.09, "free, printed") == theorem_2_printed(SETTING, 4 / 9 * 0.09, DELTA)


def test_the_default_is_the_sharper_free_theorem():
    found = prescribe(0.05, DELTA, SHAPE, 0.7, 3, (0.5, 1.2), 5)
    assert found == asked(0.05, "free, sharper")
    wider = prescribe(0.5, DELTA, SHAPE, 0.7, 3, (0.5, 1.2), 5, theorem="projected, printed")
    assert wider.width < asked(0.5, "projected, printed").width  # d = 1 against d = 2


def test_a_single_bound_may_vanish():
    assert Setting(logistic, 0.5, 2, 0.0, 1.0, samples=1, dimension=1).nu == 1.0
    plan = prescribe(0.05, 0.1, logistic, 0.5, 2, (0.0, 1.0), 4)
    assert plan.width > 2


@pytest.mark.parametrize(
    "change, message",
    [
        ({"epsilon": 0.0}, "epsilon must be positive"),
        ({"delta": 1.0}, "delta must lie strictly between 0 and 1"),
        ({"delta": 0.0}, "delta must lie strictly between 0 and 1"),
        ({"alpha": -1.0}, "alpha must be positive"),
        ({"horizon": 0}, "horizon must be at least 1"),
        ({"n": 0}, "samples must be at least 1"),
        ({"nu": (-0.1, 1.0)}, "nu_w must not be negative, got -0.1"),
        ({"nu": (1.0, -0.1)}, "nu_u must not be negative, got -0.1"),
        ({"nu": (0.0, 0.0)}, "must not both be zero"),
        ({"theorem": "best"}, "theorem must be one of 'projected, printed'"),
        (
            {"alpha": 3.0, "horizon": 2000, "theorem": "projected, printed"},
            r"no width up to 2\^400 is enough: at horizon 2000 and alpha sigma_1 = 3",
        ),
        (
            {"activation": logistic, "alpha": 12.0, "horizon": 2000},
            "no finite width can be given: at horizon 2000 and alpha sigma_1 = 3, constants exceed",
        ),
        ({"epsilon": 1e-120, "theorem": "projected, printed"}, r"no width up to 2\^400 is enough"),
    ],
)
def test_refusals(change, message):
    arguments = {
        "epsilon": 0.1,
        "delta": 0.1,
        "activation": tanh,
        "alpha": 0.5,
        "horizon": 2,
        "nu": (0.5, 1.0),
        "n": 4,
    }
    with pytest.raises(ValueError, match=message):
        prescribe(**(arguments | change))


def test_widths_and_steps_are_counts():
    for rhs in (theorem_1_printed, theorem_1_corrected, theorem_1_sharper):
        with pytest.raises(ValueError, match="width"):
            rhs(SETTING, 0, 10, 0.1)
        with pytest.raises(ValueError, match="steps"):
            rhs(SETTING, 10, 0, 0.1)
