"""Each formula against numbers worked out step by step, and against true derivatives."""

import math

import pytest
import torch

from companion.activations import Activation, logistic
from companion.diagonal import bounds

# Constants that no two formulas share, and sums written out: z = 0.65.
MADE = Activation("made", torch.sin, torch.cos, torch.sin, 2.0, 0.5, 0.7, 1.1)
S0, S1, S2, S3, A, Z = 2.0, 0.5, 0.7, 1.1, 1.3, 0.65
M2, M3 = 1.0 + Z, 1.0 + Z + Z**2  # mu_0 at t = 2 and 3
N2, N3 = 1.0 + 2 * Z, 1.0 + 2 * Z + 3 * Z**2  # mu_1
G2, G3 = S0 * S1, S0 * S1 * M2  # sizes in w at t = 2 and 3
L2, L3 = math.hypot(G2, S1 * M2), math.hypot(G3, S1 * M3)
Y1, Y2 = math.hypot(S0, M2), math.hypot(S0 * M2, M3)
B1 = S2
B2 = S2 * Y1**2 + S1 * S1 + Z * B1
B3 = S2 * Y2**2 + S1 * (G2 + L2) + Z * B2
C1 = S3
C2 = S3 * Y1**3 + 3 * S2 * Y1 * (S1 + A * B1) + 3 * S1 * B1 + Z * C1
C3 = S3 * Y2**3 + 3 * S2 * Y2 * (G2 + L2 + A * B2) + 3 * S1 * B2 + Z * C2
PRINTED_L = M3**2 * 5.0 * 0.25
CORRECTED_L = M3 * S1 * math.sqrt(5.0)
ALPHA, D = 0.4, 3
CLUB = S2 * (ALPHA * S1 * M3 + 1) * N3
MIXED = S1**2 * M3**2 + S0 * S1 * M3 * N3 + N3 * (S1 + S2 + ALPHA * S1 * S2 * M3)
SPADE = S1**2 * M3**2 + S0 * S2 * N3 * (ALPHA * S1 * M3 + 1)
PRINTED_BETA = D * CLUB + math.sqrt(D) * MIXED + SPADE
CORRECTED_BETA = (
    S2 * M3 * N3  # both derivatives in u
    + S1**2 * M3**2  # u, then w, from the derivative in w
    + S0 * S2 * M3 * N3
    + S1**2 * N2  # w, then u, from the derivative in u
    + S0 * S2 * M3 * N3
    + S0 * S1**2 * M3**2  # both in w
    + S0 * S1**2 * N2
    + S0**2 * S2 * M3 * N3
)
PLAIN = {"alpha": ALPHA, "dimension": D}


