import json
import logging
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom.checks import RequestError
from custom.data.datalist import SECTIONS
from custom.data.volumes import VolumeSets, balanced, data_sets, declaration
from custom.data.volumes.prepare import prepare

MR = {"percentiles": [0.5, 99.5]}
CT = {"window_hu": [-125.0, 275.0]}


@pytest.fixture
def made(tmp_path, write_pair):
    """Prepare a data set of that many volumes, all in training but for the fraction; its directory."""

    def make(name, number=3, modalities=None, labels=None, spacing=(2, 2), folder=None, said=None, **options):
        labels = labels or {"8": "aorta", "1": "spleen"}
        content = {"name": name, "labels": labels, "spacing": spacing, "modalities": modalities or {"ct": CT}}
        content |= said or {}
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(content))
        source = tmp_path / f"{name}_source"
        for index in range(number):
            pair = [source / kind / f"{name}_{index}.nii.gz" for kind in ("images", "labels")]
            write_pair(*pair, sorted(map(int, labels)), seed=sum(map(ord, name)) + index)
        write_pair(source / "unlabelled" / f"{name}_99.nii.gz", None, [], seed=sum(map(ord, name)) + 99)
        output = tmp_path / (folder or name)
        prepare(declaration.read(path), source, output, **options)
        return str(output)

    return make


def both(**rules):
    return {"ct": {**CT, "cases": [0, 1]}, "mr": {**MR, "cases": [2, 99]}, **rules}


def test_the_table(made):
    folders = [
        made("liver", modalities=both(), labels={"8": "aorta", "1": "spleen"}),
        made("heart", modalities={"mr": MR}),
    ]
    table = VolumeSets(folders).tasks
    assert list(table) == ["liver_ct", "liver_mr", "heart"]
    labels = {"1": "spleen", "8": "aorta"}
    assert table["liver_mr"] == {
        "head": "liver", "modality": "mr", "labels": labels, "one_piece": [], "spacing": [2.0, 2.0], "intensity": MR,
    }  # fmt: skip
    assert list(table["liver_mr"]["labels"]) == ["1", "8"]
    assert table["liver_ct"]["intensity"] == CT
    assert table["heart"]["head"] == "heart"
    # The order of the folders numbers the tasks.
    assert list(VolumeSets(folders[::-1]).tasks) == ["heart", "liver_ct", "liver_mr"]
    assert VolumeSets(folders[1]).tasks == {"heart": table["heart"]}


def test_organs_in_one_piece_travel_to_every_task_of_their_data_set(made):
    folders = [made("liver", modalities=both(), said={"one_piece": [8, 1]}), made("heart")]
    pieces = {name: task["one_piece"] for name, task in VolumeSets(folders).tasks.items()}
    assert pieces == {"liver_ct": [1, 8], "liver_mr": [1, 8], "heart": []}
    assert VolumeSets(made("lungs", said={"one_piece": [1]}, test=0.3)).test_section == "test"
    change(folders[0], one_piece=None)  # as it was written before there was such a key
    assert VolumeSets(folders[0]).tasks["liver_ct"]["one_piece"] == []


def test_ids_ascend_as_numbers(made):
    table = VolumeSets(made("a", labels={"10": "x", "9": "y"})).tasks
    assert table["a"]["labels"] == {"9": "y", "10": "x"}
    assert list(table["a"]["labels"]) == ["9", "10"]


def test_one_name_twice_is_refused(made):
    one, two = made("liver"), made("liver", folder="other")
    with pytest.raises(RequestError, match=r"other: has the task 'liver' of .*liver too, wanted each name once"):
        VolumeSets([one, two])
    # Other tasks, but one head.
    two = made("liver", folder="other", modalities=both())
    with pytest.raises(RequestError, match=r"other: has the name 'liver' of .*liver too"):
        VolumeSets([one, two])


