"""The kernels of the package beside what a user would pick instead.

``make bench`` measures every target, prints a table and writes ``benchmarks/results.json``::

    make bench                                    # everything, two idle cores: about 15 minutes
    make bench BENCH="--only a-gram --rounds 7"   # one target; the others keep their stored results
    make bench BENCH=--quick                      # tiny sizes, does it run: prints, writes nothing

How it is measured.  Two threads on two cores, float32 unless a line says otherwise.  Candidates
take turns in one process for at least five rounds (peers that take a minute: three); a ratio is
taken in each round, the table shows the median and the range.  Before the clock starts every
candidate is compared with a float64 reference written for the purpose
(:mod:`benchmarks.references`); one that disagrees stops the run.  The machine's own rate, of a
matrix product or of streaming memory, is measured in the same rounds.  Memory is measured in a
fresh process: the high-water mark at the end minus the resident size before.

The environment.  PyTorch 2.13, numpy 2.4, jax 0.5.3 and neural-tangents 0.6.5 live together, so
that the extra ``bench`` goes into ``.venv``; neural-tangents needs a jax older than 0.6, and
brings tensorflow along: some 2 GB.
"""

from benchmarks.threads import fix

fix()  # threads and cores are read when the libraries are imported: this must come first
