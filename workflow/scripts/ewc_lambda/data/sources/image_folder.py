"""Pictures in folders: train/<class>/ and test/<class>/, one folder for each class."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ewc_lambda.data.sources.base import Config, Dataset, DatasetInfo, listed
from ewc_lambda.errors import StudyError

_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp")
_SPLITS = ("train", "test")


def load_image_folder(config: Config) -> Dataset:
    """Read all pictures as RGB, resized to ``image_size``: x (N, 3, S, S) uint8.

    Classes are the names of the folders in train/, sorted; the order of the samples is that of
    the sorted file names, whatever ``data_workers`` is. ``sources`` has one entry: the SHA-256
    over the sorted relative names and the digests of their files.

    Raises StudyError for a missing folder, classes that differ between train/ and test/, a
    class without pictures, and a file that cannot be decoded.
    """
    root = find_root(config)
    classes = _classes(root)
    files: list[Path] = []
    labels: dict[str, list[int]] = {split: [] for split in _SPLITS}
    for split in _SPLITS:
        for label, name in enumerate(classes):
            found = _pictures(root / split / name)
            files += found
            labels[split] += [label] * len(found)
    x, digests = _decode_all(files, config["image_size"], config["data_workers"])
    names = [path.relative_to(root).as_posix() for path in files]
    pairs = sorted(zip(names, digests, strict=True))
    content = "".join(f"{name} {digest}\n" for name, digest in pairs)
    y = {split: np.array(labels[split], dtype=np.int64) for split in _SPLITS}
    first_test = len(y["train"])
    return Dataset(
        "image_folder",
        x[:first_test],
        y["train"],
        x[first_test:],
        y["test"],
        classes,
        1 / 255,
        {"image_folder": hashlib.sha256(content.encode()).hexdigest()},
    )


def find_root(config: Config) -> Path:
    """The folder with train/ and test/: ``data_folder`` itself, or image_folder/ within it."""
    data_folder = Path(config["data_folder"])
    candidates = (data_folder, data_folder / "image_folder")
    for root in candidates:
        if all((root / split).is_dir() for split in _SPLITS):
            return root
    raise StudyError(
        f"data_folder: neither {candidates[0]} nor {candidates[1]} has the folders train/ and "
        "test/; put the pictures there, as train/<class>/*.jpg and test/<class>/*.jpg "
        "(docs/datasets.md says where to get known ones)"
    )


def decode(path: Path, size: int) -> tuple[np.ndarray, str]:
    """One picture as (3, size, size) uint8, RGB, bilinear, and the SHA-256 of its file."""
    from PIL import Image

    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            if image.mode.startswith(("I", "F")):
                # Pillow clips these to 255 when it makes RGB of them: all would be white.
                raise StudyError(
                    f"{path}: has more than 8 bits a channel (mode {image.mode}), convert it to 8"
                )
            rgb = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise StudyError(
            f"{path}: cannot be decoded as a picture ({error}); replace or remove it"
        ) from error
    return np.asarray(rgb).transpose(2, 0, 1), hashlib.sha256(data).hexdigest()


def _classes(root: Path) -> tuple[str, ...]:
    train, test = (
        sorted(
            path.name
            for path in (root / split).iterdir()
            if path.is_dir() and not path.name.startswith(".")
        )
        for split in _SPLITS
    )
    if not train:
        raise StudyError(f"{root / 'train'}: has no class folders")
    if train != test:
        differing = sorted(set(train) ^ set(test))
        raise StudyError(
            f"{root}: the classes {listed(differing)} are in only one of train/ and test/, "
            "each class needs a folder in both"
        )
    return tuple(train)


def _pictures(folder: Path) -> list[Path]:
    # Hidden files are left out: archives made on macOS hold a "._name.jpg" beside each picture.
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _ENDINGS and not path.name.startswith(".")
    )
    if not found:
        raise StudyError(f"{folder}: has no pictures ({', '.join(_ENDINGS)})")
    return found


def _decode_all(files: list[Path], size: int, workers: int) -> tuple[np.ndarray, list[str]]:
    from tqdm import tqdm

    x = np.empty((len(files), 3, size, size), dtype=np.uint8)
    digests = []
    # Threads and not processes: Pillow decodes without the interpreter's lock, and nothing has
    # to be copied back. One update a second keeps log files short.
    with ThreadPoolExecutor(workers) as pool:
        decoded = pool.map(lambda path: decode(path, size), files)
        progress = tqdm(decoded, "decoding pictures", len(files), mininterval=1, unit="files")
        try:
            for place, (pixels, digest) in enumerate(progress):
                x[place] = pixels
                digests.append(digest)
        except BaseException:
            # Else leaving the pool would first decode all that is still queued.
            pool.shutdown(cancel_futures=True)
            raise
    return x, digests


IMAGE_FOLDER = DatasetInfo(
    name="image_folder",
    task="classes",
    load=load_image_folder,
    needs=("image_size",),
    find=find_root,
)
