"""Loads the C++ core with OpenMP's threads set to sleep while they wait, unless the user chose otherwise.

Threads that wait by spinning slow everything down as soon as another program wants a core: beside one busy process a
training run was 2.5 times faster with sleeping threads, and no slower alone. OpenMP reads the variable when it is
loaded, so it is set for that moment only.
"""

import os

_chosen = "OMP_WAIT_POLICY" in os.environ
if not _chosen:
    os.environ["OMP_WAIT_POLICY"] = "passive"
try:
    from . import _core as _core
finally:
    if not _chosen:
        del os.environ["OMP_WAIT_POLICY"]