def change(folder, **changes):
    path = f"{folder}/datalist.json"
    with open(path) as file:
        content = {**json.load(file), **changes}
    with open(path, "w") as file:
        json.dump({key: value for key, value in content.items() if value is not None}, file)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modalities": None}, "found no modalities, wanted a data set of volumes, such as prepare btcv writes"),
        ({"modalities": {"ct": {}}}, r"datalist\.json: modality 'ct': found neither"),
        ({"labels": {"0": "x"}}, r"datalist\.json: labels: found the id '0'"),
        ({"spacing": [2.0]}, r"datalist\.json: spacing: found \[2\.0\]"),
        ({"one_piece": [2]}, r"datalist\.json: one_piece: found 2 in \[2\], wanted ids of labels \[1, 8\]"),
    ],
)
def test_a_list_edited_by_hand_is_checked(made, changes, message):
    folder = made("a")
    change(folder, **changes)
    with pytest.raises(RequestError, match=message):
        VolumeSets(folder)


def test_no_directory_at_all():
    with pytest.raises(RequestError, match="--dataset_dirs: found an empty list"):
        VolumeSets([])
    with pytest.raises(RequestError, match="--dataset_dir: found nothing, wanted the data set's directory"):
        VolumeSets([""])
    with pytest.raises(RequestError, match=r"/nosuch: no datalist\.json there"):
        VolumeSets(["/nosuch"])


def test_items(made):
    folders = [made("liver", 4, both(), test=0.25), made("heart", validation=0.3)]
    training = VolumeSets(folders).items("training")
    assert len(training) == 5
    assert {item["task"] for item in training} <= {"liver_ct", "liver_mr", "heart"}
    for item in training:
        assert set(item) == {"image", "label", "id", "patient", "modality", "task"}
        assert item["image"].startswith("/")
        number = int(item["id"][-1])
        want = "heart" if item["id"].startswith("heart") else "liver_ct" if number < 2 else "liver_mr"
        assert item["task"] == want
    unlabelled = VolumeSets(folders).items("unlabelled")
    assert [item["task"] for item in unlabelled] == ["liver_mr", "heart"]
    assert all("label" not in item for item in unlabelled)
    assert [item["task"] for item in VolumeSets(folders).items("validation")] == ["heart"]
    assert len(VolumeSets(folders).items("test")) == 1


def test_a_section_that_is_not_there(made):
    folders = [made("liver"), made("heart")]
    assert VolumeSets(folders).items("validation") == []
    with pytest.raises(RequestError, match="no section 'tset', wanted one of training, unlabelled, validation, test"):
        VolumeSets(folders).items("tset")
    with pytest.raises(RequestError, match="found no volume in 'validation', wanted at least one"):
        VolumeSets(folders).items("validation", needed=True)


def test_an_item_of_an_unknown_modality(made):
    folder = made("liver")
    change(folder, modalities={"mr": MR})
    with pytest.raises(RequestError, match="liver_0 has the modality 'ct', wanted one of mr"):
        VolumeSets(folder).items("training")


def test_the_test_section_is_the_first_that_holds_a_volume(made):
    liver, heart = made("liver"), made("heart", test=0.3)
    assert VolumeSets([liver, heart]).test_section == "test"
    with pytest.raises(RequestError, match=r"found no volume in a test section, wanted one \(prepare with --test 0\.2"):
        _ = VolumeSets(liver).test_section


def test_check_says_what_there_is(made, caplog):
    with caplog.at_level(logging.INFO):
        VolumeSets([made("liver", test=0.3), made("heart")]).check((*SECTIONS, "test"))
    assert "liver: training 2, unlabelled 1, validation empty, test 1" in caplog.text
    assert "heart: training 3, unlabelled 1, validation empty, test empty" in caplog.text


def test_check_names_a_task_without_training_volumes(made):
    folder = made("liver", 2, both())  # volumes 0 and 1 are CT; the unlabelled one alone is MR
    with pytest.raises(RequestError, match="the task liver_mr has no labelled training volume, wanted one"):
        VolumeSets(folder).check()


def test_without_labels_an_unlabelled_volume_will_do(made):
    folder = made("liver", 2, both())
    VolumeSets(folder).check(labelled=False)
    change(folder, training=[])
    with pytest.raises(RequestError, match="the task liver_ct has no training or unlabelled volume, wanted one"):
        VolumeSets(folder).check(labelled=False)
    folder = made("heart")
    change(folder, training=[])
    VolumeSets(folder).check(labelled=False)


