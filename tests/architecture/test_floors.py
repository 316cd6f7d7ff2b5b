"""Floors and circles (design §4): a file imports only from a lower floor. Imports for types count."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest
from tests.architecture.source_tree import Module, component_of, inner_imports, modules

FLOORS: dict[str, int] = {
    "_build": 0,
    "model": 1,
    **dict.fromkeys(("core", "wire", "widgets"), 2),
    **dict.fromkeys(("host", "fleet", "relay", "daemon", "screens"), 3),
    **dict.fromkeys(("ops", "assembly", "boot", "demo"), 4),
    **dict.fromkeys(("app", "palette", "console", "tour", "cli", "headless"), 5),
    "__main__": 6,
}

NEIGHBOURS = {
    ("assembly", "ops"),
    ("boot", "assembly"),
    ("boot", "ops"),
    ("demo", "assembly"),
    ("demo", "boot"),
    ("app", "palette"),
    ("console", "app"),
    ("tour", "cli"),
    ("tour", "console"),
    ("tour", "demo"),
}
"""Who may import whom beside: assembly, boot and demo put operations and engines together, the console
has its palette, the tour shows the demo with the console or the command line.
"""

OPEN_CORE = frozenset({"gate", "bus", "door", "operation", "config", "paths", "redact"})
"""What faces and screens may know of core."""

FACES = frozenset({"app", "palette", "console", "tour", "cli", "headless", "screens"})

FACE_KNOWS = frozenset({"boot", "screens", "widgets", "model", "core"})

BUILD_TOOLS: dict[str, frozenset[str]] = {
    "cli/generate.py": frozenset({"devopsclaw.ops", "devopsclaw.core.registry", "devopsclaw.core.settings"})
}
"""Files that no running command loads, and what they may import beside."""

TERMINAL = frozenset({"textual", "rich"})
DRAWS = frozenset({"app", "palette", "screens", "widgets"})


def each_import() -> Iterator[tuple[Module, str]]:
    """Every (module, module of ours it imports)."""
    for module in modules():
        allowed = BUILD_TOOLS.get(module.path, frozenset())
        yield from ((module, name) for name in inner_imports(module) if name not in allowed)


def test_every_folder_has_a_floor() -> None:
    assert {module.component for module in modules()} - {""} <= set(FLOORS)


def test_a_file_imports_only_from_lower_floors() -> None:
    wrong = [
        f"{module.path} imports {name}"
        for module, name in each_import()
        if not is_below(component_of(name), module.component)
    ]

    assert wrong == []


def is_below(imported: str, importing: str) -> bool:
    """Whether the first component may be imported by the second. The empty one is the package's own name."""
    if imported in ("", importing) or (importing, imported) in NEIGHBOURS:
        return True
    return FLOORS[imported] < FLOORS[importing]


def test_faces_and_screens_know_only_the_open_part_of_core() -> None:
    wrong = [
        f"{module.path} imports {name}"
        for module, name in each_import()
        if module.component in FACES
        and component_of(name) == "core"
        and name.split(".")[2:3] not in [[part] for part in OPEN_CORE]
    ]

    assert wrong == []


def test_faces_and_screens_know_no_engine_and_no_operation() -> None:
    wrong = [
        f"{module.path} imports {name}"
        for module, name in each_import()
        if module.component in FACES
        and component_of(name) not in FACE_KNOWS | {"", module.component}
        and (module.component, component_of(name)) not in NEIGHBOURS
    ]

    assert wrong == []


def test_nothing_goes_in_a_circle() -> None:
    graph = {module.name: inner_imports(module) for module in modules()}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        pytest.fail(" → ".join(circle.args[1]))


def test_only_pictures_know_the_terminal_library() -> None:
    wrong = [
        f"{module.path} imports {name}"
        for module in modules()
        for name in module.imports()
        if name.split(".")[0] in TERMINAL and module.component not in DRAWS
    ]

    assert wrong == []


def test_the_words_know_only_pydantic_and_the_standard_library() -> None:
    wrong = [
        f"{module.path} imports {name}"
        for module in modules()
        if module.component == "model"
        for name in module.imports()
        if name.split(".")[0] not in {"devopsclaw", "pydantic", "__future__"} | sys.stdlib_module_names
    ]

    assert wrong == []


def test_the_protocol_does_no_input_and_no_output() -> None:
    moving = {"asyncio", "socket", "ssl", "os", "pathlib", "subprocess", "threading", "websockets", "time"}

    wrong = [
        f"{module.path} imports {name}"
        for module in modules()
        if module.component == "wire"
        for name in module.imports()
        if name.split(".")[0] in moving
    ]

    assert wrong == []