@pytest.mark.parametrize(
    "found, expected",
    [
        (bounds.mu_0(0, Z), 0.0),
        (bounds.mu_0(-1, Z), 0.0),
        (bounds.mu_0(3, Z), M3),
        (bounds.mu_1(3, Z), N3),
        (bounds.sensitivity_in_w(1, A, MADE), 0.0),
        (bounds.sensitivity_in_w(3, A, MADE), G3),
        (bounds.sensitivity_in_u(3, A, MADE), S1 * M3),
        (bounds.lipschitz_printed(3, A, MADE), PRINTED_L),
        (bounds.lipschitz_corrected(3, A, MADE), CORRECTED_L),
        (bounds.lipschitz_sharper(3, A, MADE), L3),
        (bounds.smoothness_printed(3, A, MADE, **PLAIN), PRINTED_BETA),
        (bounds.smoothness_corrected(3, A, MADE), CORRECTED_BETA),
        (bounds.smoothness_sharper(1, A, MADE), B1),
        (bounds.smoothness_sharper(3, A, MADE), B3),
        (bounds.slope_of_drive(2, A, MADE), Y2),
        (bounds.third_derivative_sharper(1, A, MADE), C1),
        (bounds.third_derivative_sharper(3, A, MADE), C3),
        (bounds.product_lipschitz_printed(3, A, MADE), math.sqrt(2) * (3.0 + A * PRINTED_L)),
        (bounds.product_lipschitz_corrected(3, A, MADE), 2.0 + A * CORRECTED_L),
        (bounds.product_lipschitz_sharper(3, A, MADE), M3 * math.hypot(2.0, Z)),
        (
            bounds.product_smoothness_printed(3, A, MADE, **PLAIN),
            math.sqrt(2) * (PRINTED_L + A * PRINTED_BETA),
        ),
        (
            bounds.product_smoothness_corrected(3, A, MADE),
            2 * CORRECTED_L + A * CORRECTED_BETA,
        ),
        (bounds.product_smoothness_sharper(3, A, MADE), G3 + L3 + A * B3),
        (bounds.output_printed(3, A, MADE, 3.0, 4.0), 5.0 * PRINTED_L),
        (bounds.output_corrected(3, A, MADE, 3.0, 4.0), 5.0 * CORRECTED_L),
        (bounds.output_sharper(3, A, MADE, 3.0, 4.0), 3.0 * G3 + 4.0 * S1 * M3),
        (bounds.system_printed(3, A, MADE, 3.0, 4.0), S1 * M3 * (4.0 + S0 * 3.0)),
        (bounds.system_sharper(3, A, MADE, 3.0, 4.0), S1 * (4.0 * M3 + S0 * 3.0 * M2)),
    ],
)
def test_formula(found, expected):
    assert found == pytest.approx(expected, rel=1e-13, abs=0.0)


def derivatives(shape, theta, X):
    """Gradient and Hessian of the last state of one unit, by automatic differentiation."""

    def state(theta):
        """The last state, by equation (2)."""
        h = theta.new_zeros(())
        for x in X[0]:
            h = shape.value(theta[0] * h + theta[1:] @ x)
        return h

    return (
        torch.autograd.functional.jacobian(state, theta),
        torch.autograd.functional.hessian(state, theta),
    )


@pytest.mark.parametrize("amplitude, slope", [(1.0, 1.0), (3.0, 0.4), (0.2, 2.0)])
def test_corrected_and_sharper_hold_where_the_derivatives_are_taken(shape, amplitude, slope):
    scaled = shape.rescaled(amplitude, slope)
    generator = torch.Generator().manual_seed(5)
    for _ in range(4):
        theta = torch.randn(4, generator=generator, dtype=torch.float64)
        theta[0] = 0.8 * theta[0].sign()
        X = torch.randn(1, 4, 3, generator=generator, dtype=torch.float64)
        X = X / X.norm(dim=-1, keepdim=True)
        gradient, hessian = derivatives(scaled, theta, X)
        size, bend = float(gradient.norm()), float(torch.linalg.matrix_norm(hessian, 2))
        assert size <= bounds.lipschitz_sharper(4, 0.8, scaled)
        assert abs(float(gradient[0])) <= bounds.sensitivity_in_w(4, 0.8, scaled)
        assert float(gradient[1:].norm()) <= bounds.sensitivity_in_u(4, 0.8, scaled)
        assert bend <= bounds.smoothness_sharper(4, 0.8, scaled)


def test_sharper_is_at_most_corrected(shape):
    for t in (1, 2, 7):
        for alpha in (0.2, 1.5):
            for amplitude in (0.1, 1.0, 20.0):
                scaled = shape.rescaled(amplitude, 0.7)
                for name in ("lipschitz", "smoothness", "product_lipschitz", "product_smoothness"):
                    sharper, corrected = (
                        getattr(bounds, f"{name}_{kind}")(t, alpha, scaled)
                        for kind in ("sharper", "corrected")
                    )
                    assert sharper <= corrected * (1 + 1e-12)


def test_the_printed_lipschitz_constant_fails_for_the_logistic_function():
    X = torch.ones(1, 1, 1, dtype=torch.float64)
    gradient, _ = derivatives(logistic, torch.zeros(2, dtype=torch.float64), X)
    assert float(gradient.norm()) == pytest.approx(0.25)
    assert bounds.lipschitz_printed(1, 0.5, logistic) < 0.25
