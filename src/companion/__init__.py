"""An executable companion to two theory papers on training recurrent networks.

Paper A: Cayci & Eryilmaz (2024), diagonal Elman networks with smooth activations.
Paper B: Wang et al. (NeurIPS 2021), full ReLU networks.

Modules import downward only: ``diagonal.trainers`` -> ``diagonal.rnn`` ->
``activations``.  ``evidence`` and ``attack`` know nothing of either paper.
"""

__version__ = "0.1.0"
