"""The machine in words, and its memory."""

import os
import platform
from pathlib import Path

# Where the limit of a control group stands, by what /proc/self/cgroup calls its kind: version 2, or version 1.
LIMITS = {"": ("sys/fs/cgroup", "memory.max"), "memory": ("sys/fs/cgroup/memory", "memory.limit_in_bytes")}


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


def memory():
    """Bytes that a process may hold here: all of the machine's, or fewer in a container or a job with a limit."""
    return min([os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *limits(Path("/"))])


def limits(root):
    """The limits in bytes of the control groups in which this process is, and of those around them."""
    groups = root / "proc/self/cgroup"
    lines = groups.read_text(encoding="utf-8").splitlines() if groups.is_file() else []  # Linux has it
    for _, kind, group in (line.split(":", 2) for line in lines):
        folder, file = LIMITS.get(kind, (None, None))
        if folder:
            inner = root / folder / group.lstrip("/")
            around = [outer for outer in inner.parents if outer.is_relative_to(root / folder)]
            found = (outer / file for outer in (inner, *around))
            texts = [path.read_text(encoding="utf-8").strip() for path in found if path.is_file()]
            yield from (int(text) for text in texts if text != "max")
