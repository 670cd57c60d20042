"""What public functions accept: finite tensors of the shape, dtype and device they compute with."""

import math

import pytest
import torch

from companion import arguments


@pytest.mark.parametrize(
    "entries",
    [
        [math.nan],
        [math.inf],
        [-math.inf],
        [math.inf, -math.inf],
        [math.nan, math.inf],
        [1e308, math.inf],
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_entry_that_is_not_finite_is_refused(entries, dtype):
    value = torch.zeros(7, 3, dtype=dtype)
    value.view(-1)[5 : 5 + len(entries)] = torch.tensor(entries, dtype=dtype)
    with pytest.raises(ValueError, match="^X must be finite, got NaN or infinite entries$"):
        arguments.tensor("X", value, ("n", 3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finite_entries_whose_sum_overflows_are_accepted(dtype):
    largest = torch.full((2, 3), torch.finfo(dtype).max, dtype=dtype)
    assert not torch.isfinite(largest.sum())
    assert arguments.tensor("X", largest, ("n", 3)) is largest


def test_a_tensor_that_needs_its_gradient_is_returned_as_it_is():
    value = torch.ones(2, 3, requires_grad=True)
    assert arguments.tensor("X", value, ("n", 3)) is value


@pytest.mark.parametrize(
    ("value", "like", "message"),
    [
        ("text", None, "X must be an array of numbers, got str"),
        (
            torch.ones(2, 3, dtype=torch.int64),
            None,
            "X must hold floating-point numbers, got torch",
        ),
        (torch.ones(2, 4), None, r"X must have shape \(n, 3\), got \(2, 4\)"),
        (torch.ones(0, 3), None, r"X must not be empty, got shape \(0, 3\)"),
        (torch.ones(2, 3), torch.ones(1, dtype=torch.float64), "X has dtype torch.float32"),
        (torch.ones(2, 3), torch.ones(1, device="meta"), "X is on cpu, the network needs meta"),
    ],
)
def test_what_does_not_fit_is_named(value, like, message):
    with pytest.raises(ValueError, match=message):
        arguments.tensor("X", value, ("n", 3), like)


def test_lists_take_the_precision_of_the_network_and_arrays_keep_theirs():
    like = torch.ones(1, dtype=torch.float32)
    assert arguments.tensor("X", [[1, 2, 3]], ("n", 3), like).dtype == torch.float32
    assert arguments.tensor("X", [[1, 2, 3]], ("n", 3)).dtype == torch.float64
    with pytest.raises(ValueError, match="X has dtype torch.float64"):
        arguments.tensor("X", torch.ones(1, 3, dtype=torch.float64).numpy(), ("n", 3), like)
