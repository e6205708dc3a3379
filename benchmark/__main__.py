"""`python -m benchmark` is `bench`."""

from benchmark.cli import entry

if __name__ == "__main__":
    entry()
