import hashlib
import json
import os
import zipfile
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data import datalist
from custom.data.source_file import SourceFile
from custom.data.volumes import VolumeSets, declaration
from custom.data.volumes import prepare as module
from custom.data.volumes.files import load_volumes
from custom.drawing.colours import organ_colour

prepare = module.prepare


def patients(content, name):
    return {item["patient"] for item in content[name]}


def decoded(output):
    """Read every volume of a data set, and check it as training does."""
    sets, data_list = VolumeSets(output), datalist.read(output)
    sets.check(list(data_list.sections))
    for section in data_list.sections:
        for item in sets.items(section):
            task = sets.tasks[item["task"]]
            load_volumes(datalist.record_of(item), list(map(int, task["labels"])), tuple(task["spacing"]))


def test_what_is_written(mine, source, said, tmp_path, files):
    output = tmp_path / "data"
    lines = prepare(mine, source, output, validation=0.2, test=0.2, seed=3, command="the command")
    content, head = datalist.read(output).sections, datalist.read(output).head
    # Three pairs in [0, 1]: the dark end, the middle and the bright end of what lies above -125 HU.
    assert np.array(head["intensities"]["ct"]).shape == (3, 2)
    assert {key: head[key] for key in head if key not in ("checksums", "intensities")} == {
        "name": "mine", "labels": said["labels"], "one_piece": [1], "spacing": [2.0, 2.0],
        "modalities": {"ct": {"window_hu": [-125.0, 275.0]}}, "seed": 3, "command": "the command",
        "test_sections": ["test"],
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
    decoded(output)


def test_no_patient_is_in_two_sections_whatever_the_seed(mine, source, tmp_path):
    held_out = set()
    for seed in range(6):
        prepare(mine, source, tmp_path / "data", validation=0.2, test=0.2, seed=seed)
        content = datalist.read(tmp_path / "data").sections
        sections = [patients(content, name) for name in ("training", "validation", "test")]
        assert set.union(*sections) == set("01234")
        assert sum(map(len, sections)) == 5
        assert patients(content, "unlabelled") == sections[0]
        held_out |= sections[2]
    assert len(held_out) > 1  # another seed draws others


def test_fractions_are_of_all_labelled_volumes(mine, source, tmp_path):
    prepare(mine, source, tmp_path / "data", validation=0.4, test=0.4)
    content = datalist.read(tmp_path / "data").sections
    assert {name: len(content[name]) for name in ("training", "validation", "test")} == {
        "training": 2, "validation": 4, "test": 4,
    }  # fmt: skip


def test_the_test_section_does_not_depend_on_the_validation_section(mine, source, tmp_path):
    for name, validation in (("a", 0.0), ("b", 0.4)):
        prepare(mine, source, tmp_path / name, validation=validation, test=0.2)
    assert datalist.read(tmp_path / "a").sections["test"] == datalist.read(tmp_path / "b").sections["test"]


def test_a_file_is_linked_where_the_disk_allows_it_and_copied_where_not(mine, source, tmp_path, monkeypatch):
    prepare(mine, source, tmp_path / "data")
    assert os.path.samefile(tmp_path / "data" / "images" / "p0_0.nii.gz", source / "images" / "p0_0.nii.gz")

    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    prepare(mine, source, tmp_path / "data")
    assert not os.path.samefile(tmp_path / "data" / "images" / "p0_0.nii.gz", source / "images" / "p0_0.nii.gz")
    assert len(list((source / "images").iterdir())) == 10


@pytest.fixture
def sheet(monkeypatch):
    """What is put on the contact sheet: the titles with their cells, and the legend."""
    seen = {}
    original = module.draw_sheet

    def draw_sheet(sections, colours):
        seen.update(sections=sections, colours=colours)
        return original(sections, colours)

    monkeypatch.setattr(module, "draw_sheet", draw_sheet)
    return seen


def test_the_contact_sheet_has_the_colours_of_all_pictures(mine, source, tmp_path, sheet):
    prepare(mine, source, tmp_path / "data", validation=0.2)
    # The channels are the ids in ascending order: 1 is the first, 8 the second.
    kidney, aorta = organ_colour(1), organ_colour(2)
    assert sheet["colours"] == [(kidney, "1 right kidney"), (aorta, "8 aorta")]
    right = "the patient's right is on the left"
    assert {title: len(cells) for title, cells in sheet["sections"].items()} == {
        f"training: 8 of 8, with outlines; {right}": 8,
        f"unlabelled: 4 of 4, without outlines; {right}": 4,
        f"validation: 2 of 2, with outlines; {right}": 2,
        f"test: 0 of 0, with outlines; {right}": 0,
    }
    for title, cells in sheet["sections"].items():
        for cell in cells:
            shades = {tuple(shade) for shade in np.asarray(cell.picture).reshape(-1, 3)}
            assert {kidney, aorta} & shades == (set() if "without" in title else {kidney, aorta})
            assert cell.caption.endswith(", slice 3 of 4")


def test_each_volume_is_read_and_decoded_once(mine, source, tmp_path, monkeypatch):
    reads, loads = Counter(), Counter()
    read = SourceFile.read
    monkeypatch.setattr(SourceFile, "read", lambda file: (reads.update([file.path]), read(file))[1])
    monkeypatch.setattr(
        module, "load_volumes", lambda record, *rest: (loads.update([record.id]), load_volumes(record, *rest))[1]
    )
    prepare(mine, source, tmp_path / "data", validation=0.2, test=0.2, seed=3)
    # The unlabelled volumes of the two patients held out are left out.
    left_out = {source / "unlabelled" / f"p{patient}_u.nii.gz" for patient in held_out(tmp_path / "data")}
    assert len(left_out) == 2
    used = set(source.rglob("*.nii.gz")) - left_out
    assert reads == dict.fromkeys(used, 1)
    assert loads == dict.fromkeys({path.name.removesuffix(".nii.gz") for path in used}, 1)


def held_out(folder):
    content = datalist.read(folder).sections
    return patients(content, "validation") | patients(content, "test")


def test_checksums_are_those_of_what_is_written(mine, source, tmp_path):
    output = tmp_path / "data"
    prepare(mine, source, output, validation=0.2)
    written = [*(output / "images").iterdir(), *(output / "labels").iterdir()]
    checksums = dict(datalist.read(output).head["checksums"])
    assert len(checksums.pop("pairs")) == 64  # what was checked with what
    assert checksums == {
        path.relative_to(output).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in written
    }


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
        sets = VolumeSets(tmp_path / name)
        table = sets.tasks
        assert list(table) == ["amos22_ct", "amos22_mr"]
        assert table["amos22_ct"]["intensity"] == {"window_hu": [-125.0, 275.0]}
        assert table["amos22_mr"]["intensity"] == {"percentiles": [0.5, 99.5]}
        found = {one["id"]: one["task"] for key in ("training", "validation", "test", "unlabelled")
                 for one in sets.items(key)}  # fmt: skip
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
    content = datalist.read(tmp_path / "data").sections
    assert (len(content["training"]), len(content["test"])) == (2, 1)
    decoded(tmp_path / "data")


def test_a_folder_of_slices(tmp_path, said):
    content = {key: value for key, value in said.items() if key != "patient"}
    (tmp_path / "mine.json").write_text(json.dumps(content))
    rng = np.random.default_rng(0)
    for index in range(4):
        for folder, values in (("images", rng.integers(0, 255, (20, 30))), ("labels", np.eye(20, 30) * 8)):
            (tmp_path / "s" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(tmp_path / "s" / folder / f"p{index // 2}_{index}.png")
    facts = declaration.read(tmp_path / "mine.json")
    lines = prepare(facts, tmp_path / "s", tmp_path / "data", test=0.25)
    assert datalist.read(tmp_path / "data").sections["test"][0]["image"].endswith(".png")
    # 20 pixels of 4 mm² are 0.8 cm².
    assert "  8 aorta         in   4 of 4, median 0.8 cm² (0.8 to 0.8)" in lines
    warning = "each picture counts as a patient: if some are slices of one, say so by --patients or 'patient'"
    assert warning in lines
    table = tmp_path / "patients.csv"
    table.write_text("id,patient\n" + "".join(f"p{index // 2}_{index},p{index // 2}\n" for index in range(4)))
    lines = prepare(facts, tmp_path / "s", tmp_path / "data", test=0.5, patients=table)
    assert patients(datalist.read(tmp_path / "data").sections, "test") in ({"p0"}, {"p1"})
    assert warning not in lines


def test_a_list_says_who_is_where(mine, source, tmp_path, split_file):
    split = split_file(training=["p0_1", "p0_0"], unlabelled=["p1_0"], validation=["p2_0"], test=["p3_1"])
    lines = prepare(mine, source, tmp_path / "data", split=split)
    content = datalist.read(tmp_path / "data").sections
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


def test_an_earlier_data_set_is_replaced_and_said(mine, source, tmp_path):
    prepare(mine, source, tmp_path / "data", command="one")
    lines = prepare(mine, source, tmp_path / "data", command="two")
    assert f'replaced the earlier data set "mine" in {tmp_path / "data"}' in lines
    assert datalist.read(tmp_path / "data").head["command"] == "two"
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
    content = datalist.read(tmp_path / "data").sections
    for section, numbers in (("training", training), ("test", test)):
        assert (len(content[section]), len(patients(content, section))) == numbers
