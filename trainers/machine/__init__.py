"""What a piece of work takes of the machine: time, memory, energy."""

from __future__ import annotations
