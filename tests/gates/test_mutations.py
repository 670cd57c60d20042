"""Changing one number, sign, exponent or comparison of the mathematics turns a test red.

`make test` tries one mutant in three, and other ones after a change of the module;
`make mutations` tries all.  Survivors that no test can kill, because the mutant computes the same, are listed
with the reason; a listed survivor that no longer survives must be taken off the list.
"""

import os

import pytest
from conftest import ROOT
from mutants import mutants, sample, score

SIGNS = "the factor is 1 or -1, its own inverse"
SHAPE = "only the shape of the slice is used"
MARGIN = "the nodes beyond the radius are dropped"
WHOLE = "a whole step, or a reflection, moves a grid onto itself"
FOREVER = "both are more steps than rounding can see"
FARTHER = "a grid that reaches farther; its ends are not the best"
LAST = "the last of two axes is the second"
BOTH = "both factors of the product change sign"

KILLERS = {
    "companion.activations": ("tests/test_activations.py", {}),
    "companion.diagonal.rnn": (
        "tests/test_rnn.py",
        {
            "Mult -> Div in: c, w = signs[0], alpha * signs[1]": SIGNS,
            "2 -> 3 in: signs = 2.0 * torch.randint(0, 2, (2, m // 2), **draw) - 1.0": "a third row is not read",
            "0 -> 1 in: weight, in_w, in_u = torch.ones_like(states[:, 0]), [], []": SHAPE,
            "0 -> 1 in: state = torch.zeros_like(derivatives[:, 0])": SHAPE,
        },
    ),
    "companion.diagonal.risk": (
        "tests/test_risk.py",
        {"0 -> 1 in: adjoint = torch.zeros_like(states[0])": SHAPE},
    ),
    "companion.diagonal.ntk": ("tests/test_ntk.py", {}),
    "companion.diagonal.infinite_width": (
        "tests/test_infinite_width.py",
        {
            "Add -> Sub in: given_w = given_w + (features[..., 0] * weights[part]).sum(dim=-1)": BOTH,
            '1 -> 2 in: reach = math.ceil(arguments.positive("radius", self.radius) / step) + 1': MARGIN,
            "Add -> Sub in: ticks = (torch.arange(-reach, reach + 1, dtype=torch.float64) + shift) * step": WHOLE,
            "1 -> 2 in: ticks = (torch.arange(-reach, reach + 1, dtype=torch.float64) + shift) * step": MARGIN,
            "0.0 -> 1.0 in: return [self._grid(dimension, step, reach, shift) for shift in (0.0, 0.5)]": WHOLE,
            "0.5 -> 1.5 in: return [self._grid(dimension, step, reach, shift) for shift in (0.0, 0.5)]": WHOLE,
            "0 -> 1 in: for part in _blocks(X, len(nodes[0])):": "points and weights are as many",
            "0 -> 1 in: size = max(1, FEATURES_AT_ONCE // (2 * X[..., 0].numel() * (X.shape[-1] + 1)))": SHAPE,
        },
    ),
    "companion.diagonal.bounds": ("tests/test_bounds.py", {}),
    "companion.diagonal.guarantees": ("tests/test_guarantees.py", {}),
    "companion.diagonal.suprema": (
        "tests/test_suprema.py",
        {
            "1 -> 2 in: place = values.argmax(dim=1, keepdim=True).clamp(1, values.shape[1] - 2)": "ends fall back on the largest value",
            "Add -> Sub in: below, at, above = (values.gather(1, place + k)[:, 0] for k in (-1, 0, 1))": "a parabola read from the other side",
        },
    ),
    "companion.diagonal.convergence": (
        "tests/test_convergence.py",
        {
            "300 -> 301 in: forever = 10**300  # so many steps leave B(m) alone": FOREVER,
            "9 -> 10 in: for omega in (setting.alpha * 10.0 ** (k / 8) for k in range(-24, 9)):": FARTHER,
        },
    ),
    "companion.diagonal.trajectory": ("tests/test_trainers.py", {}),
    "companion.diagonal.trainers": (
        "tests/test_trainers.py",
        {
            "Mult -> Div in: w = torch.where(shift_w.abs() <= limit_w, rnn.w, centre.w + limit_w * shift_w.sign())": SIGNS,
            '1 -> 2 in: for s in watched(range(first, steps + 1), "gradient descent"):': "the loop leaves at s = steps",
            "200 -> 201 in: CHECKPOINT_EVERY = 200": "how often, not what",
        },
    ),
    "companion.diagonal.sharded": ("tests/test_sharded.py", {}),
    "companion.relu.rnn": ("tests/test_relu_rnn.py", {}),
    "companion.relu.ntk": (
        "tests/test_relu_ntk.py",
        {
            "0 -> 1 in: products = left.flatten(0, 1) @ right.flatten(0, 1).T": "one product or a batch of them"
        },
    ),
    "companion.relu.complexity": (
        "tests/test_relu_complexity.py",
        {
            "200000 -> 200001 in: MOST_TERMS = 200_000": "a limit, not a result",
            "Sub -> Add in: near = _sum(series, log_radius, math.log, 1, ratio, enough=few.log - factor).times(factor)": "the sum is left later, and is the larger one all the same",
            "1 -> 2 in: for i in range(first, last + 1):": "the next coefficient is zero",
            "minus -> plus in: tail = -math.log1p(-ratio)  # of the geometric series, over its first term": "a few terms fewer, below 1e-11",
        },
    ),
    "companion.relu.concept_classes": (
        "tests/test_relu_concept_classes.py",
        {
            "80 -> 81 in: TERMS = 80": "one term more, below rounding",
            "minus -> plus in: largest = chosen.norm(dim=-1).amax(dim=-1)": LAST,
        },
    ),
    "companion.relu.convergence": ("tests/test_relu_convergence.py", {}),
    "companion.relu.trainers": (
        "tests/test_relu_trainers.py",
        {
            "200 -> 201 in: CHECK_EVERY = 200": "how often, not what",
            "Mult -> Div in: vectors *= eta * label * torch.sigmoid(-margin)": SIGNS,
            "Mult -> Div in: coefficients[t] = c * y[t] * torch.sigmoid(-margins[t])": SIGNS,
        },
    ),
    "companion.relu.infinite_width": (
        "tests/test_relu_infinite_width.py",
        {
            "6 -> 7 in: SERIES = tuple((-1) ** (k + 1) * 2 * k / math.factorial(2 * k + 1) for k in range(1, 6))": "one term more, below rounding",
            "Add -> Sub in: SERIES = tuple((-1) ** (k + 1) * 2 * k / math.factorial(2 * k + 1) for k in range(1, 6))": "k - 1 has the parity of k + 1",
        },
    ),
}


