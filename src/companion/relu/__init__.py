"""Paper B: the full ReLU network, its tangent kernel and what SGD learns with it."""
