"""What this machine is and how it fares: system, processors, memory, disk, load. No host names of others.

Linux tells through /proc, others through the standard library; what a system does not tell is left out.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import time
from pathlib import Path
from typing import Any

from devopsclaw._build import VERSION

PROC = Path("/proc")
OS_RELEASE = Path("/etc/os-release")
OS_FIELDS = {"ID": "name", "VERSION_ID": "version", "PRETTY_NAME": "title"}
LOAD_SPANS = ("1m", "5m", "15m")
KIB = 1024


async def read_facts() -> dict[str, Any]:
    """The facts as JSON values, nested by topic; sizes in bytes, times in seconds.

    Read in a thread: a disk that hangs must not hold up the daemon.
    """
    return await asyncio.to_thread(_read)


def _read() -> dict[str, Any]:
    disk = shutil.disk_usage("/")
    facts = {
        "hostname": platform.node(),
        "os": parse_os_release(_text(OS_RELEASE)) or _system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpu": {
            "count": os.cpu_count() or 0,
            "model": parse_cpu_model(_text(PROC / "cpuinfo")) or platform.processor(),
        },
        "memory": parse_memory(_text(PROC / "meminfo")) or _memory(),
        "disk": {"total": disk.total, "free": disk.free},
        "load": {span: round(load, 2) for span, load in zip(LOAD_SPANS, os.getloadavg(), strict=True)},
        "time": round(time.time()),
        "uptime": parse_uptime(_text(PROC / "uptime")) or int(time.monotonic()),
        "python": platform.python_version(),
        "version": VERSION,
    }
    return {name: value for name, value in facts.items() if value not in ("", {})}


def parse_os_release(text: str) -> dict[str, str]:
    """`name` as in `debian`, `version` as in `12`, `title` for people; what is missing is left out.

    Source: os-release(5).
    """
    known: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name in OS_FIELDS:
            known[OS_FIELDS[name]] = value.strip().strip("\"'")
    return {name: value for name, value in known.items() if value}


def parse_cpu_model(text: str) -> str:
    """The first processor's model, empty where `/proc/cpuinfo` names none, as on most ARM machines."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "cpu model"):
            return " ".join(value.split())
    return ""


def parse_memory(text: str) -> dict[str, int]:
    """Bytes in total and available, out of `/proc/meminfo`; empty where it has no total.

    `available` falls back to what is free on kernels before 3.14, which do not say it. Source: proc(5).
    """
    kib: dict[str, int] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        number = value.split()[:1]
        if number and number[0].isdigit():
            kib[name] = int(number[0])
    if "MemTotal" not in kib:
        return {}
    available = kib.get("MemAvailable", kib.get("MemFree", 0))
    return {"total": kib["MemTotal"] * KIB, "available": available * KIB}


def parse_uptime(text: str) -> int:
    """Whole seconds since boot, out of `/proc/uptime`; 0 where it says nothing."""
    first = text.split()[:1]
    try:
        return int(float(first[0])) if first else 0
    except (ValueError, OverflowError):
        return 0


def _system() -> dict[str, str]:
    """As `darwin` and its kernel's release, where no file names the system."""
    name, version = platform.system().lower(), platform.release()
    return {"name": name, "version": version, "title": f"{platform.system()} {version}"}


def _memory() -> dict[str, int]:
    """The total alone, where there is no /proc; what is available only Linux tells without a tool."""
    names = os.sysconf_names
    if "SC_PHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return {}
    return {"total": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")}


def _text(path: Path) -> str:
    """The content, empty where this system has no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
