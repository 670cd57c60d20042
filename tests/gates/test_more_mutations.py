"""The other half of the mutation runs: a file of its own, so that two processors share them."""

import pytest
from test_mutations import KILLERS, check


@pytest.mark.parametrize("module", list(KILLERS)[1::2])
def test_mutants_die(module):
    check(module)
