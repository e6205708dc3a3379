"""A task on images: folders of files, or tables that hold the files' bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from trainers.errors import TaskError
from trainers.resolve.needs import Needed
from trainers.tasks.elsewhere.places import NoSuchSplit
from trainers.tasks.elsewhere.reading import columns, layout, tables
from trainers.tasks.elsewhere.reading.folders import ending
from trainers.tasks.elsewhere.reading.tables import Rows
from trainers.tasks.elsewhere.source import SourceTask
from trainers.tasks.elsewhere.survey import content_digests
from trainers.tasks.faults import faults

#: Modes of one channel with more than 8 bits, of which 16 are taken to be used.
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_MOST = 0xFFFF
#: How many images that do not decode are named one by one.
_SAID = 5


@dataclass(frozen=True)
class ImageTask(SourceTask):
    """Images to be classified, from `train/cat/1.png`, `cat/1.png`, or tables with bytes.

    Folders of splits may lie in others, at any depth.

    Attributes:
        image: the column with the images, in a table; in folders the label is the folder's name.
        shape: channels (1 or 3), height and width; images of another size are resized to it.

    Raises:
        TaskError: a field is out of range, or, when the data are read, they are missing or unfit.
    """

    reads: ClassVar[Literal["text", "images"]] = "images"
    revision: ClassVar[int] = 3
    fetched: ClassVar[tuple[str, ...]] = (
        *SourceTask.fetched,
        *(f"*{each}" for each in layout.IMAGES),
    )

    image: str = "image"
    shape: tuple[int, int, int] = (3, 32, 32)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "shape", tuple(self.shape))
        if len(self.shape) != 3 or self.shape[0] not in (1, 3) or min(self.shape) < 1:
            raise TaskError(
                f"{self.name}: shape={self.shape} must be channels (1 or 3), height and width."
            )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.shape

    def content(self, file: Path) -> str:
        """What a file contributes to the fingerprint; of an image in a folder, its class too."""
        own = super().content(file)
        return f"{file.parent.name}/{own}" if ending(file) in layout.IMAGES else own

    def reading(self) -> dict[str, Any]:
        """The fields that shape the prepared folder."""
        return super().reading() | {"image": self.image, "shape": self.shape}

    def rows(self) -> Rows:
        """Labels and images of all splits that the task uses, the images of folders as paths."""
        files = [f for listed in self._files().values() for f in listed]
        if ending(files[0]) not in layout.IMAGES:
            return tables.read(files, [self.label, self.image])
        names = {self.label: [f.parent.name for f in files], self.image: [str(f) for f in files]}
        return Rows(pa.table(names), files, range(len(files)), {})

    def digests(self, rows: Rows) -> tuple[NDArray[np.uint64], int]:
        """The content of each image file, and the bytes of all pixels."""
        values = rows.table.column(self.image)
        if not _are_files(rows) and _is_text(values.type):
            raise TaskError(_paths(rows, self.image))
        columns.require(rows, self.image, values.is_null(), "the image is missing")
        contents = [self._bytes(rows, row) for row in range(rows.table.num_rows)]
        return content_digests(contents), len(contents) * int(np.prod(self.shape))

    def inspect(self) -> tuple[Needed, ...]:
        """Decode every image that is there, and name those that do not decode."""
        if faults(self.rows):
            return ()
        rows, found = self.rows(), list[str]()
        for row in range(rows.table.num_rows):
            if not faults(partial(self._bytes, rows, row)):
                found += faults(partial(self._pixels, rows, row))
        if len(found) > _SAID:
            found[_SAID - 1 :] = [f"{len(found) - _SAID + 1} more images do not decode"]
        mend = "replace or remove what does not decode"
        return tuple(Needed("data", str(self.data), fault, mend) for fault in found)

    def write_inputs(self, rows: Rows, folder: Path) -> None:
        """Write `pixels.npy`, uint8, shape (n, channels, height, width).

        Raises:
            TaskError: with file and row, an image does not decode.
        """
        pixels = np.lib.format.open_memmap(
            folder / "pixels.npy", "w+", np.uint8, (rows.table.num_rows, *self.shape)
        )
        for row in range(len(pixels)):
            pixels[row] = self._pixels(rows, row)
        pixels.flush()

    def read_inputs(
        self, folder: Path, rows: NDArray[np.int64]
    ) -> Mapping[str, NDArray[np.float32]]:
        """The pixels of some examples, in [0, 1]."""
        pixels = np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)
        return {"pixels": pixels[rows].astype(np.float32) / 255}

    def _pixels(self, rows: Rows, row: int) -> NDArray[np.uint8]:
        try:
            return self._decoded(self._bytes(rows, row))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            why = "no known format" if isinstance(error, UnidentifiedImageError) else error
            raise TaskError(f"{rows.where(row)}: the image does not decode: {why}") from error

    def _bytes(self, rows: Rows, row: int) -> bytes:
        value = rows.table.column(self.image)[row].as_py()
        content = value.get("bytes") if isinstance(value, dict) else value
        if isinstance(content, str) and _are_files(rows):
            return _file_bytes(Path(content))
        if not isinstance(content, bytes):
            if isinstance(value, dict) and value.get("path"):
                raise TaskError(_paths(rows, self.image))
            raise TaskError(
                f'{rows.where(row)}, column "{self.image}": it holds no bytes of an image file.'
            )
        return content

    def _decoded(self, content: bytes) -> NDArray[np.uint8]:
        channels, height, width = self.shape
        with Image.open(io.BytesIO(content)) as image:
            plain = _in_8_bits(image).convert("L" if channels == 1 else "RGB")
        if plain.size != (width, height):
            plain = plain.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(plain, np.uint8).reshape(height, width, channels).transpose(2, 0, 1)

    def _layout(self, place: Path, config: str, asked: Sequence[str]) -> layout.SplitFiles:
        found = layout.image_splits(place, config, asked)
        if found and not any(layout.called(split, found) for split in asked):
            raise NoSuchSplit(_misplaced(next(iter(found.values()))[0], place))
        if not found and (image := layout.an_image(place, config)):
            raise NoSuchSplit(_misplaced(image, place))
        return found or super()._layout(place, config, asked)


def _misplaced(image: Path, place: Path) -> str:
    return (
        f"{place}: images must lie as class/image.png, or as train/class/image.png with the "
        f"split's name first; here is {image.relative_to(place).as_posix()}. Move them so, or name "
        "the splits as the folders are."
    )


def _file_bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise TaskError(f"{file} cannot be read: {error.strerror}.") from error


def _paths(rows: Rows, column: str) -> str:
    return (
        f'{rows.where(0)}, column "{column}": it holds paths or other text, and paths are not '
        "followed. Put the images into folders, class/image.png, or their bytes into the table."
    )


def _are_files(rows: Rows) -> bool:
    """Whether the images are files in folders, which are known by their paths."""
    return ending(rows.files[0]) in layout.IMAGES


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _in_8_bits(image: Image.Image) -> Image.Image:
    """The image with 8 bits per channel; what has 16 is scaled, where Pillow would clip it."""
    if image.mode == "F":
        raise ValueError("its pixels are fractions of unknown range; save it with 8 or 16 bits")
    if image.mode not in _DEEP:
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > _MOST:
        raise ValueError("its pixels have more than 16 bits; save it with 8 or 16")
    return Image.fromarray(np.rint(values / (_MOST / 255)).astype(np.uint8))
