"""A second-order autoregression that the inputs do not show."""

from dataclasses import dataclass

from engine.tasks.task import Task, uniform


@dataclass(frozen=True)
class AR2(Task):
    """[TASK.ar2]  z_t = 1.6 z_{t-1} - 0.7 z_{t-2} + N(0, 0.05^2), y = z_T, from z_0 = z_{-1} = 0; inputs do not act."""

    name = "ar2"

    def draw(self, rng, T, n, batch):
        u = uniform(rng, T, n, batch)
        z = before = 0.0
        for noise in 0.05 * rng.standard_normal((T, batch)):
            z, before = 1.6 * z - 0.7 * before + noise, z
        return u, z, 0
