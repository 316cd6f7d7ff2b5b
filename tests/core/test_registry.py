"""Operations by name, and the discovery of parts that are one file each."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import NoParams, Operation, Result, operation
from devopsclaw.core.registry import Registry, discover
from devopsclaw.model.errors import NotFound
from devopsclaw.model.risk import Effect


def declared(name: str) -> Operation:
    """An operation of this name that does nothing."""

    @operation(name, Effect.READ)
    async def nothing(ctx: Ctx, params: NoParams) -> Result:
        """Do nothing."""
        return Result()

    return nothing


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A package of two modules with numbers in them."""
    folder = tmp_path / "sample_parts"
    folder.mkdir()
    (folder / "__init__.py").write_text("HIDDEN = 99\n")
    (folder / "beta.py").write_text("from sample_parts.alpha import SHARED\nSECOND = 22\n")
    (folder / "alpha.py").write_text("SHARED = 11\nFIRST = 12\n_PRIVATE = 13\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("sample_parts")
    for name in [name for name in sys.modules if name.split(".")[0] == "sample_parts"]:
        del sys.modules[name]


def test_an_operation_is_found_by_its_name() -> None:
    first, second = declared("node.list"), declared("node.drain")
    registry = Registry([first, second])

    assert registry.find("node.drain") is second
    assert registry.all() == [second, first], "by name"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("node.lst", "did you mean node.list?"),
        ("zzz", "devopsclaw --help lists them"),
        ("", "devopsclaw --help"),
    ],
)
def test_a_name_that_does_not_exist_is_an_error_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(NotFound, match=f"there is no operation {name!r}") as refused:
        Registry([declared("node.list")]).find(name)

    assert hint in refused.value.hint


def test_two_operations_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two operations are called node\.list"):
        Registry([declared("node.list"), declared("node.list")])


def test_parts_are_found_by_kind_in_the_order_of_module_and_place_each_once(package: ModuleType) -> None:
    assert discover(package, int) == [11, 12, 13, 22]
    assert discover(package, float) == []
