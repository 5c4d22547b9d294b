"""Loads the C++ core with OpenMP's threads set to spin only briefly while they wait, unless the user chose otherwise.

GNU OpenMP spins for milliseconds by default, which slows everything down as soon as another program wants a core. On
two cores beside one busy process a training run reached 0.5 Msamples/s so, 1.0 with short spins and 1.4 with none; but
with none, threads that wake up meet on one core at times, and a matrix product had half its speed on an idle machine.
The variable is read when OpenMP is loaded, so it is set for that moment only.
"""

import os

_chosen = "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ
if not _chosen:
    os.environ["GOMP_SPINCOUNT"] = "4000"
try:
    from . import _core as _core
finally:
    if not _chosen:
        del os.environ["GOMP_SPINCOUNT"]
