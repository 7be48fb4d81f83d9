import pytest

from custom.checks import RequestError
from custom.networks.m4oe.task_numbers import TaskNumbers


def task(head, modality, labels=1):
    return {"head": head, "modality": modality, "labels": {str(one): f"organ {one}" for one in range(1, labels + 1)}}


TASKS = {"amos_mr": task("amos", "mr", 2), "amos_ct": task("amos", "ct", 2), "btcv": task("btcv", "ct", 5)}


def test_tasks_know_their_expert_head_and_classes():
    numbers = TaskNumbers(TASKS, modalities=None, shared=False)
    assert numbers.joined == [["ct", "mr"]]  # by name, whatever the order of the data sets
    assert numbers.sees == {"ct": 2, "mr": 2}
    assert numbers.heads == {"amos": 3, "btcv": 6}
    assert (numbers.modality_of, numbers.head_of, numbers.classes_of) == ([1, 0, 0], [0, 0, 1], [3, 3, 6])


def test_a_modality_sees_its_own_list_and_those_before():
    numbers = TaskNumbers(TASKS, modalities=[["us", "mr"], ["ct"]], shared=False)
    assert numbers.sees == {"us": 2, "mr": 2, "ct": 3}
    assert numbers.modality_of == [1, 2, 2]


def test_shared_is_one_expert():
    numbers = TaskNumbers(TASKS, modalities=None, shared=True)
    assert (numbers.sees, numbers.modality_of, numbers.head_of) == ({"shared": 1}, [1, 0, 0], [0, 0, 1])


@pytest.mark.parametrize(
    ("tasks", "modalities", "message"),
    [
        ({}, None, "each of"),
        (TASKS, [["ct"]], "once, got"),
        (TASKS, [["ct"], ["mr", "ct"]], "once, got"),
        ({**TASKS, "amos_us": task("amos", "us", 3)}, None, "amos_us: the head 'amos' has 2 labels already"),
    ],
)
def test_refused(tasks, modalities, message):
    with pytest.raises(ValueError, match=message):
        TaskNumbers(tasks, modalities, shared=False)


@pytest.mark.parametrize("name", ["keys", "training", "forward", "a.b", ""])
def test_names_that_weights_cannot_have(name):
    for tasks in ({"one": task(name, "ct")}, {"one": task("btcv", name)}):
        with pytest.raises(RequestError, match="cannot be the name of a data set or modality"):
            TaskNumbers(tasks, modalities=None, shared=False)
