import json
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom.checks import RequestError
from custom.data import splits
from custom.data.record import Record
from custom.data.source_file import SourceFile

FILE = SourceFile(Path("x.png"))


def records(number, patients=0, **others):
    """`number` training images, `patients` of them in turn, then `others` by section."""
    found = [
        Record(f"train_{index}", "training", FILE, FILE, str(index % patients) if patients else "")
        for index in range(number)
    ]
    return found + [Record(f"{name}_{i}", name, FILE, None) for name, count in others.items() for i in range(count)]


def written(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def test_natural_order():
    assert sorted(["b_10", "b_2", "a", "10", "9", "b_2x"], key=splits.natural) == [
        "9",
        "10",
        "a",
        "b_2",
        "b_2x",
        "b_10",
    ]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 5), st.integers(0, 9))
def test_a_draw_uses_each_image_once(number, wanted, unlabelled, seed):
    found = records(number, unlabelled=unlabelled)
    labelled = min(wanted, number)
    drawn = splits.draw(found, str(labelled), 0, seed)
    assert len(drawn["training"]) == labelled
    assert drawn["validation"] == []
    assert sorted(chain.from_iterable(drawn.values())) == sorted(record.id for record in found)
    assert drawn == splits.draw(found[::-1], str(labelled), 0, seed)


@given(st.integers(2, 40), st.integers(0, 9))
def test_a_larger_draw_holds_a_smaller_one(number, seed):
    smaller, larger = (splits.draw(records(number), str(count), 0, seed) for count in (number - 1, number))
    assert set(smaller["training"]) < set(larger["training"])


def test_seeds_differ():
    drawn = [tuple(splits.draw(records(40), "10", 0, seed)["training"]) for seed in range(20)]
    assert len(set(drawn)) == 20


@given(st.integers(2, 8), st.integers(10, 60), st.floats(0.1, 0.6), st.integers(0, 9))
def test_validation_is_cut_by_patient(patients, number, fraction, seed):
    found = records(number, patients)
    drawn = splits.draw(found, "1", fraction, seed)
    patient = {record.id: record.patient for record in found}
    held_out = {patient[name] for name in drawn["validation"]}
    rest = {patient[name] for name in drawn["training"] + drawn["unlabelled"]}
    assert held_out
    assert rest
    assert not held_out & rest
    # One patient more or less is what a cut by patient may be off by.
    largest = -(-number // patients)
    assert abs(len(drawn["validation"]) - fraction * number) <= largest


def test_validation_is_never_empty_if_asked_for():
    assert len(splits.draw(records(6), "all", 0.01, 0)["validation"]) == 1
    # Two patients of three images each: the nearest to 1 % of six images is none, so one of the two is taken.
    assert len(splits.draw(records(6, 2), "all", 0.01, 0)["validation"]) == 3


def test_validation_comes_before_labels():
    # 10 images, 0.2 of them held out = 2, half of the 8 others = 4 labelled and 4 unlabelled.
    drawn = splits.draw(records(10), "0.5", 0.2, 0)
    assert {name: len(ids) for name, ids in drawn.items()} == {"training": 4, "unlabelled": 4, "validation": 2}


def test_test_sections_are_left_alone():
    drawn = splits.draw(records(3, testA=2), "all", 0, 0)
    assert drawn == {"training": ["train_0", "train_1", "train_2"], "unlabelled": [], "validation": []}


@pytest.mark.parametrize("labelled", ["0", "-3", "1.5", "ten", "nan", "True", "4", "1.0", ""])
def test_labelled_out_of_range(labelled):
    with pytest.raises(RequestError, match="--labelled"):
        splits.draw(records(3), labelled, 0, 0)


@pytest.mark.parametrize(("patients", "fraction"), [(1, 0.5), (0, 1.0), (0, -0.1), (3, float("nan"))])
def test_validation_that_cannot_be_cut(patients, fraction):
    with pytest.raises(RequestError, match="--validation"):
        splits.draw(records(6, patients), "all", fraction, 0)


@pytest.mark.parametrize("word", ["training", "labelled"])
def test_a_list(tmp_path, word):
    path = written(tmp_path / "split.json", {word: ["train_2", "train_0"], "unlabelled": ["train_1"]})
    drawn = splits.from_file(records(4, unlabelled=1, testA=1), path)
    assert drawn == {"training": ["train_0", "train_2"], "unlabelled": ["train_1", "unlabelled_0"], "validation": []}


def test_one_of_several_lists(tmp_path):
    content = {"10%": {"labelled": ["train_1"]}, "20%": {"labelled": ["train_0", "train_1"]}, "test": ["test_1"]}
    path = written(tmp_path / "a#b.json", content)
    assert splits.from_file(records(2), f"{path}#10%")["training"] == ["train_1"]
    with pytest.raises(RequestError, match=r"holds the lists 10%, 20%; wanted one"):
        splits.from_file(records(2), path)
    with pytest.raises(RequestError, match="no list '30%', wanted one of 10%, 20%"):
        splits.from_file(records(2), f"{path}#30%")


def test_ids_may_be_numbers(tmp_path):
    path = written(tmp_path / "split.json", {"training": [10]})
    assert splits.from_file([Record("10", "training", FILE, FILE)], path)["training"] == ["10"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"training": ["nosuch"]}, "'nosuch' in training is no image"),
        ({"training": ["train_0"], "validation": ["train_0"]}, "'train_0' is in training and in validation"),
        ({"training": ["train_0", "train_0"]}, "'train_0' is in training and in training"),
        ({"training": ["testA_0"]}, "belongs to testA"),
        ({"validation": ["unlabelled_0"]}, "belongs to unlabelled"),
        ({"train": ["train_0"]}, "found the section 'train'"),
        ({"training": ["train_0"], "labelled": ["train_1"]}, "mean the same"),
        ({"training": "train_0"}, "is no list of ids"),
        ({"training": [1.5]}, "is no list of ids"),
        (["train_0"], "found a list"),
    ],
)
def test_a_wrong_list(tmp_path, content, message):
    with pytest.raises(RequestError, match=message):
        splits.from_file(records(2, unlabelled=1, testA=1), written(tmp_path / "split.json", content))


def test_a_list_that_cannot_be_read(tmp_path):
    with pytest.raises(RequestError, match="cannot be read"):
        splits.from_file(records(1), str(tmp_path / "nosuch.json"))
    (tmp_path / "cut.json").write_text('{"training": [')
    with pytest.raises(RequestError, match="not JSON"):
        splits.from_file(records(1), str(tmp_path / "cut.json"))
