import json
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data import datalist
from custom.data.volumes import declaration, tasks
from custom.data.volumes.prepare import prepare

CONTENT = {
    "name": "mine",
    "labels": {"1": "right kidney", "8": "aorta"},
    "spacing": [2, 2],
    "modalities": {"ct": {"window_hu": [-125, 275]}},
    "patient": "^p(\\d+)_",
    "one_piece": [1],
}


@pytest.fixture
def mine(tmp_path):
    """A user's declaration: two organs, patients by name."""
    (tmp_path / "mine.json").write_text(json.dumps(CONTENT))
    return declaration.read(tmp_path / "mine.json")


@pytest.fixture
def source(tmp_path, write_pair):
    """Five patients with two labelled volumes each, and an unlabelled one of each."""
    folder = tmp_path / "source"
    for index in range(10):
        name = f"p{index // 2}_{index % 2}.nii.gz"
        write_pair(folder / "images" / name, folder / "labels" / name, [1, 8], seed=index)
    for index in range(5):
        write_pair(folder / "unlabelled" / f"p{index}_u.nii.gz", None, [], seed=100 + index)
    return folder


def patients(content, name):
    return {item["patient"] for item in content[name]}


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_is_written(mine, source, tmp_path):
    output = tmp_path / "data"
    lines = prepare(mine, source, output, validation=0.2, test=0.2, seed=3, command="the command")
    content = datalist.read(output)
    assert {key: content[key] for key in content if key in datalist.DESCRIPTION} == {
        "name": "mine", "labels": CONTENT["labels"], "one_piece": [1], "spacing": [2.0, 2.0],
        "modalities": {"ct": {"window_hu": [-125.0, 275.0]}}, "seed": 3, "command": "the command",
    }  # fmt: skip
    # Ten volumes: a fifth is a patient's two. The unlabelled volumes of the two patients held out are left out.
    numbers = {name: len(content[name]) for name in ("training", "unlabelled", "validation", "test")}
    assert numbers == {"training": 6, "unlabelled": 3, "validation": 2, "test": 2}
    for item in content["test"]:
        assert item == {
            "image": f"images/{item['id']}.nii.gz", "label": f"labels/{item['id']}.nii.gz", "id": item["id"],
            "patient": item["id"][1], "modality": "ct",
        }  # fmt: skip
        for kind in ("image", "label"):
            assert (output / item[kind]).read_bytes() == (source / item[kind]).read_bytes()
    assert len(files(output)) == 13 + 10 + 2
    assert Image.open(output / "contact_sheet.png").width > 192
    assert "2 unlabelled volumes of patients in validation or test were left out" in lines
    assert "test          2 volumes,   1 patients: ct 2" in lines
    # Each id in 2 x 6 x 2 voxels of 20 mm³.
    assert "  8 aorta         in  10 of 10, median 0.48 ml (0.48 to 0.48)" in lines
    tasks.check(str(output))


def test_no_patient_is_in_two_sections_whatever_the_seed(mine, source, tmp_path):
    held_out = set()
    for seed in range(6):
        prepare(mine, source, tmp_path / "data", validation=0.2, test=0.2, seed=seed)
        content = datalist.read(tmp_path / "data")
        sections = [patients(content, name) for name in ("training", "validation", "test")]
        assert set.union(*sections) == set("01234")
        assert sum(map(len, sections)) == 5
        assert patients(content, "unlabelled") == sections[0]
        held_out |= sections[2]
    assert len(held_out) > 1  # another seed draws others


def test_fractions_are_of_all_labelled_volumes(mine, source, tmp_path):
    prepare(mine, source, tmp_path / "data", validation=0.4, test=0.4)
    content = datalist.read(tmp_path / "data")
    assert {name: len(content[name]) for name in ("training", "validation", "test")} == {
        "training": 2, "validation": 4, "test": 4,
    }  # fmt: skip


def test_the_test_section_does_not_depend_on_the_validation_section(mine, source, tmp_path):
    for name, validation in (("a", 0.0), ("b", 0.4)):
        prepare(mine, source, tmp_path / name, validation=validation, test=0.2)
    assert datalist.read(tmp_path / "a")["test"] == datalist.read(tmp_path / "b")["test"]


def test_a_file_is_linked_where_the_disk_allows_it_and_copied_where_not(mine, source, tmp_path, monkeypatch):
    prepare(mine, source, tmp_path / "data")
    assert os.path.samefile(tmp_path / "data" / "images" / "p0_0.nii.gz", source / "images" / "p0_0.nii.gz")

    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    prepare(mine, source, tmp_path / "data")
    assert not os.path.samefile(tmp_path / "data" / "images" / "p0_0.nii.gz", source / "images" / "p0_0.nii.gz")
    assert len(list((source / "images").iterdir())) == 10


