"""What fails for one input is told, and the others are done."""

import numpy as np
import pytest
import torch
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator
from monai.transforms import Compose, Lambdad
from PIL import Image

from custom.checks import RequestError
from custom.data.tiles.reader import LoadTiled
from custom.inference import ForgivingDataset, ForgivingIteration, TileWriter
from custom.inference.forgiving import reason


class Network(torch.nn.Module):
    """Says gland everywhere, and fails on black pictures as a machine does that has no memory left."""

    def forward(self, image):
        if image.max() == 0:
            raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 20 GiB")
        gland = torch.ones_like(image[:, :1])
        return torch.cat([-gland, gland, gland, gland, -gland], dim=1)


def run(paths, output, postprocessing=None):
    writer = TileWriter(paths, output, 0.5, None, 0.0)
    load = Compose([LoadTiled("image"), Lambdad("image", lambda image: image / 255)])
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(ForgivingDataset([{"image": str(path)} for path in paths], load)),
        network=Network(),
        iteration_update=ForgivingIteration(writer),
        postprocessing=Compose([Lambdad("pred", lambda maps: maps), *(postprocessing or [])]),
        val_handlers=[writer],
    )
    writer.maps_key = "pred"
    evaluator.run()
    return writer


def test_a_loader_a_network_and_a_name_that_fail(tmp_path):
    for name, value in (("a", 90), ("black", 0), ("broken", 90), ("n" * 245, 90), ("z", 90)):
        Image.fromarray(np.full((20, 30, 3), value, np.uint8)).save(tmp_path / f"{name}.png")
    broken = tmp_path / "broken.png"
    broken.write_bytes(broken.read_bytes()[:60])
    paths = sorted(tmp_path.glob("*.png"))
    writer = run(paths, tmp_path / "out")
    failed = {path.rsplit("/", 1)[1]: why for path, why in writer.failed.items()}
    assert sorted(failed) == ["black.png", "broken.png", f"{'n' * 245}.png"]
    assert failed["black.png"].startswith("not enough memory")
    assert "broken.png: broken or truncated image" in failed["broken.png"]
    assert "File name too long" in failed[f"{'n' * 245}.png"]
    assert {path.name.split("_")[0] for path in (tmp_path / "out").iterdir()} == {"a", "z", "glands.csv"}
    assert len((tmp_path / "out" / "glands.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RequestError("a.png: no"), "a.png: no"),
        (ValueError(), "ValueError"),
        (
            RuntimeError("cannot find a reader\nTraceback ...\ncustom.checks.errors.RequestError: a.png: no\n"),
            "a.png: no",
        ),
        (MemoryError(), "not enough memory; cut it into tiles"),
    ],
)
def test_the_reason_is_one_line(error, text):
    assert reason(error) == text
    outer = RuntimeError("applying transform <x>")
    outer.__cause__ = error
    assert reason(outer) == text
