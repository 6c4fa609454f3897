"""Pictures in folders: train/<class>/ and test/<class>/, or <class>/ alone, whose test split is
drawn on request (``test_fraction``).
"""

from __future__ import annotations

import hashlib
import io
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ewc_lambda.data.sources.base import Config, Dataset, DatasetInfo, listed
from ewc_lambda.data.sources.download import data_folder, file_digest, not_there
from ewc_lambda.data.sources.splits import class_ranks, held_out
from ewc_lambda.errors import StudyError
from ewc_lambda.seeding import data_generator

_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp")
_SPLITS = ("train", "test")
_WHOLE = (".",)
# What programs leave beside pictures, hidden files aside: no classes and no pictures.
_LEFTOVERS = {"__MACOSX", "@eaDir", "lost+found", "Thumbs.db", "desktop.ini", "Icon\r"}
# So many bad files are named in one message.
_NAMED = 20


def load_image_folder(config: Config) -> Dataset:
    """Read all pictures as RGB, resized to ``image_size``: x (N, 3, S, S) uint8.

    Classes are the names of the folders in train/, sorted; the order of the samples is that of
    the sorted file names, whatever ``data_workers`` is. ``sources`` has one entry: the SHA-256
    over the sorted relative names and the digests of their files. What lies beside the pictures
    and is not read is counted in the notes, and so are pictures of test/ that are in train/ too.

    Raises StudyError for a missing folder, classes that differ between train/ and test/, a
    class without pictures, and files that cannot be decoded.
    """
    root = find_root(config)
    splits = _splits(config)
    classes = _classes(root, splits)
    files: list[Path] = []
    left_out: list[Path] = []
    labels: dict[str, list[int]] = {split: [] for split in splits}
    for split in splits:
        for label, name in enumerate(classes):
            found, others = _pictures(_folder(root / split, name))
            files += found
            left_out += others
            labels[split] += [label] * len(found)
    x, digests = _decode_all(files, config["image_size"], config["data_workers"])
    y = np.concatenate([np.array(labels[split], dtype=np.int64) for split in splits])
    test = np.arange(len(y)) >= len(labels[splits[0]])
    if splits == _WHOLE:
        test = _drawn_test(config, y)
    sha = np.array(digests)
    return Dataset(
        "image_folder",
        x[~test],
        y[~test],
        x[test],
        y[test],
        classes,
        1 / 255,
        _source(root, files, digests),
        tuple(_notes(root, left_out, sha[~test].tolist(), sha[test].tolist())),
    )


def _splits(config: Config) -> tuple[str, ...]:
    """Folders in which classes lie: of two splits, or the root itself."""
    return _SPLITS if config.get("test_fraction") is None else _WHOLE


def _drawn_test(config: Config, y: np.ndarray) -> np.ndarray:
    """Mask (N,) of the test split, of each class as large a share."""
    ranks = class_ranks(y, data_generator(config["seed"], "test", 0))
    return held_out(y, ranks, config["test_fraction"])


def _digests(config: Config) -> dict[str, str]:
    root = find_root(config)
    splits = _splits(config)
    folders = [_folder(root / split, name) for split in splits for name in _classes(root, splits)]
    files = [file for folder in folders for file in _pictures(folder)[0]]
    return _source(root, files, [file_digest(file, None) for file in files])


def _source(root: Path, files: Sequence[Path], digests: Sequence[str]) -> dict[str, str]:
    names = [path.relative_to(root).as_posix() for path in files]
    pairs = sorted(zip(names, digests, strict=True))
    content = "".join(f"{name} {digest}\n" for name, digest in pairs)
    return {"image_folder": hashlib.sha256(content.encode()).hexdigest()}


def find_root(config: Config) -> Path:
    """The folder with train/ and test/, or with ``test_fraction`` that of the classes:
    ``data_folder`` itself, or image_folder/ within it.
    """
    folder = data_folder(config)
    candidates = (folder, folder / "image_folder")
    for root in candidates:
        if all((root / split).is_dir() for split in _SPLITS):
            if config.get("test_fraction") is not None:
                raise StudyError(
                    f"test_fraction: {root} has the folders train/ and test/, so nothing is drawn. "
                    f"Allowed with them: null"
                )
            return root
    if config.get("test_fraction") is not None:
        # The inner folder first: the outer one may hold other data sets beside it.
        for root in reversed(candidates):
            if root.is_dir() and _class_folders(root):
                return root
        raise StudyError(
            f"data_folder: neither {candidates[0]} nor {candidates[1]} has a folder for each "
            f"class; put the pictures there, as <class>/*.jpg{not_there(config)}"
        )
    raise StudyError(
        f"data_folder: neither {candidates[0]} nor {candidates[1]} has the folders train/ and "
        f"test/{_instead(folder)}; put the pictures there, as train/<class>/*.jpg and "
        "test/<class>/*.jpg (docs/datasets.md says where to get known ones), or set test_fraction "
        f"for <class>/*.jpg{not_there(config)}"
    )


def _instead(folder: Path) -> str:
    """What is found where train/ and test/ are missing."""
    if not folder.is_dir():
        link = f" but a link to {folder.readlink()}" if folder.is_symlink() else ""
        return f" ({folder} is no folder{link})"
    found = [path.name for path in folder.iterdir() if path.is_dir() and not _is_leftover(path)]
    return f" ({folder} has {listed(sorted(found))})" if found else ""


