"""Real inference commands on folders as users have them."""

import csv
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from custom.data.source_file import SourceFile
from custom.data.tiles.qupath import rasterise


def run(repository, source, output, *options):
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/inference.json"]
    where = ["--dataset_dir", str(source), "--output_dir", str(output), "--views", "1"]
    return subprocess.run(
        [*command, *where, *options],
        cwd=repository / "bundle",
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def tile(folder_source):
    return Image.open(folder_source / "images" / "images_0.png").convert("RGB")


def test_one_bad_input_ends_no_batch(repository, tile, tmp_path):
    source = tmp_path / "in"
    (source / "sub").mkdir(parents=True)
    for name in ("a.png", "sub/b.tif", f"{'n' * 245}.png"):
        tile.save(source / name)
    tile.save(source / "says_otherwise.png", dpi=(25400 / 0.25, 25400 / 0.25))
    tile.resize((1, 1)).save(source / "one_pixel.png")
    tile.save(source / "turned.tif", tiffinfo={274: 6})
    (source / "broken.png").write_bytes((source / "a.png").read_bytes()[:900])
    (source / "slide.svs").write_bytes(b"")
    tile.save(tmp_path / "elsewhere.png")
    (source / "linked.png").symlink_to(tmp_path / "elsewhere.png")
    with open(os.path.join(os.fsencode(source), b"dr\xfcse.png"), "wb") as file:
        file.write((source / "a.png").read_bytes())
    done = run(repository, source, tmp_path / "out", "--mpp", "0.62")
    text = done.stdout + done.stderr
    assert done.returncode == 1, text[-3000:]
    assert "Traceback" not in text
    assert "left out 1 files of other kinds: slide.svs" in text
    for said in (
        "says_otherwise.png: the file says 0.25 µm a pixel, but 0.62 was asked for",
        "turned.tif: found the orientation tag 6",
        "broken.png: broken or truncated image",
        r"dr\xfcse.png: the name is no UTF-8",
        "File name too long",
        "5 of 9 pictures failed",
    ):
        assert said in text
    stems = {path.name.removesuffix("_mask.png") for path in (tmp_path / "out").rglob("*_mask.png")}
    assert stems == {"a", "linked", "one_pixel", "b"}
    with open(tmp_path / "out" / "glands.csv", newline="") as file:
        assert {row["image"] for row in csv.DictReader(file)} <= {"a.png", "sub/b.tif", "linked.png", "one_pixel.png"}
    ids = np.asarray(Image.open(tmp_path / "out" / "a_instances.png"))
    outlines = SourceFile(tmp_path / "out" / "a_glands.geojson")
    assert np.array_equal(rasterise(outlines, ids.shape)[0], ids)


def test_a_prepared_set_and_sizes_that_are_none(repository, dataset, tmp_path):
    done = run(repository, dataset, tmp_path / "out")
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-3000:]
    assert "files that are labels: contact_sheet.png, labels/" in text
    images = {path.stem for path in (dataset / "images").iterdir()}
    masks = list((tmp_path / "out").rglob("*_mask.png"))
    assert len(masks) == len(images)
    assert {path.name.removesuffix("_mask.png") for path in masks} == images
    for mpp in ("250", "0"):
        done = run(repository, dataset, tmp_path / "none", "--mpp", mpp)
        assert done.returncode == 2, done.stderr[-3000:]
        assert "--mpp: found" in done.stderr
        assert "0.05" in done.stderr
    assert not list(tmp_path.glob("none/*"))
