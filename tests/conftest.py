"""Fixtures shared by the unit tests: one source of randomness, one thread."""

import pytest
import torch

from companion.activations import gaussian, logistic, tanh
from companion.diagonal.rnn import DiagonalRNN
from companion.relu.rnn import Variances, random_initialisation, untied_initialisation

torch.set_num_threads(1)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(5)


@pytest.fixture(params=[tanh, logistic, gaussian], ids=lambda shape: shape.name)
def shape(request):
    return request.param


@pytest.fixture
def problem(generator, shape):
    """A network of distinct units, inputs in the unit ball, and targets."""
    draw = {"generator": generator, "dtype": torch.float64}
    w, c = 0.7 * torch.randn(2, 6, **draw)
    rnn = DiagonalRNN(w, torch.randn(6, 3, **draw), c, shape)
    X = torch.randn(4, 5, 3, **draw)
    X = X / X.norm(dim=-1, keepdim=True).clamp(min=1.0)
    return rnn, X, torch.randn(4, 5, **draw)


@pytest.fixture
def relu_problem(generator):
    """A shared-matrix network, its untied twin of the same laws, and inputs of several norms."""
    variances = Variances(W=0.4, A=0.5, M_0=0.6, B=1.0)
    X = torch.randn(5, 4, 3, generator=generator, dtype=torch.float64)
    return {
        "tied": random_initialisation(7, 3, variances, generator),
        "untied": untied_initialisation(7, 3, 4, variances, generator),
        "X": X,
    }
