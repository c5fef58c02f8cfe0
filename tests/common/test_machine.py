"""The memory of a machine, or of the container or job in it that may hold less."""

import pytest

from engine.common.machine import limits, memory


def test_this_machine_has_memory_for_the_paper():
    assert 1.5e9 < memory() < 1e14


def written(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n", encoding="utf-8")


CGROUPS = {
    "none": ({}, []),
    "version 2, of a container": ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "8000"}, [8000]),
    "version 2, of a job": (
        {
            "proc/self/cgroup": "0::/slurm/job_7",
            "sys/fs/cgroup/slurm/job_7/memory.max": "max",
            "sys/fs/cgroup/slurm/memory.max": "8000",
            "memory.max": "1",
        },
        [8000],
    ),
    "version 1": (
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/a:b\n4:memory:/a:b\n0::/",
            "sys/fs/cgroup/memory/a:b/memory.limit_in_bytes": "7000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        },
        [7000, 9223372036854771712],
    ),
    "version 1, seen from within": (
        {"proc/self/cgroup": "4:memory:/docker/1", "sys/fs/cgroup/memory/memory.limit_in_bytes": "7000"},
        [7000],
    ),
}


@pytest.mark.parametrize("kind", CGROUPS)
def test_limits_of_control_groups_are_found(kind, tmp_path):
    files, expected = CGROUPS[kind]
    written(tmp_path, files)
    assert list(limits(tmp_path)) == expected
