"""What NVIDIA's driver says of the power of a GPU, through its library NVML, where there is one."""

from __future__ import annotations

from ctypes import CDLL, byref, c_char_p, c_uint, c_ulonglong, c_void_p
from dataclasses import dataclass
from functools import cache

#: The library, which comes with the driver.
_LIBRARY = "libnvidia-ml.so.1"


@dataclass(frozen=True)
class PowerMeter:
    """Of a whole GPU: what other processes run there counts too.

    Looking at it opens neither CUDA nor a context on the GPU.
    """

    _library: CDLL
    _device: c_void_p

    @classmethod
    def of(cls, uuid: str, library: str = _LIBRARY) -> PowerMeter | None:
        """The meter of the GPU of this UUID, as torch writes it; None where NVML knows of none."""
        nvml, device = _opened(library), c_void_p()
        if nvml is None:
            return None
        named = c_char_p(f"GPU-{uuid}".encode())
        failed = nvml.nvmlDeviceGetHandleByUUID(named, byref(device))
        return None if failed else cls(nvml, device)

    @property
    def limit(self) -> float | None:
        """Watts that the GPU may draw; None where it does not say."""
        milliwatts = c_uint()
        failed = self._library.nvmlDeviceGetEnforcedPowerLimit(self._device, byref(milliwatts))
        return None if failed else milliwatts.value / 1000

    @property
    def joules(self) -> float | None:
        """That it took since its driver was loaded; None where it does not count them."""
        millijoules = c_ulonglong()
        failed = self._library.nvmlDeviceGetTotalEnergyConsumption(self._device, byref(millijoules))
        return None if failed else millijoules.value / 1000


@cache
def _opened(library: str) -> CDLL | None:
    """NVML, ready to be asked; None where it, or the driver, is not there."""
    try:
        nvml = CDLL(library)
    except OSError:
        return None
    return None if nvml.nvmlInit_v2() else nvml
