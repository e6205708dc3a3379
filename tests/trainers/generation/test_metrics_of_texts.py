"""What scoring texts leaves behind in the process that does it."""

import subprocess
import sys

SCORED = """
import io
import logging.config
import sys

theirs, sys.stderr = sys.stderr, io.StringIO()
from trainers.text_metrics import rouge
rouge(["a dog"], ["the dog"])
ours, sys.stderr = sys.stderr, theirs
logging.config.dictConfig({"version": 1})  # as MLflow does when it opens a record
assert not ours.closed
"""


def test_what_stood_for_stderr_stays_open_when_logging_is_set_up_anew():
    subprocess.run([sys.executable, "-c", SCORED], check=True)
