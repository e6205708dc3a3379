"""What looking at the results before the end costs, and what it saves."""

from __future__ import annotations

import numpy as np

from stats.inputs import FloatArray
from stats.intervals import mean_and_sd
from stats.sequential.group_sequential import SHAPES, sequential_plan
from stats.sequential.sign_e_value import sign_e_value
from stats.sequential.t_e_process import t_e_value_rows
from stats.simulation.laws import LAWS
from stats.simulation.tables import percent_table
from stats.two_arms.student import student_rows

MOST = 20
LOOKS = (5, 10, 15, 20)


def _p_at(differences: FloatArray, n: int) -> FloatArray:
    mean, sd = mean_and_sd(differences[:, :n])
    return student_rows(mean, sd, n)[1]


def _sign_e_values(differences: FloatArray) -> FloatArray:
    table = np.array(
        [
            [sign_e_value([1.0] * min(k, n) + [-1.0] * (n - min(k, n))) for k in range(MOST + 1)]
            for n in range(1, MOST + 1)
        ]
    )
    positive = (differences > 0).cumsum(axis=1)
    return np.asarray(table[np.arange(MOST), positive], dtype=np.float64)


def rejections(differences: FloatArray, alpha: float = 0.05) -> dict[str, FloatArray]:
    """For each way of looking, whether each row of 20 differences is rejected after each pair.

    Returns:
        Arrays of the shape of the differences.
    """
    found = {}
    single = np.zeros(differences.shape, dtype=np.bool_)
    single[:, -1] = _p_at(differences, MOST) < alpha
    found["one test at 20"] = single
    every = np.zeros(differences.shape, dtype=np.bool_)
    for n in range(3, MOST + 1):
        every[:, n - 1] = _p_at(differences, n) < alpha
    found["t after every seed from 3, uncorrected"] = every
    four = np.zeros(differences.shape, dtype=np.bool_)
    four[:, [n - 1 for n in LOOKS]] = every[:, [n - 1 for n in LOOKS]]
    found["t at 5, 10, 15, 20, uncorrected"] = four
    for shape in SHAPES:
        plan = sequential_plan(LOOKS, shape, alpha)
        looked = np.zeros(differences.shape, dtype=np.bool_)
        for n, level in zip(plan.looks, plan.levels, strict=True):
            looked[:, n - 1] = _p_at(differences, n) <= level
        found[f"{shape} at 5, 10, 15, 20"] = looked
    found["t e-process after every seed"] = t_e_value_rows(differences) >= 1 / alpha
    found["sign e-value after every seed"] = _sign_e_values(differences) >= 1 / alpha
    return {name: np.asarray(each) for name, each in found.items()}


def looks_table(simulations: int = 20_000, effect: float = 1.0, seed: int = 0) -> str:
    """Type I error, power at d_z = 1 and mean number of pairs, over at most 20 normal pairs."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal((simulations, MOST))
    null, shifted = rejections(noise), rejections(noise + effect)
    unlike = rejections(LAWS["collapse, mean 0"](random, (simulations, MOST)))
    heads = ["rejects a true null", "the same, runs collapse", f"power at d_z = {effect:g}"]
    table = percent_table(
        ["way of looking", *heads],
        {name: [[of[name].any(axis=1).mean()] for of in (null, unlike, shifted)] for name in null},
    ).splitlines()
    used = {
        name: np.where(each.any(axis=1), each.argmax(axis=1) + 1, MOST).mean()
        for name, each in shifted.items()
    }
    table[0] += " pairs used there |"
    table[1] += "---|"
    rows = [f"{row} {pairs:.1f} |" for row, pairs in zip(table[2:], used.values(), strict=True)]
    return "\n".join([*table[:2], *rows])
