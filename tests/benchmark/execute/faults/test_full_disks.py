"""Disks that are full or damage files: runs are tried again, what is damaged is made again."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.benchmark.conftest import linux
from tests.benchmark.execute.faults.study import Disturbed, check

pytestmark = [pytest.mark.slow, pytest.mark.long, linux]


@pytest.fixture
def mounted(folder: Path):
    """Mounts a small disk at a folder of the study, with what is in it."""
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    made: list[Path] = []

    def mount(place: Path, megabytes: int) -> Path:
        place.mkdir(exist_ok=True)
        kept = place.with_name(f"{place.name}.kept")
        shutil.copytree(place, kept)
        told = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(place)]
        done = subprocess.run(told, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this machine lets nobody mount: {done.stderr.strip()}")
        made.append(place)
        shutil.copytree(kept, place, dirs_exist_ok=True)
        return place

    yield mount
    for place in made:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """A file that takes all the room that there is."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"0" * size)
            except OSError:
                continue
    return filler


def test_a_store_whose_disk_is_full_is_waited_for(folder, expected, mounted):
    mounted(folder / "mlruns", 8)
    running = Disturbed(folder)
    running.arrived(2)
    filler = fill(folder / "mlruns")
    running.go_on()
    running.hears("is out of reach: the disk is full")
    filler.unlink()
    said = running.end()
    assert said.count("is back.") == 1
    assert check(folder, expected) == []


def test_a_cache_whose_disk_is_full_has_its_runs_tried_again(folder, expected, mounted):
    cache = folder / "mlruns" / "cache"
    mounted(cache, 2)
    running = Disturbed(folder)
    running.arrived(2)
    filler = fill(cache)
    running.go_on()
    running.hears("No space left on device; free some space; tried again in 2 s (2 of 5)")
    filler.unlink()
    running.end()
    failed = check(folder, expected)
    assert failed
    assert all(run.tags["status_reason"].startswith("disk full: ") for run in failed)


def test_a_full_place_for_temporary_files_stops_no_run(folder, expected, mounted):
    place = mounted(folder / "tmp", 1)
    running = Disturbed(folder)
    running.arrived(2)
    filler = fill(place)
    running.end()
    filler.unlink()
    assert check(folder, expected) == []


@pytest.mark.parametrize("damage", ["one byte", "cut"])
def test_data_that_were_damaged_while_runs_waited_are_made_again_and_named(
    damage, folder, expected
):
    running = Disturbed(folder)
    running.arrived(2)
    (files,) = (folder / "mlruns" / "cache" / "data").iterdir()
    victim = max((p for p in files.iterdir() if p.name[0] != "."), key=lambda p: p.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content if damage == "one byte" else content[:-7])
    said = running.end()
    assert f"holds a damaged {victim.name}: made again" in said
    assert check(folder, expected) == []