def decode(path: Path, size: int) -> tuple[np.ndarray, str]:
    """One picture as (3, size, size) uint8, RGB, bilinear, upright as the camera says it was held,
    and the SHA-256 of its file.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        data = path.read_bytes()
        if not data:
            raise OSError("it is empty")
        with Image.open(io.BytesIO(data)) as image:
            if image.mode.startswith(("I", "F")):
                # Pillow clips these to 255 when it makes RGB of them: all would be white.
                raise StudyError(
                    f"{path}: has more than 8 bits a channel (mode {image.mode}), convert it to 8"
                )
            upright = ImageOps.exif_transpose(image)
            rgb = upright.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    except UnidentifiedImageError:
        raise StudyError(
            f"{path}: cannot be decoded as a picture (it begins as none); replace or remove it"
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise StudyError(
            f"{path}: cannot be decoded as a picture ({error}); replace or remove it"
        ) from error
    return np.asarray(rgb).transpose(2, 0, 1), hashlib.sha256(data).hexdigest()


def _is_leftover(path: Path) -> bool:
    """Hidden files are left out too: archives made on macOS hold a "._name.jpg" beside each
    picture.
    """
    return path.name.startswith(".") or path.name in _LEFTOVERS


def _composed(name: str) -> str:
    """A name in one of the two ways to write an accent; disks of macOS have the other."""
    return unicodedata.normalize("NFC", name)


def _folder(split: Path, name: str) -> Path:
    return next(path for path in split.iterdir() if _composed(path.name) == name)


def _class_folders(folder: Path) -> list[str]:
    return sorted(
        _composed(path.name)
        for path in folder.iterdir()
        if path.is_dir() and not _is_leftover(path)
    )


def _classes(root: Path, splits: Sequence[str]) -> tuple[str, ...]:
    for path in (path for split in splits for path in sorted((root / split).iterdir())):
        if path.is_symlink() and not path.exists():
            raise StudyError(
                f"{path}: is a link to {path.readlink()}, which is not there, so a class may be "
                "missing; mount its disk or remove the link"
            )
    train, *others = (_class_folders(root / split) for split in splits)
    if not train:
        raise StudyError(f"{root / splits[0]}: has no class folders")
    for test in others:
        if train != test:
            differing = sorted(set(train) ^ set(test))
            raise StudyError(
                f"{root}: the classes {listed(differing)} are in only one of train/ and test/, "
                "each class needs a folder in both"
            )
    return tuple(train)


def _pictures(folder: Path) -> tuple[list[Path], list[Path]]:
    """The pictures of a class, and what other files lie in its folder or below, both sorted."""
    found: list[Path] = []
    others: list[Path] = []
    for path in sorted(path for path in folder.iterdir() if not _is_leftover(path)):
        if path.is_dir():
            below = (p for p in path.rglob("*") if p.is_file() and not _is_leftover(p))
            others += sorted(below)
        else:
            (found if path.suffix.lower() in _ENDINGS else others).append(path)
    if not found:
        raise StudyError(f"{folder}: has no pictures ({', '.join(_ENDINGS)}){_hint(others)}")
    return found, others


def _hint(others: Sequence[Path]) -> str:
    """Where the pictures of a folder without any may be."""
    return f"; not read there: {_counted(others)}" if others else ""


def _notes(
    root: Path, left_out: Sequence[Path], train: Sequence[str], test: Sequence[str]
) -> Iterator[str]:
    """What the owner of the pictures should know: what was not read, and what is read twice."""
    if left_out:
        counts = _counted([path.relative_to(root) for path in left_out])
        yield (
            f"image_folder: {len(left_out)} files are not read, {counts}; "
            f"pictures are those ending in {', '.join(_ENDINGS)} in the folder of a class itself"
        )
    others = [p.name for p in root.iterdir() if p.is_dir() and p.name in ("val", "valid", "dev")]
    if others:
        yield (
            f"image_folder: {others[0]}/ is not read: the validation split is held out from train/"
        )
    known = set(train)
    twice = sum(digest in known for digest in test)
    if twice:
        yield (
            f"image_folder: {twice} of {len(test)} pictures of test/ are in train/ too, file for "
            "file, and so the test is not of new pictures"
        )


def _counted(paths: Sequence[Path]) -> str:
    kinds = Counter(_kind(path) for path in paths)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return f"{counts} (the first: {paths[0]})"


def _kind(path: Path) -> str:
    ending = path.suffix.lower()
    if ending in _ENDINGS:
        return "in sub-folders"
    return f"ending in {ending}" if ending else "without an ending"


def _decode_all(files: list[Path], size: int, workers: int) -> tuple[np.ndarray, list[str]]:
    from tqdm import tqdm

    x = np.empty((len(files), 3, size, size), dtype=np.uint8)
    digests, bad = [], []

    def tried(path: Path) -> tuple[np.ndarray, str] | StudyError:
        try:
            return decode(path, size)
        except StudyError as error:
            return error

    # Threads and not processes: Pillow decodes without the interpreter's lock, and nothing has
    # to be copied back. One update a second keeps log files short.
    with ThreadPoolExecutor(workers) as pool:
        decoded = pool.map(tried, files)
        progress = tqdm(decoded, "decoding pictures", len(files), mininterval=1, unit="files")
        try:
            for place, found in enumerate(progress):
                if isinstance(found, StudyError):
                    bad.append(str(found))
                else:
                    x[place], digest = found
                    digests.append(digest)
        except BaseException:
            # Else leaving the pool would first decode all that is still queued.
            pool.shutdown(cancel_futures=True)
            raise
    if bad:
        more = f"\n... and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        raise StudyError("\n".join(bad[:_NAMED]) + more)
    return x, digests


IMAGE_FOLDER = DatasetInfo(
    name="image_folder",
    task="classes",
    load=load_image_folder,
    needs=("image_size",),
    find=find_root,
    digests=_digests,
)
