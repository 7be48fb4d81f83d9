from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from custom.transforms import ClassVoxelsd, RandSliced

TASKS = {"a": {}, "b": {}}


def item(x=12, y=9, z=5, task="b"):
    """Each voxel of the image says where it is: 10000 x + 100 y + z, plus 1 so that none is 0."""
    axes = torch.meshgrid(torch.arange(x), torch.arange(y), torch.arange(z), indexing="ij")
    image = (10000 * axes[0] + 100 * axes[1] + axes[2] + 1).float()[None]
    label = torch.zeros(1, x, y, z, dtype=torch.uint8)
    label[0, x // 2 :, : y // 2, z - 1] = 1
    label[0, 0, 0, 0] = 2
    return {"image": image, "label": label, "task": task, "id": "x"}


def cut(data, size, seed=0, **options):
    return RandSliced(TASKS, size, **options).set_random_state(seed)(ClassVoxelsd()(data))


def test_what_a_draw_holds():
    data = item()
    found = cut(data, 6)
    assert found["image"].shape == (3, 6, 6)
    assert found["image"].dtype == torch.float32
    assert found["label"].shape == (1, 6, 6)
    assert found["label"].dtype == torch.int64
    assert found["task_id"] == 1
    assert cut(item(task="a"), 6)["task_id"] == 0
    assert set(found) == {"image", "label", "task", "task_id", "id"}


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 14), st.integers(1, 14), st.integers(1, 4), st.integers(1, 16), st.integers(0, 999))
def test_image_and_label_show_one_place(x, y, z, size, seed):
    data = item(x, y, z)
    found = cut(data, size, seed)
    middle = found["image"][1]
    shown = middle > 0
    assert shown.sum() == min(x, size) * min(y, size)  # the square stays within the slice, or holds all of it
    places = (middle[shown] - 1).long()
    where = places // 10000, places // 100 % 100, places % 100
    assert len(where[2].unique()) == 1
    assert torch.equal(found["label"][0][shown], data["label"][0][where].long())
    assert not found["label"][0][~shown].any()
    # Neighbours in their order; at the ends the slice itself again.
    at = int(where[2][0])
    for channel, beside in ((0, max(at - 1, 0)), (2, min(at + 1, z - 1))):
        assert torch.equal(found["image"][channel][shown], data["image"][0][where[0], where[1], beside])
    # Axes are neither swapped nor flipped: x grows along the first, y along the second.
    block = middle[shown].reshape(min(x, size), min(y, size))
    assert (block.diff(dim=0) == 10000).all()
    assert (block.diff(dim=1) == 100).all()


@pytest.mark.parametrize("jitter", [0.0, 0.25, 0.49])
def test_the_voxel_lies_up_to_the_jitter_off_the_centre(jitter):
    data = item(40, 40, 3)
    data["label"].zero_()
    data["label"][0, 20, 17, 1] = 1
    draw = RandSliced(TASKS, 10, jitter).set_random_state(3)
    prepared = ClassVoxelsd()(data)
    prepared["class_voxels"] = prepared["class_voxels"][1:]  # the one voxel
    seen = set()
    for _ in range(300):
        [place] = draw(prepared)["label"][0].nonzero().tolist()
        seen.update((5 - place[0], 5 - place[1]))
    most = int(10 * jitter)
    assert seen == set(range(-most, most + 1))


def test_some_draws_take_any_voxel():
    data = ClassVoxelsd()(item(30, 30, 8))
    draw = RandSliced(TASKS, 9, 0.0, anywhere=1.0).set_random_state(0)
    depths, classes = Counter(), Counter()
    for _ in range(800):
        draw(data)
        depths[draw.voxel[2]] += 1
        classes[int(data["label"][0][draw.voxel])] += 1
    # 100 of each slice, standard deviation sqrt(800 * 1/8 * 7/8) = 9; of classes as their voxels: 1 is 1/32 of them.
    assert sorted(depths) == list(range(8))
    assert all(abs(number - 100) < 40 for number in depths.values())
    assert classes[0] > 720


def test_the_rest_of_the_draws_take_every_class_alike():
    data = ClassVoxelsd()(item(30, 30, 8))
    draw = RandSliced(TASKS, 9, 0.0, anywhere=0.4).set_random_state(0)
    found = Counter()
    for _ in range(1000):
        draw(data)
        found[int(data["label"][0][draw.voxel])] += 1
    # Class 2 is one voxel: 1000 * 0.6 / 3 = 200 draws, standard deviation 13.
    assert abs(found[2] - 200) < 50


def test_small_organs_are_drawn_as_often_as_large_ones():
    data = ClassVoxelsd()(item(30, 30, 8))
    draw = RandSliced(TASKS, 9, 0.0).set_random_state(0)
    drawn = Counter()
    for _ in range(900):
        draw(data)
        drawn[int(data["label"][0][draw.voxel])] += 1
    # Three classes: 300 each, standard deviation sqrt(900 * 1/3 * 2/3) = 14.
    assert all(abs(drawn[one] - 300) < 60 for one in (0, 1, 2))


def test_the_state_says_what_is_drawn_and_the_item_is_not_changed():
    data = ClassVoxelsd()(item())
    copies = {key: data[key].clone() for key in ("image", "label")}
    one, two = (RandSliced(TASKS, 6).set_random_state(5)(data)["image"] for _ in range(2))
    assert torch.equal(one, two)
    one.zero_()
    assert all(torch.equal(data[key], copies[key]) for key in copies)
    assert "class_voxels" in data


def test_an_unlabelled_item():
    data = {key: value for key, value in item().items() if key != "label"}
    found = cut(data, 6)
    assert found["image"].shape == (3, 6, 6)
    assert "label" not in found


def test_what_cannot_be():
    with pytest.raises(ValueError, match="wanted ClassVoxelsd before RandSliced"):
        RandSliced(TASKS, 6)(item())
    with pytest.raises(ValueError, match="size: got 0"):
        RandSliced(TASKS, 0)
    for jitter in (-0.1, 0.5):
        with pytest.raises(ValueError, match="jitter: got"):
            RandSliced(TASKS, 6, jitter)
