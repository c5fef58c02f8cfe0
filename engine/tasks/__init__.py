"""The tasks. One that is registered here obeys every test in tests/tasks/test_tasks.py."""

from engine.common.registry import lookup
from engine.tasks.ar2 import AR2
from engine.tasks.copy import Copy
from engine.tasks.marks import Adding, Recall
from engine.tasks.narma import Narma10, Narma20
from engine.tasks.sinmix import Sinmix
from engine.tasks.task import Task
from engine.tasks.windows import DelaySum, MovingAverage, Short

TASKS = {t.name: t for t in (Adding, Recall, Sinmix, Short, MovingAverage, DelaySum, AR2, Narma10, Narma20, Copy)}

__all__ = ["TASKS", "Task", "make_task"]


def make_task(task):
    """A registered task by its name, ValueError for an unknown one; a Task is returned as it is."""
    return task if isinstance(task, Task) else lookup("task", task, TASKS)()
