"""What the fork server has imported, and no worker has to."""

import subprocess
import sys

LOOK = """
import sys
import benchmark.execute.engines.preload
before = set(sys.modules)
import benchmark.execute.attempt.worker, benchmark.execute.engines.asking
import benchmark.execute.engines.local, benchmark.declare.loading, trainers.loop
new = {name for name in sys.modules if name not in before}
print(*sorted(name for name in new if name.partition(".")[0] in ("benchmark", "trainers")))
"""


def test_a_worker_imports_nothing_of_ours_any_more():
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
