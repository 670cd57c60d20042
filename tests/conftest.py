"""Fixtures shared by the unit tests: one source of randomness, one thread."""

import pytest
import torch

from companion.activations import gaussian, logistic, tanh
from companion.diagonal.rnn import symmetric_initialisation

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
    rnn = symmetric_initialisation(6, 3, 0.7, shape, generator)
    draw = {"generator": generator, "dtype": torch.float64}
    rnn = rnn.at(rnn.w + 0.1 * torch.randn(6, **draw), rnn.u + 0.1 * torch.randn(6, 3, **draw))
    X = torch.randn(4, 5, 3, **draw)
    X = X / X.norm(dim=-1, keepdim=True).clamp(min=1.0)
    return rnn, X, torch.randn(4, 5, **draw)
