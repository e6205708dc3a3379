"""What a GPU's driver says of its power, asked of a library in the place of NVIDIA's."""

import shutil
import subprocess
from pathlib import Path

import pytest

from trainers.machine.clock import Stopwatch
from trainers.machine.nvml import PowerMeter

#: One GPU that may draw 312.5 W, and has taken 250 J more whenever somebody asks; the other says
#: nothing of either. The functions are those of nvml.h.
LIBRARY = r"""
#include <string.h>
typedef struct { unsigned long long millijoules; int dumb; } device;
static device first = {5000000000ULL, 0}, second = {0, 1};
static int ready = 0;
int nvmlInit_v2(void) { ready = 1; return 0; }
int nvmlDeviceGetHandleByUUID(const char *uuid, device **found) {
  if (!ready) return 1;
  if (!strcmp(uuid, "GPU-6cf7")) { *found = &first; return 0; }
  if (!strcmp(uuid, "GPU-0e11")) { *found = &second; return 0; }
  return 6;
}
int nvmlDeviceGetEnforcedPowerLimit(device *of, unsigned int *milliwatts) {
  if (of->dumb) return 3;
  *milliwatts = 312500;
  return 0;
}
int nvmlDeviceGetTotalEnergyConsumption(device *of, unsigned long long *millijoules) {
  if (of->dumb) return 3;
  of->millijoules += 250000;
  *millijoules = of->millijoules;
  return 0;
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    folder: Path = tmp_path_factory.mktemp("nvml")
    (folder / "nvml.c").write_text(LIBRARY)
    command = ["cc", "-shared", "-fPIC", "-o", "nvml.so", "nvml.c"]
    subprocess.run(command, cwd=folder, check=True)
    return str(folder / "nvml.so")


def test_watts_and_joules_are_those_of_the_gpu_of_that_uuid(library):
    meter = PowerMeter.of("6cf7", library)
    assert meter.limit == 312.5
    before = meter.joules
    assert before > 2**32 / 1000, "more millijoules than 32 bits hold"
    assert meter.joules == before + 250


def test_what_a_driver_does_not_say_is_none(library):
    dumb = PowerMeter.of("0e11", library)
    assert (dumb.limit, dumb.joules) == (None, None)
    assert PowerMeter.of("ffff", library) is None
    assert PowerMeter.of("6cf7", "libno-such-driver.so.1") is None


def test_work_takes_the_joules_between_its_start_and_its_end(library):
    watch = Stopwatch(meter=PowerMeter.of("6cf7", library))
    first = watch.stop()
    assert first.gpu_joules == 250
    assert watch.stop().after(first).gpu_joules == 750
    assert Stopwatch(meter=PowerMeter.of("0e11", library)).stop().gpu_joules is None
