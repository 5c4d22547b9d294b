#!/usr/bin/env python3
"""Checks that kernel objects keep to their instruction set's namespace.

An inline function outside it, compiled with AVX-512, could be the copy the linker keeps for the whole program, which
then crashes on an older machine. A static initialiser would run there before any choice is made.

    check_isa_symbols.py BUILD_FOLDER
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ISAS = ("baseline", "avx2", "avx512")
# What a kernel must not call: the C++ library, memory management, OpenMP.
FORBIDDEN_CALL = re.compile(r"^(_ZNK?St|_ZSt|_Zn[wa]|_Zd[la]|GOMP_|omp_)")


def belongs(symbol: str, isa: str) -> bool:
    """Whether a mangled name is that of an entity, or a part of one, of needlecpp::<isa>."""
    return re.match(rf"^_Z(GV|T[VTIS])?Z*N[VKRO]*9needlecpp{len(isa)}{isa}", symbol) is not None


def check_object(path: Path, isa: str) -> list[str]:
    listing = subprocess.run(["nm", "--format=posix", path], check=True, capture_output=True, text=True).stdout
    problems = []
    for line in listing.splitlines():
        symbol, kind = line.split()[:2]
        if kind == "U":
            if FORBIDDEN_CALL.match(symbol):
                problems.append(f"{path}: calls {symbol}")
        elif symbol.startswith("_GLOBAL__sub_I"):
            problems.append(f"{path}: has a static initialiser ({symbol})")
        elif kind in "Nna" or belongs(symbol, isa):
            continue
        elif kind.isupper() or kind in "wvu" or symbol.startswith("_Z"):
            # Local names that are not C++ (constants, switch tables) are the compiler's own and never meet others.
            problems.append(f"{path}: defines {symbol} ({kind}) outside needlecpp::{isa}")
    return problems


def main() -> int:
    build = Path(sys.argv[1])
    problems: list[str] = []
    count = 0
    for isa in ISAS:
        for path in sorted(build.glob(f"CMakeFiles/needlecpp_kernels_{isa}.dir/**/*_simd.cpp.o")):
            problems += check_object(path, isa)
            count += 1
    if count == 0:
        problems.append(f"{build}: no kernel object found")
    if problems:
        names = subprocess.run(["c++filt"], input="\n".join(problems), check=True, capture_output=True, text=True)
        print(names.stdout)
        return 1
    print(f"{count} kernel objects keep to their namespaces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
