"""The machine in words."""

import os
import platform
from pathlib import Path


def machine():
    """The model of its processor, cores and system; not its name."""
    return f"{processor()}, {os.cpu_count()} cores, {platform.system()}"


def processor():
    """The model of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
