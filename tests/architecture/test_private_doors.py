"""There is one way to do each dangerous thing, and no second one beside it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.source_tree import Module, calls, modules

from devopsclaw import ops
from devopsclaw.core.operation import Operation
from devopsclaw.core.registry import discover

SPAWNS = re.compile(
    r"^(subprocess\..*|asyncio\.create_subprocess_(exec|shell)|os\.(fork|forkpty|system|popen|spawn\w+|"
    r"posix_spawn\w*|exec[lv]\w*)|pty\.(fork|spawn)|multiprocessing\..*)$"
)
MAY_SPAWN = frozenset({"host/process.py"})

LOOSE_TASKS = frozenset({"create_task", "ensure_future", "run_coroutine_threadsafe"})
MAY_LOOSE_TASK = frozenset({"core/call_record.py", "demo/threaded.py", "host/program.py", "relay/link.py"})
"""Files that keep their tasks themselves: each is awaited to its end, or cancelled and awaited."""

BARE = "except:"
CATCHES_ALL = frozenset({"Exception", "BaseException", BARE})
MAY_CATCH_ALL = frozenset({"__main__.py", "core/door_session.py", "ops/doctor.py", "core/secrets.py"})
"""The last resort of the program, which keeps the traceback in the log; a core's socket, where a defect in
one client's call is logged and answered, and must not end the core of all; the checkup, where a check that
fails is a finding; the keyring, whose backends raise what they like.
"""


def dotted(node: ast.AST) -> str:
    """`asyncio.create_task` of that expression; empty for anything that is no chain of names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else node.attr
    return ""


def each_call() -> Iterator[tuple[Module, ast.Call, str]]:
    """Every call in the product, with the dotted name of what is called."""
    for module in modules():
        for call in calls(module.tree):
            yield module, call, dotted(call.func)


def place(module: Module, node: ast.AST) -> str:
    """`core/gate.py:81`."""
    return f"{module.path}:{getattr(node, 'lineno', 0)}"


def test_only_the_gate_calls_a_handler() -> None:
    found = {module.path for module, _, name in each_call() if name.rpartition(".")[2] == "handler"}

    assert found == {"core/gate.py"}


def test_only_one_file_spawns_processes() -> None:
    called = [(module, place(module, call)) for module, call, name in each_call() if SPAWNS.match(name)]
    imported = [
        (module, f"{module.path} imports {name}")
        for module in modules()
        for name in module.imports()
        if SPAWNS.match(name) or name in ("subprocess", "multiprocessing", "pty")
    ]

    assert [text for module, text in called + imported if module.path not in MAY_SPAWN] == []


def groups(module: Module) -> set[str]:
    """The names that `async with asyncio.TaskGroup() as …` gives in a file."""
    return {
        dotted(item.optional_vars)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if isinstance(item.context_expr, ast.Call)
        and dotted(item.context_expr.func).endswith("TaskGroup")
        and item.optional_vars is not None
    }


def test_every_task_belongs_to_a_group() -> None:
    loose = [
        place(module, call)
        for module, call, name in each_call()
        if name.rpartition(".")[2] in LOOSE_TASKS
        and not name.rpartition(".")[0].endswith("group")
        and name.rpartition(".")[0] not in groups(module)
        and module.path not in MAY_LOOSE_TASK
    ]

    assert loose == []


def test_only_named_places_catch_everything() -> None:
    # a handler that ends with a bare `raise` tidies up and catches nothing
    found = [
        place(module, node)
        for module in modules()
        if module.path not in MAY_CATCH_ALL
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and CATCHES_ALL.intersection(caught(node))
        and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)
    ]

    assert found == []


def caught(handler: ast.ExceptHandler) -> list[str]:
    """The names of what it catches."""
    if isinstance(handler.type, ast.Tuple):
        return [dotted(each) for each in handler.type.elts]
    return [dotted(handler.type)] if handler.type else [BARE]


def test_every_operation_that_is_run_by_name_exists() -> None:
    real = {operation.name for operation in discover(ops, Operation)}
    named = [
        (place(module, call), call.args[0].value)
        for module, call, name in each_call()
        if name.rpartition(".")[2] in ("run", "ask")
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and re.fullmatch(r"[a-z_]+\.[a-z_]+", str(call.args[0].value))
    ]

    assert [each for each in named if each[1] not in real] == []
