import numpy as np
import pytest
from PIL import Image

HEIGHT, WIDTH = 20, 30


@pytest.fixture
def write_pair():
    """Write a random image; its mask holds two touching glands with the ids 3 and 7."""

    def write(rng, folder, name, mask="masks", suffix="png"):
        ids = np.zeros((HEIGHT, WIDTH), np.uint8)
        ids[2:12, 3:9], ids[2:12, 9:15] = 3, 7
        rgb = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        for path, pixels in ((folder / "images" / f"{name}.{suffix}", rgb), (folder / mask / f"{name}.png", ids)):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
        return rgb, ids

    return write


@pytest.fixture
def source(tmp_path, write_pair):
    """Six training pairs, one unlabelled image, one test pair."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "source"
    for index in range(6):
        write_pair(rng, folder, f"{index}")
    write_pair(rng, folder / "test", "t")
    (folder / "unlabelled").mkdir()
    Image.fromarray(rng.integers(0, 256, (9, 8, 3), np.uint8)).save(folder / "unlabelled" / "u.png")
    return folder


@pytest.fixture
def tree():
    """What is below a folder: relative path to content."""

    def read(folder):
        return {
            str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
        }

    return read


@pytest.fixture
def make(tmp_path):
    """Write empty files, or tables by their names, below a new directory: readers look at names only."""

    def make_files(*names, **tables):
        for name in names:
            path = tmp_path / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        for name, text in tables.items():
            (tmp_path / "source" / f"{name}.csv").write_bytes(text.encode())
        return tmp_path / "source"

    return make_files


@pytest.fixture
def listed():
    """What readers find: id to section, stems of image and mask, and patient."""

    def of(records):
        return {one.id: (one.section, one.image.stem, one.label and one.label.stem, one.patient) for one in records}

    return of
