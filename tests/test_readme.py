"""The commands of README.md and of the recipes' pages, run as they stand, on stand-ins for the user's data."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from custom.data.drawn import volumes as synthetic_volumes
from custom.data.drawn.glands import draw_tile

# Added to what trains or evaluates, so that the test takes minutes; the wiring stays the page's.
QUICK = {
    "inference_organ.json": "",
    "evaluate_organ.json": "",
    "train_organ.json": "--max_epochs 1 --steps_per_epoch 1 --crop_px 32 --batch_size 2",
    "training": "--max_epochs 1 --steps_per_epoch 1 --crop_px 64 --batch_size 2 --unlabelled_batch_size 2 --views 1",
    "evaluate.json": "--views 1",
    "inference.json": "--views 1",
}
# In this order: a page goes on with what an earlier one made. Where its first command starts.
PAGES = {"README.md": ".", "docs/gland.md": "bundle", "docs/organ.md": "bundle"}
FOLDER = "Warwick QU Dataset (Released 2016_07_08)"


def blocks(text):
    return re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def place(repository, folder_source, tmp_path_factory):
    """A checkout's top level with the user's data beside it."""
    top = tmp_path_factory.mktemp("checkout")
    shutil.copytree(repository / "bundle", top / "bundle", ignore=shutil.ignore_patterns("runs"))
    shutil.copytree(folder_source, top / "my_glands")
    mask = next((top / "my_glands" / "masks").iterdir())
    outline = (
        '[{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[9,9],[60,9],[60,50],[9,50],[9,9]]]}}]'
    )
    mask.with_suffix(".geojson").write_text(outline)
    mask.unlink()
    shutil.copytree(top / "my_glands" / "unlabelled", top / "new_images")
    write_glas(top / "glas.zip")
    write_volumes(top)
    return top


def write_volumes(top):
    synthetic_volumes.synthesise(top / "volumes", number=6)
    for name, like in (("my_ct", "synthetic_ct"), ("my_mr", "synthetic_mr"), ("my_heart", "synthetic_mr")):
        shutil.copytree(top / "volumes" / like, top / name)
        file = top / name / "data_set.json"
        declared = json.loads(file.read_text()) | {"name": name}
        if name == "my_heart":
            declared["modalities"] = {"cine_mr": next(iter(declared["modalities"].values()))}
        file.write_text(json.dumps(declared))
    shutil.copytree(top / "volumes" / "synthetic_ct" / "images", top / "new_volumes")


def write_glas(path):
    rng = np.random.default_rng(0)
    rows = ["name, patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)"]
    with zipfile.ZipFile(path, "w") as archive:
        for name in [*(f"train_{number}" for number in range(1, 21)), "testA_1", "testA_2"]:
            for suffix, pixels in zip(("", "_anno"), draw_tile(rng, 96, 128), strict=True):
                file = path.parent / "part.bmp"
                Image.fromarray(pixels.astype(np.uint8)).save(file)
                archive.write(file, f"{FOLDER}/{name}{suffix}.bmp")
            rows.append(f"{name}, {len(rows) % 7}, benign, healthy")
        archive.writestr(f"{FOLDER}/Grade.csv", "\r\n".join(rows))


def test_every_command_of_the_pages_runs(repository, place):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    ran = 0
    for page, start in PAGES.items():
        folder = place / start
        text = (repository / page).read_text()
        for line in [line for block in blocks(text) for line in block.splitlines() if line.strip()]:
            words = shlex.split(line)
            if words[0] in ("make", "source", "export"):
                continue
            if words[0] == "cd":
                folder = (folder / words[1]).resolve()
                continue
            quick = next((options for word, options in QUICK.items() if word in line and "custom" not in line), "")
            done = subprocess.run(
                f"{line} {quick}", shell=True, cwd=folder, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{page}: {line}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
            ran += 1
    assert ran == 15
    assert (place / "outlines" / "glands.csv").is_file()
    assert (place / "my_run" / "evaluation_test" / "report.html").is_file()
    assert (place / "organs" / "organs.csv").is_file()
    assert (place / "organs_run" / "evaluation_test" / "report.html").is_file()
    assert (place / "grown_run" / "last.pt").is_file()
    assert (place / "first_phase" / "last.pt").is_file()
    assert (place / "glas_run" / "evaluation_testA" / "report.html").is_file()


def pages(repository):
    top = [repository / "README.md", repository / "CONTRIBUTING.md", repository / "bundle" / "docs" / "README.md"]
    return [*top, repository / "bundle" / "docs" / "organ" / "README.md", *(repository / "docs").glob("*.md")]


def headings(page):
    """The anchors of a page, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_the_docs_link_to_files_and_headings_that_exist(repository):
    for page in pages(repository):
        for link, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text()):
            if "://" in link:
                continue
            target = page.parent / link if link else page
            assert target.exists(), f"{page.name} links to {link}"
            assert not anchor or anchor in headings(target), f"{page.name} links to {link}#{anchor}"


def test_the_readme_is_short(repository):
    assert len((repository / "README.md").read_text().splitlines()) <= 100