def test_amos22_as_downloaded(tmp_path, write_pair):
    top = tmp_path / "amos22"
    for case, section in (("0001", "Tr"), ("0500", "Tr"), ("0507", "Tr"), ("0008", "Va"), ("0501", "Va")):
        name = f"amos_{case}.nii.gz"
        write_pair(top / f"images{section}" / name, top / f"labels{section}" / name, [6, 8], seed=int(case))
    write_pair(top / "imagesTs" / "amos_0002.nii.gz", None, [], seed=2)
    (top / "dataset.json").write_text("{}")
    with zipfile.ZipFile(tmp_path / "amos22.zip", "w") as archive:
        for path in sorted(top.rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path))
    amos = declaration.shipped("amos22")
    for name, source in (("a", top), ("b", tmp_path / "amos22.zip")):
        prepare(amos, source, tmp_path / name, test=0.34)
        table = tasks.task_table(str(tmp_path / name))
        assert list(table) == ["amos22_ct", "amos22_mr"]
        assert table["amos22_ct"]["intensity"] == {"window_hu": [-125.0, 275.0]}
        assert table["amos22_mr"]["intensity"] == {"percentiles": [0.5, 99.5]}
        found = {one["id"]: one["task"] for key in ("training", "validation", "test", "unlabelled")
                 for one in tasks.items(str(tmp_path / name), key)}  # fmt: skip
        assert {one for one, task in found.items() if task == "amos22_mr"} == {"amos_0507", "amos_0501"}
        assert len(found) == 6
    assert (tmp_path / "a" / "datalist.json").read_text() == (tmp_path / "b" / "datalist.json").read_text()
    with pytest.raises(RequestError, match="--validation: the data set has 2 validation volumes, leave the option out"):
        prepare(amos, top, tmp_path / "c", validation=0.2)


@pytest.mark.parametrize(
    ("name", "images", "labels"),
    [
        ("flare22", "Training/FLARE22_LabeledCase50/images/FLARE22_Tr_000{}_0000.nii.gz",
         "Training/FLARE22_LabeledCase50/labels/FLARE22_Tr_000{}.nii.gz"),
        ("atlas23", "atlas-train-dataset-1.0.1/train/imagesTr/im{}.nii.gz",
         "atlas-train-dataset-1.0.1/train/labelsTr/lb{}.nii.gz"),
    ],
)  # fmt: skip
def test_flare22_and_atlas23_as_downloaded(tmp_path, write_pair, name, images, labels):
    for case in (1, 3, 5):
        write_pair(tmp_path / "s" / images.format(case), tmp_path / "s" / labels.format(case), [1, 2], seed=case)
    prepare(declaration.shipped(name), tmp_path / "s", tmp_path / "data", test=0.34)
    content = datalist.read(tmp_path / "data")
    assert (len(content["training"]), len(content["test"])) == (2, 1)
    tasks.check(str(tmp_path / "data"))


def test_a_folder_of_slices(tmp_path):
    content = {key: value for key, value in CONTENT.items() if key != "patient"}
    (tmp_path / "mine.json").write_text(json.dumps(content))
    rng = np.random.default_rng(0)
    for index in range(4):
        for folder, values in (("images", rng.integers(0, 255, (20, 30))), ("labels", np.eye(20, 30) * 8)):
            (tmp_path / "s" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(tmp_path / "s" / folder / f"p{index // 2}_{index}.png")
    facts = declaration.read(tmp_path / "mine.json")
    lines = prepare(facts, tmp_path / "s", tmp_path / "data", test=0.25)
    assert datalist.read(tmp_path / "data")["test"][0]["image"].endswith(".png")
    # 20 pixels of 4 mm² are 0.8 cm².
    assert "  8 aorta         in   4 of 4, median 0.8 cm² (0.8 to 0.8)" in lines
    warning = "each picture counts as a patient: if some are slices of one, say so by --patients or 'patient'"
    assert warning in lines
    table = tmp_path / "patients.csv"
    table.write_text("id,patient\n" + "".join(f"p{index // 2}_{index},p{index // 2}\n" for index in range(4)))
    lines = prepare(facts, tmp_path / "s", tmp_path / "data", test=0.5, patients=table)
    assert patients(datalist.read(tmp_path / "data"), "test") in ({"p0"}, {"p1"})
    assert warning not in lines


def split_file(tmp_path, **sections):
    (tmp_path / "split.json").write_text(json.dumps(sections))
    return str(tmp_path / "split.json")


def test_a_list_says_who_is_where(mine, source, tmp_path):
    split = split_file(tmp_path, training=["p0_1", "p0_0"], unlabelled=["p1_0"], validation=["p2_0"], test=["p3_1"])
    lines = prepare(mine, source, tmp_path / "data", split=split)
    content = datalist.read(tmp_path / "data")
    ids = {name: [item["id"] for item in content[name]] for name in ("training", "validation", "test", "unlabelled")}
    assert ids == {
        "training": ["p0_0", "p0_1"], "validation": ["p2_0"], "test": ["p3_1"],
        # Those of the owner without a label join, but for the patients 2 and 3.
        "unlabelled": ["p0_u", "p1_0", "p1_u", "p4_u"],
    }  # fmt: skip
    assert all("label" not in item for item in content["unlabelled"])
    assert not (tmp_path / "data" / "labels" / "p1_0.nii.gz").exists()
    assert "5 volumes are in no list and were left out" in lines
    assert "2 unlabelled volumes of patients in validation or test were left out" in lines


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"training": ["p0_0"], "test": ["p0_1"]},
            "p0_1 in test: is of the patient 0 of p0_0 in training, wanted each",
        ),
        (
            {"training": ["p0_0"], "unlabelled": ["p1_0"], "test": ["p1_1"]},
            "p1_1 in test: is of the patient 1 of p1_0 in",
        ),
        ({"training": []}, r"split\.json: no labelled training volume"),
        ({"training": ["p0_u"]}, "'p0_u' in training belongs to unlabelled of the data set"),
        ({"training": ["p9_0"]}, "'p9_0' in training is no image"),
        (
            {"training": ["p0_0"], "testing": ["p1_0"]},
            "found the section 'testing', wanted training, unlabelled, valid",
        ),
    ],
)
def test_a_list_that_cannot_be(mine, source, tmp_path, sections, message):
    with pytest.raises(RequestError, match=message):
        prepare(mine, source, tmp_path / "data", split=split_file(tmp_path, **sections))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": 1.0}, "leave nothing to train on"),
        ({"test": 0.5, "validation": 0.5}, "--validation 0.5 and --test 0.5 leave nothing to train on"),
        ({"test": -0.1}, r"--test: found -0\.1, wanted a fraction"),
        ({"split": "x.json", "test": 0.1}, "--split already says what is held out"),
    ],
)
def test_numbers_that_cannot_be(mine, source, tmp_path, options, message):
    with pytest.raises(RequestError, match=message):
        prepare(mine, source, tmp_path / "data", **options)


