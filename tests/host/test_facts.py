"""Facts out of texts as the kernel writes them, and of this very machine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.host import facts

CPU = """\
processor\t: 0
vendor_id\t: GenuineIntel
model\t\t: 167
model name\t: Intel(R) Xeon(R)   Processor
processor\t: 1
model name\t: another
"""
ARM = "processor\t: 0\nBogoMIPS\t: 48.00\n\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 4 Model B\n"
MEMORY = "MemTotal:       24684084 kB\nMemFree:        23995080 kB\nMemAvailable:   24242108 kB\n"


def test_the_system_is_named_for_targets_and_for_people() -> None:
    text = 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'

    title = "Debian GNU/Linux 12 (bookworm)"
    assert facts.parse_os_release(text) == {"name": "debian", "version": "12", "title": title}
    assert facts.parse_os_release("PRETTY_NAME='Arch Linux'\nVERSION_ID=\n") == {"title": "Arch Linux"}
    assert facts.parse_os_release("") == {}


def test_the_first_processor_gives_the_model() -> None:
    assert facts.parse_cpu_model(CPU) == "Intel(R) Xeon(R) Processor"
    assert facts.parse_cpu_model(ARM) == "Raspberry Pi 4 Model B"
    assert facts.parse_cpu_model("processor : 0\n") == ""


def test_memory_is_in_bytes() -> None:
    assert facts.parse_memory(MEMORY) == {"total": 24684084 * 1024, "available": 24242108 * 1024}


def test_an_old_kernel_says_free_for_available() -> None:
    assert facts.parse_memory("MemTotal: 8 kB\nMemFree: 3 kB\n") == {"total": 8192, "available": 3072}


def test_memory_without_a_total_is_left_out() -> None:
    assert facts.parse_memory("MemFree: 3 kB\nMemTotal: many kB\n") == {}


def test_uptime_is_in_whole_seconds() -> None:
    assert facts.parse_uptime("7772.09 14939.43\n") == 7772
    assert facts.parse_uptime("") == 0
    assert facts.parse_uptime("soon") == 0


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    facts.parse_os_release(text)
    facts.parse_cpu_model(text)
    facts.parse_memory(text)
    assert facts.parse_uptime(text) >= 0 or text.lstrip().startswith("-")


async def test_this_machine_says_what_it_is() -> None:
    read = await facts.read_facts()

    assert json.loads(json.dumps(read)) == read
    assert read["cpu"]["count"] == os.cpu_count()
    assert 0 < read["memory"]["available"] <= read["memory"]["total"]
    assert 0 <= read["disk"]["free"] <= read["disk"]["total"]
    assert list(read["load"]) == ["1m", "5m", "15m"]
    assert read["uptime"] > 0
    assert {"hostname", "os", "kernel", "architecture", "python", "version"} <= set(read)


async def test_without_proc_the_standard_library_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "PROC", tmp_path)
    monkeypatch.setattr(facts, "OS_RELEASE", tmp_path / "os-release")

    read = await facts.read_facts()

    assert read["memory"]["total"] > 0
    assert "available" not in read["memory"]
    assert read["os"]["name"] == os.uname().sysname.lower()
    assert read["uptime"] > 0
