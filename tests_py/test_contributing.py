"""CONTRIBUTING.md is true: what it quotes stands in the files that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def plain(code: str) -> str:
    """Code without comments at the ends of lines and without its layout."""
    lines = (line if line.strip().startswith("//") else re.sub(r"\s+//.*", "", line) for line in code.splitlines())
    return " ".join(" ".join(lines).split())


QUOTES = [
    (path, plain(code))
    for path, code in re.findall(r"`([\w/.]+\.(?:h|cpp|py))`[^`]*?:\s*```\w+\n(.*?)```", PAGE, re.DOTALL)
]


@pytest.mark.parametrize(("path", "code"), QUOTES, ids=[path for path, _ in QUOTES])
def test_quotes(path: str, code: str) -> None:
    assert code in plain((ROOT / path).read_text(encoding="utf-8"))


def test_it_quotes_header_op_and_binding_and_names_files_that_exist() -> None:
    assert len(QUOTES) >= 2
    for path in re.findall(r"`((?:cpp|bindings|python|tests_cpp|tests_py)/[\w/.]+)`", PAGE):
        assert (ROOT / path).exists(), path


def test_every_public_header_of_ops_is_bound_in_a_file_of_its_name() -> None:
    headers = {header.stem for header in (ROOT / "cpp/include/needlecpp/ops").glob("*.h")}
    bindings = {file.stem for file in (ROOT / "bindings/ops").glob("*.cpp")}
    assert headers <= bindings
    assert bindings - headers <= {header.stem for header in (ROOT / "cpp/include/needlecpp/render").glob("*.h")}
