import itertools

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import PrepareBatchExtraInput, SupervisedEvaluator
from scipy.spatial.transform import Rotation
from torch import nn

from custom.geometry.volume import to_ras
from custom.inference.volumes.inferer import VolumeInferer
from custom.networks import AllOutputs

TASKS = {
    "first": {"modality": "ct", "spacing": [2.0, 2.0]},
    "second": {"modality": "ct", "spacing": [2.0, 2.0]},
    "fine": {"modality": "ct", "spacing": [1.0, 1.0]},
    "other": {"modality": "mr", "spacing": [1.0, 1.0]},
}


class Threshold(nn.Module):
    """Channel 1 where the middle slice is above 0.5, channel 2 where also the slice above is; keeps what it saw."""

    def __init__(self):
        super().__init__()
        self.seen, self.calls = [], []

    def several(self, image, numbers):
        self.seen.append(image.clone())
        self.calls.append(list(numbers))
        middle, above = image[:, 1] - 0.5, image[:, 2] - 0.5
        one = torch.stack([-middle, middle, torch.full_like(middle, -9)], 1)
        two = torch.stack([-middle, middle, torch.minimum(middle, above) * 1.5], 1)
        return [one if number != 1 else two for number in numbers]


def ball(shape=(40, 30, 12), spacing=(1.0, 1.5, 3.0)):
    """RAS volume with an ellipsoid away from the middle in all three directions, and its affine."""
    x, y, z = np.meshgrid(*(np.arange(n) * s for n, s in zip(shape, spacing, strict=True)), indexing="ij")
    inside = ((x - 12) / 8) ** 2 + ((y - 30) / 9) ** 2 + ((z - 21) / 9) ** 2 < 1
    return inside.astype(np.float32), np.diag([*spacing, 1.0])


def stored(volume, affine, axes, flips):
    """The same volume as a file with other axes would hold it."""
    turns = np.array([[axis, -1 if flip else 1] for axis, flip in zip(axes, flips, strict=True)])
    image = nib.Nifti1Image(volume, affine).as_reoriented(turns)
    return MetaTensor(torch.from_numpy(np.ascontiguousarray(image.get_fdata(dtype=np.float32))), affine=image.affine)


def in_the_world(label, affine):
    """Sorted positions in mm of all labelled voxels with their labels."""
    places = np.argwhere(np.asarray(label) > 0)
    points = nib.affines.apply_affine(np.asarray(affine), places).round(3)
    return sorted(zip(*points.T.tolist(), np.asarray(label)[tuple(places.T)].tolist(), strict=True))


@pytest.fixture(scope="module")
def as_ras():
    volume, affine = ball()
    labels = VolumeInferer(TASKS)(
        MetaTensor(torch.from_numpy(volume)[None, None], affine=affine), Threshold(), "second"
    )
    return in_the_world(labels[0, 0], affine)


@pytest.mark.parametrize("flips", list(itertools.product([False, True], repeat=3))[::3])
@pytest.mark.parametrize("axes", itertools.permutations(range(3)))
def test_any_orientation_gives_the_same_labels_in_the_world(as_ras, axes, flips):
    volume = stored(*ball(), axes, flips)
    labels = VolumeInferer(TASKS)(volume[None, None], Threshold(), "second")
    assert labels.shape == (1, 1, *volume.shape)
    assert {label for *_, label in as_ras} == {1, 2}
    assert in_the_world(labels[0, 0], volume.affine) == as_ras


