"""The interface of a loss: what it makes of the outputs and targets of one step."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Loss(ABC):
    """[NET.loss]  L is the mean over the batch and over the last `steps` steps of a sequence of what a step costs."""

    steps: int = 1

    name: ClassVar[str]
    title: ClassVar[str]  # in words

    def __str__(self):
        return f"{self.title} of the last {'step' if self.steps == 1 else f'{self.steps} steps'}"

    @abstractmethod
    def rows(self, outputs):
        """How many numbers the target of one step has, for a network with so many outputs."""

    @abstractmethod
    def outputs(self, y):
        """How many outputs a network needs for targets y (step, row, sequence), NumPy; ValueError if y is wrong."""

    @abstractmethod
    def costs_and_slopes(self, outputs, y):
        """Cost of each step (member, step, batch), and its derivative in the outputs (member, step, output, batch).

        The targets y are (member, step, row, batch).
        """

    @abstractmethod
    def directions(self, W_o):
        """W_o (member, output, column) without what does not change the loss."""