def check(module):
    """Run the tests of a module on its mutants; none survives but those listed."""
    tests, equivalent = KILLERS[module]
    every = int(os.environ.get("MUTANTS_EVERY", "3"))
    result = score(module, tests, every, timeout=900)
    assert result["made"] > 15 // every
    assert set(result["survived"]) <= set(equivalent)
    if every == 1:
        assert sorted(result["survived"]) == sorted(equivalent)


# Every second module; test_more_mutations.py has the others, for a second processor.
@pytest.mark.parametrize("module", list(KILLERS)[::2])
def test_mutants_die(module):
    check(module)


def test_every_module_of_mathematics_is_mutated():
    written = {
        "companion." + ".".join(path.relative_to(ROOT / "src/companion").with_suffix("").parts)
        for half in ("diagonal", "relu")
        for path in (ROOT / "src/companion" / half).glob("*.py")
        if path.name != "__init__.py"
    }
    assert written | {"companion.activations"} == set(KILLERS)


def test_the_mutants_are_those_one_expects():
    made = dict(mutants("def f(x):\n    return -2.0 * x ** 3 if x < 1 else f'{x + 1}'"))
    assert {description.split(" in: ")[0] for description in made} == {
        "2.0 -> 3.0",
        "minus -> plus",
        "Mult -> Div",
        "Pow -> Mult",
        "3 -> 4",
        "Lt -> GtE",
        "1 -> 2",
    }


def test_samples_share_the_mutants_out():
    source = "def f(x):\n    return 1.0 * x + 2.0 * x ** 3 - 4.0"
    whole = list(mutants(source))
    assert sample(source, 1) == whole
    part = sample(source, 3)
    assert len(part) in (len(whole) // 3, len(whole) // 3 + 1)
    assert part == whole[whole.index(part[0]) :: 3]
    assert len({sample(source + " " * k, 3)[0] for k in range(12)}) > 1
