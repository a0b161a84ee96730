"""On what a report was made: the kind of machine, never its name or paths."""

import os
import platform
from pathlib import Path

import psutil  # type: ignore[import-untyped]


def describe() -> str:
    """One line: system, processor, cores, memory, Python, how busy it was at the start."""
    memory_gb = psutil.virtual_memory().total / 1e9
    load = os.getloadavg()[0]
    return (
        f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores, "
        f"{memory_gb:.0f} GB; Python {platform.python_version()}; load before {load:.1f}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
