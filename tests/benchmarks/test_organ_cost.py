import pytest
from monai.transforms import LoadImage

from custom.data.volumes import VolumeSets
from custom.networks import M4oE

DEFAULT = {"stem": "efficientnet-lite0", "embed": 120, "depths": (2, 2), "heads": (6, 12), "window": 5}


def test_sizes_and_times_of_rows(script, volumes, rows):
    head, token, separate = rows(
        script("organ_controls", "cost", "--data", ",".join(volumes), "--rows", "token,separate", "--repeats", 1)
    )
    sets = VolumeSets(volumes)
    first = {item["task"]: item["image"] for item in reversed(sets.items("test"))}
    sizes = {task: " x ".join(map(str, LoadImage()(file).shape)) for task, file in first.items()}
    assert head[:4] == ["row", "parameters, million", "weights, MB", "step (float32), s"]
    assert head[4:] == [f"{task} {sizes[task]}, s" for task in sets.tasks]

    def million(*tables):
        networks = [M4oE(table, **DEFAULT, pretrained=False) for table in tables]
        return sum(one.numel() for network in networks for one in network.parameters()) / 1e6

    assert token[:2] == ["token", f"{million(sets.tasks):.2f}"]
    assert separate[:2] == ["separate", f"{million(*(VolumeSets(one).tasks for one in volumes)):.2f}"]
    # four bytes a parameter, and the norms' means and variances
    assert 4 * float(token[1]) == pytest.approx(float(token[2]), rel=0.02)
    assert all(float(time) > 0 for time in token[3:] + separate[3:])
