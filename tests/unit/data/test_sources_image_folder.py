"""Pictures in folders: small ones made here, and real ones if present."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ewc_lambda.data.sources import DATASETS
from ewc_lambda.errors import StudyError

ARCHIVE = Path(__file__).resolve().parents[4] / "shared/data/cifar10-images/cifar10-images.tar"


def save(path, colour, size=(6, 4), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "train/cat/b.png", (0, 255, 0))
    save(tmp_path / "train/cat/a.png", (255, 0, 0))
    save(tmp_path / "train/bird/1.bmp", 7, mode="L")
    save(tmp_path / "test/bird/1.JPG", (0, 0, 255))
    save(tmp_path / "test/cat/1.jpeg", (9, 9, 9), size=(30, 20))
    (tmp_path / "train/cat/notes.txt").write_text("not a picture")
    (tmp_path / "train/cat/._a.png").write_bytes(b"made by macOS")
    (tmp_path / "train/.hidden").mkdir()
    return tmp_path


def load(folder, size=3, workers=1):
    return DATASETS["image_folder"].load(
        {"data_folder": str(folder), "image_size": size, "data_workers": workers}
    )


def test_order_colours_and_size(folder):
    data = load(folder)
    assert data.classes == ("bird", "cat")
    assert data.y_train.tolist() == [0, 1, 1]
    assert data.y_test.tolist() == [0, 1]
    assert data.x_train.shape == (3, 3, 3, 3)
    assert data.x_test.dtype == np.uint8
    assert data.x_train[:, :, 0, 0].tolist() == [[7, 7, 7], [255, 0, 0], [0, 255, 0]]
    assert data.x_test[1].tolist() == np.full((3, 3, 3), 9).tolist()
    assert data.scale == 1 / 255


def test_resize_is_bilinear(tmp_path):
    for split in ("train", "test"):
        path = tmp_path / split / "a" / "1.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(np.array([[0, 100]], np.uint8)).save(path)
    # Centres of the four new pixels lie at -1/4, 1/4, 3/4, 5/4 of the two old ones.
    assert load(tmp_path, size=4).x_train[0, 0, 0].tolist() == [0, 25, 75, 100]


def test_number_of_threads_changes_nothing(folder):
    one, four = load(folder), load(folder, workers=4)
    assert np.array_equal(one.x_train, four.x_train)
    assert one.sources == four.sources


def test_order_of_the_file_system_changes_nothing(folder, monkeypatch):
    listings = Path.iterdir
    results = []
    for backwards in (False, True):
        with monkeypatch.context() as patch:
            patch.setattr(
                Path,
                "iterdir",
                lambda path, order=backwards: iter(sorted(listings(path), reverse=order)),
            )
            results.append(load(folder))
    assert np.array_equal(results[0].x_train, results[1].x_train)
    assert results[0].sources == results[1].sources


def test_digest_depends_on_names_and_contents(folder):
    before = load(folder).sources
    assert list(before) == ["image_folder"]
    (folder / "train/cat/b.png").rename(folder / "train/cat/c.png")
    renamed = load(folder).sources
    save(folder / "train/cat/c.png", (0, 254, 0))
    assert len({before["image_folder"], renamed["image_folder"]}) == 2
    assert load(folder).sources != renamed


def test_folder_of_the_name_within_the_data_folder(folder, tmp_path_factory):
    outer = tmp_path_factory.mktemp("outer")
    (outer / "image_folder").symlink_to(folder)
    assert load(outer).sources == load(folder).sources


def test_no_folders(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(StudyError, match=r"data_folder: neither .* has the folders train/ and"):
        load(tmp_path)


def test_no_classes(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
    with pytest.raises(StudyError, match="train: has no class folders"):
        load(tmp_path)


def test_empty_class(folder):
    (folder / "test/cat/1.jpeg").unlink()
    with pytest.raises(StudyError, match=r"test/cat: has no pictures"):
        load(folder)


def test_class_in_one_part_only(folder):
    save(folder / "test/dog/1.png", 1)
    with pytest.raises(StudyError, match=r"the classes dog are in only one"):
        load(folder)


@pytest.mark.parametrize("workers", [1, 3])
def test_corrupt_picture_is_named(folder, workers):
    whole = (folder / "test/cat/1.jpeg").read_bytes()
    for damaged in (b"", b"text", whole[: len(whole) // 2]):
        (folder / "test/cat/1.jpeg").write_bytes(damaged)
        with pytest.raises(StudyError, match=r"test/cat/1\.jpeg: cannot be decoded"):
            load(folder, workers=workers)


def test_sixteen_bits_are_refused_and_not_clipped(folder):
    Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(folder / "train/cat/a.png")
    with pytest.raises(StudyError, match=r"train/cat/a\.png: has more than 8 bits"):
        load(folder)


def test_pictures_are_upright_as_the_camera_says(tmp_path):
    upright = Image.fromarray(np.array([[0, 100], [200, 250]], np.uint8))
    sideways = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    for split in ("train", "test"):
        (tmp_path / split / "a").mkdir(parents=True)
        upright.save(tmp_path / split / "a/1.png")
        sideways.save(tmp_path / split / "a/2.png", exif=exif)
    first, second = load(tmp_path, size=2).x_train
    assert first[0].tolist() == [[0, 100], [200, 250]]
    assert second.tolist() == first.tolist()


def test_what_is_not_read_is_counted_in_one_line(folder):
    save(folder / "train/cat/sub/deep.png", 1)
    for ending in ("webp", "WEBP", "gif"):
        (folder / f"train/cat/more.{ending}").write_bytes(b"")
    (folder / "test/bird/README").write_text("no picture")
    (note,) = load(folder).notes
    assert note.startswith(
        "image_folder: 6 files are not read, 1 ending in .gif, 1 ending in .txt, 2 ending in "
        ".webp, 1 in sub-folders, 1 without an ending (the first: "
    )


def test_a_folder_without_pictures_says_what_lies_in_it(folder):
    (folder / "test/cat/1.jpeg").rename(folder / "test/cat/1.webp")
    with pytest.raises(StudyError, match=r"has no pictures .* 1 ending in \.webp \(the first: "):
        load(folder)


def test_what_programs_leave_is_no_class_and_no_picture(folder):
    before = load(folder)
    for split in ("train", "test"):
        (folder / split / "__MACOSX/cat").mkdir(parents=True)
        (folder / split / "cat/Thumbs.db").write_bytes(b"x")
        (folder / split / ".DS_Store").write_bytes(b"x")
    (folder / "train/@eaDir").mkdir()
    after = load(folder)
    assert after.classes == before.classes
    assert after.sources == before.sources
    assert after.notes == before.notes


def test_a_class_behind_a_broken_link_is_not_left_out_in_silence(folder):
    for split in ("train", "test"):
        (folder / split / "horse").symlink_to("/absent/horse")
    with pytest.raises(StudyError, match=r"train/horse: is a link to /absent/horse, which is not"):
        load(folder)


def test_what_lies_there_instead_is_named(folder, tmp_path):
    (folder / "train").rename(folder / "Train")
    with pytest.raises(
        StudyError, match=r"has the folders train/ and test/ \(.* has Train, test\)"
    ):
        load(folder)
    (tmp_path / "link").symlink_to("/absent/pictures")
    with pytest.raises(StudyError, match=r"/link is no folder but a link to /absent/pictures\)"):
        load(tmp_path / "link")


@pytest.mark.parametrize(("content", "why"), [(b"", "it is empty"), (b"text", "it begins as none")])
def test_what_is_no_picture_says_why(folder, content, why):
    (folder / "train/cat/bad.jpg").write_bytes(content)
    with pytest.raises(StudyError, match=rf"bad\.jpg: cannot be decoded as a picture \({why}\)"):
        load(folder)


def test_all_bad_pictures_are_listed_at_once(folder):
    (folder / "test/cat/1.jpeg").write_bytes(b"text")
    (folder / "train/cat/link.png").symlink_to("/nowhere/1.png")
    with pytest.raises(StudyError) as error:
        load(folder, workers=2)
    lines = str(error.value).splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        str(folder / "train/cat/link.png"),
        str(folder / "test/cat/1.jpeg"),
    ]


def test_many_bad_pictures_are_cut_short(folder):
    for number in range(30):
        (folder / f"train/cat/bad{number}.png").write_bytes(b"text")
    with pytest.raises(StudyError, match=r"\n\.\.\. and 10 more$"):
        load(folder)


def test_pictures_of_the_test_that_are_trained_on_are_told(folder):
    (folder / "test/cat/1.jpeg").write_bytes((folder / "train/cat/a.png").read_bytes())
    assert any(note.startswith("image_folder: 1 of 2 pictures") for note in load(folder).notes)


def test_a_folder_of_validation_pictures_is_told(folder):
    (folder / "val/cat").mkdir(parents=True)
    assert any("val/ is not read" in note for note in load(folder).notes)


def test_accents_may_be_written_otherwise_in_train_and_test(tmp_path):
    composed, decomposed = "M\u00fccke", "Mu\u0308cke"
    save(tmp_path / "train" / decomposed / "1.png", 1)
    save(tmp_path / "test" / composed / "1.png", 2)
    assert load(tmp_path).classes == (composed,)


@pytest.mark.skipif(
    not ARCHIVE.is_file(), reason="the data folder ../shared/data/cifar10-images is absent"
)
def test_real_pictures(tmp_path):
    with tarfile.open(ARCHIVE) as archive:
        for entry in archive:
            if entry.name.endswith(("/0000.jpg", "/0001.jpg")):
                # extract(filter=...) came with Python 3.11.4.
                picture = tmp_path / entry.name
                picture.parent.mkdir(parents=True, exist_ok=True)
                picture.write_bytes(archive.extractfile(entry).read())
    data = load(tmp_path, size=32, workers=2)
    assert data.classes == ("airplane", "automobile", "bird", "cat", "deer", "dog")
    assert data.x_train.shape == data.x_test.shape == (12, 3, 32, 32)
    assert data.x_train.std() > 20


# ------------------------------------------------------------------ without train and test


@pytest.fixture
def whole(tmp_path):
    for name, count in (("bird", 10), ("cat", 20)):
        for number in range(count):
            save(tmp_path / f"photos/{name}/{number:02}.png", (number, 7 * (name == "cat"), 0))
    return tmp_path / "photos"


def load_whole(folder, seed=1, share=0.3):
    return DATASETS["image_folder"].load(
        {
            "data_folder": str(folder),
            "image_size": 2,
            "data_workers": 1,
            "test_fraction": share,
            "seed": seed,
        }
    )


def numbers(x, y):
    return sorted(zip(x[:, 0, 0, 0].tolist(), y.tolist(), strict=True))


def test_the_test_split_is_drawn_from_each_class(whole):
    data = load_whole(whole)
    assert data.classes == ("bird", "cat")
    assert np.bincount(data.y_test).tolist() == [3, 6]
    assert np.bincount(data.y_train).tolist() == [7, 14]
    together = numbers(data.x_train, data.y_train) + numbers(data.x_test, data.y_test)
    assert sorted(together) == sorted([(n, 0) for n in range(10)] + [(n, 1) for n in range(20)])
    assert set(data.sources) == {"image_folder"}


def test_the_seed_alone_decides_which(whole):
    one, again, other = load_whole(whole), load_whole(whole), load_whole(whole, seed=2)
    assert numbers(one.x_test, one.y_test) == numbers(again.x_test, again.y_test)
    assert numbers(one.x_test, one.y_test) != numbers(other.x_test, other.y_test)


def test_folders_with_a_test_split_draw_none(folder):
    with pytest.raises(StudyError, match=r"^test_fraction: .* has the folders train/ and test/"):
        load_whole(folder)


def test_a_folder_without_classes_draws_none(tmp_path):
    with pytest.raises(StudyError, match="has a folder for each class"):
        load_whole(tmp_path / "nothing")
