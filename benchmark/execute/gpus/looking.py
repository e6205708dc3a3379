"""What torch sees of GPUs, as JSON: a program of its own, which imports nothing of ours.

Whoever looks opens the driver, and a process that opened it cannot be told any more which GPUs it
is to see.
"""

from __future__ import annotations

import json
import os

import torch


def main() -> None:
    """Print the version of torch, and each GPU with what makes a process see it alone."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = ["CUDA_VISIBLE_DEVICES"]
    if torch.version.hip:  # which takes the first of these that is set
        names = ["HIP_VISIBLE_DEVICES", *names]
    said = next((os.environ[name] for name in names if name in os.environ), "")
    visible = [each.strip() for each in said.split(",")] if said else [*map(str, range(count))]
    found = [
        {
            "number": i,
            "kind": torch.cuda.get_device_name(i),
            "memory_mb": torch.cuda.mem_get_info(i)[0] / 1e6,
            "visible": visible[i],
            "uuid": str(torch.cuda.get_device_properties(i).uuid),
        }
        for i in range(count)
    ]
    print(json.dumps({"torch": torch.__version__, "gpus": found}))


if __name__ == "__main__":
    main()