@pytest.mark.parametrize("degrees", [(20, 0, 0), (10, -25, 35), (0, 0, 180)])
def test_a_rotated_scanner_changes_nothing_but_the_affine(degrees):
    volume, affine = ball()
    rotated = np.eye(4)
    rotated[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ affine[:3, :3]
    labels = VolumeInferer(TASKS)(
        MetaTensor(torch.from_numpy(volume)[None, None], affine=rotated), Threshold(), "second"
    )
    assert np.allclose(labels.affine, rotated)
    # half a turn about z looks the same to what marks the bright: in the voxels of the file nothing has changed
    straight = VolumeInferer(TASKS)(
        MetaTensor(torch.from_numpy(volume)[None, None], affine=affine), Threshold(), "second"
    )
    assert torch.equal(labels.as_tensor(), straight.as_tensor())


def test_labels_are_where_the_network_sees_them():
    """Through 2 mm and back, an ellipsoid of 16 x 18 x 18 mm keeps its shape but for voxels on its rim."""
    volume, affine = ball()
    labels = VolumeInferer(TASKS)(MetaTensor(torch.from_numpy(volume)[None, None], affine=affine), Threshold(), "first")
    found, true = np.asarray(labels[0, 0]) > 0, volume > 0
    assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.93
    assert labels.dtype == torch.uint8


def test_slices_are_resampled_to_the_tasks_spacing_and_stand_between_their_neighbours():
    volume = torch.arange(5.0)[None, None].expand(40, 30, 5) / 4
    network = Threshold()
    inputs = MetaTensor(volume[None, None], affine=np.diag([1.0, 1.5, 3.0, 1.0]))
    VolumeInferer(TASKS, batch_slices=2)(inputs, network, "first")
    # 40 * 1.0 / 2 and 30 * 1.5 / 2 = 22.5, to even 22
    assert [tuple(seen.shape) for seen in network.seen] == [(2, 3, 20, 22), (2, 3, 20, 22), (1, 3, 20, 22)]
    seen = torch.cat(network.seen)[..., 10, 11] * 4
    torch.testing.assert_close(seen, torch.tensor([[0.0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 4]]))


@pytest.mark.parametrize("task", ["first", "fine"])
def test_seen_is_what_the_network_is_given(task):
    torch.manual_seed(0)
    affine = np.diag([1.0, 1.5, 3.0, 1.0])
    volume = stored(torch.rand(16, 12, 5).numpy(), affine, (2, 0, 1), (True, False, True))
    network, inferer = Threshold(), VolumeInferer(TASKS, batch_slices=2)
    inferer(volume[None, None], network, task)
    turned = to_ras(volume[None], volume.affine)
    for given, indices in zip(network.seen, ([0, 1], [2, 3], [4]), strict=True):
        assert torch.equal(inferer.seen(turned, task, indices), given)
    whole = torch.cat(network.seen)
    assert whole.shape[2:] == ((8, 9) if task == "first" else (16, 18))
    assert torch.equal(inferer.seen(turned, task, [4, 1]), whole[[4, 1]])


def test_where_the_spacing_is_the_tasks_own_nothing_is_resampled():
    volume = torch.rand(1, 1, 16, 12, 3)
    network = Threshold()
    labels = VolumeInferer(TASKS)(MetaTensor(volume, affine=np.eye(4)), network, "fine")
    torch.testing.assert_close(network.seen[0][:, 1].permute(1, 2, 0), volume[0, 0])
    assert torch.equal(labels[0, 0].as_tensor(), (volume[0, 0] > 0.5).to(torch.uint8))


def test_a_volume_of_one_slice():
    volume = torch.zeros(1, 1, 20, 10, 1)
    volume[0, 0, 4:12, 2:6] = 1
    network = Threshold()
    labels = VolumeInferer(TASKS)(MetaTensor(volume, affine=np.diag([-2.0, -2, 1, 1])), network, "second")
    assert network.seen[0].shape == (1, 3, 20, 10)
    assert torch.equal(labels[0, 0].as_tensor(), 2 * volume[0, 0].to(torch.uint8))


def test_tasks_of_one_spacing_share_a_pass():
    volume, affine = ball()
    inputs = MetaTensor(torch.from_numpy(volume)[None, None], affine=affine)
    network, inferer = Threshold(), VolumeInferer(TASKS, batch_slices=99)
    labels = inferer(inputs, network, ["second", "fine", "first"])
    assert network.calls == [[1, 0], [2]]
    for row, name in enumerate(["second", "fine", "first"]):
        assert torch.equal(labels[:, row], inferer(inputs, Threshold(), name)[:, 0])


class Painted(nn.Module):
    """Channel 1 where the slice is above 0.3, channel 2 where it is above 0.6."""

    def several(self, image, numbers):
        middle = image[:, 1]
        return [torch.stack([0.3 - middle, middle - 0.3, 3 * (middle - 0.5)], 1) for _ in numbers]


def islands():
    """Two organs of two pieces each; a voxel of the second touches its largest piece by a corner only."""
    labels = torch.zeros(12, 10, 5, dtype=torch.uint8)
    labels[1:4, 1:4, 0:2] = 1
    labels[8, 8, 3:5] = 1
    labels[5:8, 1:4, 0:3] = 2
    labels[8, 4, 3] = 2
    labels[1, 8, 4] = 2
    return labels


# The same organs by other ids, in no order: channel 1 is that of 4, channel 2 that of 10.
PIECES = {
    name: {"modality": "ct", "spacing": [1.0, 1.0], "labels": {"10": "b", "4": "a"}, "one_piece": ids}
    for name, ids in (("none", []), ("first", [4]), ("second", [10]), ("both", [4, 10]))
}


def painted(labels, affine):
    return MetaTensor((labels.float() * 0.4)[None, None], affine=affine)


@pytest.mark.parametrize("affine", [np.eye(4), np.diag([-1.0, -1, 3, 1])])
def test_of_an_organ_in_one_piece_the_largest_is_kept_each_task_by_its_own_rule(affine):
    labels = islands()
    found = VolumeInferer(PIECES)(painted(labels, affine), Painted(), list(PIECES))[0].as_tensor()
    first, second = labels.clone(), labels.clone()
    first[8, 8, 3:5] = 0
    second[1, 8, 4] = 0
    assert torch.equal(found[0], labels)
    assert torch.equal(found[1], first)
    assert torch.equal(found[2], second)
    assert torch.equal(found[3], torch.minimum(first, second))
    assert found.dtype == torch.uint8


def test_pieces_are_those_of_the_volume_and_not_of_its_slices():
    # Two parts of a slice that meet in another are one piece; what is larger in its slice alone is an island.
    labels = torch.zeros(9, 9, 3, dtype=torch.uint8)
    labels[0, 0], labels[2, 0], labels[:3, 0, 2] = 1, 1, 1
    labels[5:7, 5:8, 0] = 1
    found = VolumeInferer(PIECES)(painted(labels, np.eye(4)), Painted(), "both")[0, 0].as_tensor()
    labels[5:7, 5:8, 0] = 0
    assert torch.equal(found, labels)


def test_an_organ_that_is_not_found_has_no_piece():
    found = VolumeInferer(PIECES)(painted(torch.zeros(6, 6, 2), np.eye(4)), Painted(), "both")
    assert not found.any()


def test_a_network_that_knows_its_tasks_numbers_them_itself():
    network = Threshold()
    network.task_names = ["other", "first", "fine", "second"]
    VolumeInferer(TASKS)(MetaTensor(torch.rand(1, 1, 4, 4, 1), affine=np.eye(4)), network, "second")
    assert network.calls == [[3]]


def test_metadata_comes_back_and_the_input_stays():
    inputs = MetaTensor(torch.rand(1, 1, 8, 9, 4), affine=np.diag([-1.0, 2, 3, 1]), meta={"filename_or_obj": ["a"]})
    before = inputs.clone()
    labels = VolumeInferer(TASKS)(inputs, AllOutputs(Threshold()), ["first"])
    assert labels.meta["filename_or_obj"] == ["a"]
    assert torch.equal(labels.affine, inputs.affine)
    assert torch.equal(inputs, before)


def test_an_evaluator_predicts_each_item_for_its_own_tasks():
    volume, affine = ball()
    image = MetaTensor(torch.from_numpy(volume)[None], affine=affine)
    items = [{"image": image, "task": task} for task in ("first", "other", ["first", "second"])]
    network, predicted = Threshold(), []
    evaluator = SupervisedEvaluator(
        torch.device("cpu"),
        DataLoader(Dataset(items), batch_size=1),
        network,
        inferer=VolumeInferer(TASKS, batch_slices=99),
        prepare_batch=PrepareBatchExtraInput({"task": "task"}),
        postprocessing=lambda item: predicted.append(item["pred"]) or item,
    )
    evaluator.run()
    assert network.calls == [[0], [3], [0, 1]]
    assert [tuple(one.shape) for one in predicted] == [(1, *volume.shape), (1, *volume.shape), (2, *volume.shape)]
    assert np.allclose(predicted[0].affine, affine)


def test_bfloat16_only_if_asked():
    class Kind(nn.Module):
        def several(self, image, numbers):
            self.kind = torch.mm(image[0, 0], image[0, 0].T).dtype
            return [image for _ in numbers]

    inputs = MetaTensor(torch.rand(1, 1, 8, 8, 2), affine=np.eye(4))
    for amp, kind in ((False, torch.float32), (True, torch.bfloat16)):
        network = Kind()
        VolumeInferer(TASKS, amp=amp)(inputs, network, "fine")
        assert network.kind == kind


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("liver", "one or several of first, second, fine, other, got liver"),
        ((), "got none"),
        (["first", "other"], "have one modality, got ct, mr"),
    ],
)
def test_tasks_are_refused_by_name(task, words):
    with pytest.raises(ValueError, match=words):
        VolumeInferer(TASKS)(MetaTensor(torch.rand(1, 1, 4, 4, 2)), Threshold(), task)


@pytest.mark.parametrize("inputs", [torch.rand(1, 1, 4, 4, 2), MetaTensor(torch.rand(2, 1, 4, 4, 2))])
def test_several_volumes_or_none_with_an_affine_are_refused(inputs):
    with pytest.raises(ValueError, match="one volume"):
        VolumeInferer(TASKS)(inputs, Threshold(), "first")


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="at least one task"):
        VolumeInferer({})
    with pytest.raises(ValueError, match="and 0"):
        VolumeInferer(TASKS, batch_slices=0)