def test_every_fault_is_found_before_anything_is_written(mine, source, tmp_path, write_volume):
    output = tmp_path / "data"
    prepare(mine, source, output)
    before = files(output)
    good = (source / "labels" / "p0_0.nii.gz").read_bytes()
    (source / "labels" / "p1_1.nii.gz").unlink()  # the output has a second name of the same file
    write_volume(source / "labels" / "p1_1.nii.gz", np.full((12, 10, 4), 5, np.uint8))
    with pytest.raises(RequestError, match=r"labels/p1_1\.nii\.gz: found the value 5 in 480 voxels, wanted the decl"):
        prepare(mine, source, output)
    (source / "images" / "p2_0.nii.gz").unlink()
    (source / "images" / "p2_0.nii.gz").write_bytes(good[:50])
    with pytest.raises(RequestError, match=r"2 of 15 images are wrong: .*p1_1\.nii\.gz: found .*; .*p2_0\.nii\.gz: br"):
        prepare(mine, source, output)
    assert files(output) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "mine.json", "source"]


def test_one_volume_under_two_names_is_refused(mine, source, tmp_path, write_pair):
    write_pair(source / "unlabelled" / "p7_u.nii.gz", None, [], seed=4)
    message = r"unlabelled/p7_u\.nii\.gz: in unlabelled, the same volume as .*images/p2_0\.nii\.gz in training"
    with pytest.raises(RequestError, match=message):
        prepare(mine, source, tmp_path / "data")


def test_an_earlier_data_set_is_replaced_and_said(mine, source, tmp_path):
    prepare(mine, source, tmp_path / "data", command="one")
    lines = prepare(mine, source, tmp_path / "data", command="two")
    assert f'replaced the earlier data set "mine" in {tmp_path / "data"}' in lines
    assert datalist.read(tmp_path / "data")["command"] == "two"
    assert lines[-1].startswith(f"written to {tmp_path / 'data'}; look at ")


def test_what_is_empty_is_said(mine, source, tmp_path):
    lines = prepare(mine, source, tmp_path / "data")
    assert "validation is empty: there is no best.pt (--validation 0.2 holds some patients out)" in lines
    wanted = "the evaluation needs --test_section validation (--test 0.2 holds some patients out)"
    assert f"test is empty: {wanted}" in lines


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "training", "test"),
    [("btcv", (12, 12), (4, 4)), ("acdc", (70, 35), (20, 10)), ("hippocampus", (140, 140), (40, 40))],
)
def test_real_sets(shared_data, tmp_path, name, training, test):
    prepare(declaration.shipped(name), shared_data / name, tmp_path / "data", validation=0.1, test=0.2)
    content = datalist.read(tmp_path / "data")
    for section, numbers in (("training", training), ("test", test)):
        assert (len(content[section]), len(patients(content, section))) == numbers