def test_data_sets_are_as_the_weights_know_them(made):
    liver, heart = made("liver", said={"one_piece": [1]}), made("heart")
    trained = VolumeSets([liver, heart]).tasks
    change(liver, one_piece=None)  # nothing that is learnt
    VolumeSets(liver).check_trained(trained, "last.pt")
    with pytest.raises(
        RequestError, match=r"heart/datalist\.json: found the task 'heart', wanted one that last\.pt kn"
    ):
        VolumeSets([liver, heart]).check_trained({"liver": trained["liver"]}, "last.pt")
    change(heart, spacing=[1.5, 1.5])
    with pytest.raises(
        RequestError, match=r"heart/datalist\.json: heart has the spacing \[1\.5, 1\.5\], wanted \[2\.0, 2"
    ):
        VolumeSets([liver, heart]).check_trained(trained, "last.pt")
    change(liver, labels={"1": "spleen", "8": "vein"})
    with pytest.raises(
        RequestError, match=r"liver has the labels \{'8': 'vein'\}, wanted \{'8': 'aorta'\} as last\.pt"
    ):
        VolumeSets(liver).check_trained(trained, "last.pt")


def test_check_opens_every_file(made, write_volume, tmp_path):
    folder = made("liver")
    label = tmp_path / "liver" / "labels" / "liver_1.nii.gz"
    label.unlink()  # a link to the source: do not write through it
    write_volume(label, np.full((12, 10, 4), 7, np.uint8))
    with pytest.raises(RequestError, match=r"labels/liver_1\.nii\.gz: found the value 7 in 480 voxels"):
        VolumeSets(folder).check()
    label.unlink()
    with pytest.raises(RequestError, match=r"labels/liver_1\.nii\.gz: missing"):
        VolumeSets(folder).check()


@pytest.fixture
def decoded(monkeypatch):
    """Ids of the items that are decoded."""
    found = []
    original = data_sets.load_volumes

    def load_volumes(record, *arguments):
        found.append(record.id)
        return original(record, *arguments)

    monkeypatch.setattr(data_sets, "load_volumes", load_volumes)
    return found


def test_what_is_as_prepared_is_not_decoded_again_and_what_has_changed_is(made, write_volume, tmp_path, decoded):
    liver, heart = made("liver", test=0.3), made("heart")
    both_sets = VolumeSets([liver, heart])
    both_sets.check((*SECTIONS, "test"))
    assert decoded == []
    for path, values in (
        ("liver/images/liver_99.nii.gz", np.zeros((12, 10, 4), np.int16)),
        ("heart/labels/heart_1.nii.gz", np.ones((12, 10, 4), np.uint8)),
    ):
        (tmp_path / path).unlink()  # a link to the source: do not write through it
        write_volume(tmp_path / path, values)
    both_sets.check((*SECTIONS, "test"))
    assert decoded == ["liver_99", "heart_1"]


def test_all_of_a_list_without_checksums_is_decoded(made, decoded):
    folder = made("liver", test=0.3)
    change(folder, checksums=None, test_sections=None)  # as 0.1.0 wrote it
    VolumeSets(folder).check()
    assert sorted(decoded) == sorted(item["id"] for name in SECTIONS for item in VolumeSets(folder).items(name))
    assert VolumeSets(folder).test_section == "test"


TASKS = st.lists(st.sampled_from("abc"), min_size=1, max_size=30).map(lambda names: [{"task": name} for name in names])


@given(TASKS)
def test_balanced_draws_a_task_by_its_organs_and_not_by_its_size(items):
    names = sorted({item["task"] for item in items})
    table = {name: {"labels": dict.fromkeys(range(number), "")} for number, name in enumerate(names, 1)}
    shares = Counter()
    for item, weight in zip(items, balanced(items, table), strict=True):
        shares[item["task"]] += weight
    assert shares == pytest.approx({name: number**0.5 for number, name in enumerate(names, 1)})


def test_balanced_by_hand():
    items = [{"task": name} for name in "aaab"]
    table = {"a": {"labels": dict.fromkeys("123456789")}, "b": {"labels": {"1": "x"}}, "unused": {"labels": {}}}
    assert balanced(items, table) == [1.0, 1.0, 1.0, 1.0]


def test_the_fingerprint_tells_data_sets_and_their_order(made):
    liver, heart = made("liver"), made("heart")
    found = VolumeSets([liver, heart]).fingerprint
    assert found.startswith("liver ")
    assert ", heart " in found
    assert VolumeSets([heart, liver]).fingerprint != found
    change(heart, seed=9)
    assert VolumeSets([liver, heart]).fingerprint != found
