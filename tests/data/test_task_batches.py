from collections import Counter

import pytest
import torch

from custom.data.task_batches import TaskBatches

ITEMS = [{"task": name} for name in "aaabaa"]
TABLE = {"a": {"labels": dict.fromkeys("123456789")}, "b": {"labels": {"1": "x"}}, "unused": {"labels": {"1": "x"}}}


def drawn(mixed, batches=4000, size=4):
    torch.manual_seed(0)
    found = list(TaskBatches(ITEMS, TABLE, size, batches, mixed))
    assert len(found) == len(TaskBatches(ITEMS, TABLE, size, batches, mixed)) == batches
    assert {len(batch) for batch in found} == {size}
    return found


def test_a_batch_is_of_one_task():
    assert {len({ITEMS[index]["task"] for index in batch}) for batch in drawn(mixed=False)} == {1}


def test_a_mixed_one_is_not():
    found = [sum(ITEMS[index]["task"] == "b" for index in batch) for batch in drawn(mixed=True)]
    assert set(found) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("mixed", [False, True])
def test_a_task_is_drawn_by_its_organs_and_not_by_its_size(mixed):
    """Nine labels against one: three of four draws, though five of six items; each item of a task alike."""
    counts = Counter(index for batch in drawn(mixed) for index in batch)
    share = {index: count / counts.total() for index, count in counts.items()}
    assert share == pytest.approx({0: 0.15, 1: 0.15, 2: 0.15, 3: 0.25, 4: 0.15, 5: 0.15}, abs=0.03)


def test_the_seed_says_what_is_drawn():
    assert drawn(mixed=False, batches=9) == drawn(mixed=False, batches=9)


@pytest.mark.parametrize(("items", "size", "batches"), [([], 1, 1), (ITEMS, 0, 1), (ITEMS, 1, 0)])
def test_refused(items, size, batches):
    with pytest.raises(ValueError, match="wanted >= 1 each"):
        TaskBatches(items, TABLE, size, batches)
