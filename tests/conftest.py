import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from custom.data.drawn.glands import draw_tile
from custom.data.tiles.prepare import prepare

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Tensors here are so small that handing them to a second thread costs more than it saves."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def repository():
    """The checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data():
    """The directory of real data sets beside the checkout, for tests marked `data`."""
    path = REPOSITORY.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"no real data: {path} is not there")
    return path


@pytest.fixture(scope="session")
def glas_source(shared_data, tmp_path_factory):
    """GlaS in its owner's layout, extracted; for tests marked `data`."""
    output = tmp_path_factory.mktemp("glas")
    subprocess.run([sys.executable, str(shared_data / "glas_release.py"), str(output)], check=True)
    return output


@pytest.fixture(scope="session")
def folder_source(tmp_path_factory):
    """Eight pairs, four unlabelled and two test pairs of synthetic glands as a user's own folder; 96 x 128 pixels."""
    source = tmp_path_factory.mktemp("source")
    rng = np.random.default_rng(0)
    for images, masks, number in (("images", "masks", 8), ("unlabelled", None, 4), ("test/images", "test/masks", 2)):
        for index in range(number):
            image, label = draw_tile(rng, 96, 128)
            for folder, pixels in ((images, image), (masks, label.astype(np.uint8))):
                if folder:
                    path = source / folder / f"{Path(images).parts[0]}_{index}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(pixels).save(path)
    return source


@pytest.fixture(scope="session")
def dataset(folder_source, tmp_path_factory):
    """`folder_source` as prepared: 4 labelled, 6 unlabelled, 2 validation and 2 test images. Not to be written to."""
    output = tmp_path_factory.mktemp("prepared") / "data"
    prepare("folder", folder_source, output, labelled="4", validation=0.25, seed=0, mpp=0.62)
    return output
