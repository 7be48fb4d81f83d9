import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from custom.transforms import cutmix_boxes, mix


def generator(seed):
    return torch.Generator().manual_seed(seed)


@given(
    batch=st.integers(1, 5),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    seed=st.integers(0, 9999),
    area=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
@settings(max_examples=100, deadline=None)
def test_every_mask_is_one_rectangle_of_the_right_area(batch, height, width, seed, area):
    boxes = cutmix_boxes(batch, height, width, generator(seed), prob=1.0, area_range=tuple(area))
    assert boxes.shape == (batch, 1, height, width)
    assert boxes.dtype == torch.bool
    for box in boxes[:, 0]:
        rows, columns = box.any(1), box.any(0)
        assert torch.equal(box, rows[:, None] & columns[None])
        for line in (rows.int(), columns.int()):
            assert (torch.nn.functional.pad(line, (1, 1)).diff() == 1).sum() <= 1  # one run
        # Rounding moves each side by half a pixel.
        most = (area[1] * height * width) ** 0.5
        assert box.sum() <= area[1] * height * width + (0.5 * 2**0.5) * 1.5 * most + 0.25 + 1e-6


def test_areas_sides_and_chance():
    boxes = cutmix_boxes(2000, 100, 60, generator(0), prob=0.7, area_range=(0.1, 0.4), ratio_range=(0.5, 2.0))[:, 0]
    used = boxes.any(dim=(1, 2))
    assert 1340 < used.sum() < 1460  # 1400, standard deviation 20
    share = boxes[used].float().mean(dim=(1, 2))
    sides = boxes[used].any(2).sum(1), boxes[used].any(1).sum(1)
    assert 0.095 < share.min() < 0.105
    assert 0.38 < share.max() < 0.41
    assert 0.24 < share.mean() < 0.26  # a side cut at the image's (60) takes a little away
    ratio = sides[0] / sides[1]
    assert 0.47 < ratio.min() < 0.55
    assert 1.9 < ratio.max() < 2.1
    # Boxes reach all four edges of the image.
    reached = boxes.any(0)
    assert reached.any(0).all()
    assert reached.any(1).all()


def test_none_and_all():
    assert not cutmix_boxes(8, 10, 12, generator(0), prob=0.0).any()
    assert cutmix_boxes(8, 10, 10, generator(0), prob=1.0, area_range=(1.0, 1.0), ratio_range=(1.0, 1.0)).all()


def test_generators_reproduce():
    assert torch.equal(cutmix_boxes(4, 20, 30, generator(1)), cutmix_boxes(4, 20, 30, generator(1)))
    assert not torch.equal(cutmix_boxes(4, 20, 30, generator(1)), cutmix_boxes(4, 20, 30, generator(2)))
    torch.manual_seed(5)
    first = cutmix_boxes(4, 20, 30)
    torch.manual_seed(5)
    assert torch.equal(first, cutmix_boxes(4, 20, 30))


def test_mix_by_hand():
    tensor = torch.tensor([[1, 2, 3], [4, 5, 6]]).view(2, 1, 1, 3)
    box = torch.tensor([[0, 1, 1], [1, 0, 0]], dtype=torch.bool).view(2, 1, 1, 3)
    assert mix(tensor, torch.tensor([1, 0]), box).view(2, 3).tolist() == [[1, 5, 6], [1, 5, 6]]


def test_image_label_and_weight_are_pasted_alike():
    # Every map carries the number of its image, so that the origin of each pixel can be read off.
    b, h, w = 4, 20, 30
    number = torch.arange(b).view(b, 1, 1, 1)
    image = (number / 10).expand(b, 3, h, w)
    label, weight = number.expand(b, 1, h, w).to(torch.int32), number.expand(b, 1, h, w).bfloat16()
    boxes, partner = cutmix_boxes(b, h, w, generator(3), prob=1.0), torch.arange(b).roll(1)
    mixed = [mix(tensor, partner, boxes) for tensor in (image, label, weight)]
    assert [tensor.dtype for tensor in mixed] == [torch.float32, torch.int32, torch.bfloat16]
    wanted = torch.where(boxes, partner.view(b, 1, 1, 1), number)
    assert torch.equal((mixed[0] * 10).round().long(), wanted.expand(b, 3, h, w))
    assert torch.equal(mixed[1].long(), wanted)
    assert torch.equal(mixed[2].long(), wanted)
    assert (mixed[1][0] == 3).any()  # image 0 got a piece of image 3
    assert torch.equal(label, number.expand(b, 1, h, w).to(torch.int32))


def test_gradient_goes_where_the_pixels_came_from():
    tensor = torch.zeros(2, 1, 1, 2, requires_grad=True)
    box = torch.tensor([[0, 1], [0, 0]], dtype=torch.bool).view(2, 1, 1, 2)
    mix(tensor, torch.tensor([1, 0]), box).sum().backward()
    assert tensor.grad.view(2, 2).tolist() == [[1, 0], [1, 2]]


def test_bad_input():
    tensor, partner, box = torch.zeros(2, 3, 4, 5), torch.tensor([1, 0]), torch.zeros(2, 1, 4, 5, dtype=torch.bool)
    for bad in [
        (tensor[0], partner, box),
        (tensor, partner[:1], box),
        (tensor, partner.float(), box),
        (tensor, partner, box[:1]),
        (tensor, partner, box[:, 0]),
        (tensor, partner, box.float()),
        (tensor, partner, box.transpose(2, 3)),
    ]:
        with pytest.raises(ValueError, match="got"):
            mix(*bad)
    for arguments in [
        {"prob": 1.5},
        {"area_range": (0.5, 0.2)},
        {"area_range": (0.0, 1.5)},
        {"ratio_range": (0.0, 1.0)},
    ]:
        with pytest.raises(ValueError, match="wanted"):
            cutmix_boxes(2, 4, 4, **arguments)
