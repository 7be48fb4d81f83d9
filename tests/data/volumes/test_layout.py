import dataclasses
import json
import zipfile

import pytest

from custom.checks import RequestError
from custom.data.volumes import declaration
from custom.data.volumes.layout import find


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(source, name):
    return [
        (record.id, record.section, record.patient, record.modality, bool(record.label))
        for record in find(source, declaration.shipped(name))
    ]


def test_flare22(tmp_path):
    top = "FLARE2022/Training/FLARE22_LabeledCase50"
    for case in ("0001", "0050"):
        touch(tmp_path, f"{top}/images/FLARE22_Tr_{case}_0000.nii.gz", f"{top}/labels/FLARE22_Tr_{case}.nii.gz")
    touch(tmp_path, "FLARE2022/Training/FLARE22_UnlabeledCase1-1000/Case_00001_0000.nii.gz")
    assert found(tmp_path, "flare22") == [
        ("FLARE22_Tr_0001", "training", "0001", "ct", True), ("FLARE22_Tr_0050", "training", "0050", "ct", True),
    ]  # fmt: skip
    records = find(tmp_path, declaration.shipped("flare22"))
    assert records[0].label.path.name == "FLARE22_Tr_0001.nii.gz"


def test_amos22_tells_ct_and_mr_apart_by_number(tmp_path):
    for case in ("0001", "0500", "0507"):
        touch(tmp_path, f"amos22/imagesTr/amos_{case}.nii.gz", f"amos22/labelsTr/amos_{case}.nii.gz")
    for case in ("0008", "0501", "0600"):
        touch(tmp_path, f"amos22/imagesVa/amos_{case}.nii.gz", f"amos22/labelsVa/amos_{case}.nii.gz")
    touch(tmp_path, "amos22/imagesTs/amos_0002.nii.gz", "amos22/dataset.json", "amos22/readme.md")
    with zipfile.ZipFile(tmp_path / "amos22.zip", "w") as archive:
        for path in sorted((tmp_path / "amos22").rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path))
    for source in (tmp_path / "amos22", tmp_path, tmp_path / "amos22.zip"):
        assert found(source, "amos22") == [
            ("amos_0001", "training", "0001", "ct", True), ("amos_0500", "training", "0500", "ct", True),
            ("amos_0507", "training", "0507", "mr", True), ("amos_0008", "validation", "0008", "ct", True),
            ("amos_0501", "validation", "0501", "mr", True), ("amos_0600", "validation", "0600", "mr", True),
            ("amos_0002", "unlabelled", "0002", "ct", False),
        ]  # fmt: skip


@pytest.mark.parametrize("case", ["5000", "6899", "0601"])
def test_the_unlabelled_ct_packs_of_amos_are_not_taken_for_mr(tmp_path, case):
    touch(tmp_path, "imagesTr/amos_0507.nii.gz", "labelsTr/amos_0507.nii.gz", f"imagesTs/amos_{case}.nii.gz")
    message = rf"amos_{case}\.nii\.gz: the case '{case}' is of no modality of amos22, wanted ct 1 to 500, mr 501 to 600"
    with pytest.raises(RequestError, match=message):
        find(tmp_path, declaration.shipped("amos22"))


def test_atlas23_has_two_prefixes_and_no_zero_padding(tmp_path):
    top = "atlas-train-dataset-1.0.1/train"
    for case in (0, 3, 20):
        touch(tmp_path, f"{top}/imagesTr/im{case}.nii.gz", f"{top}/labelsTr/lb{case}.nii.gz")
    touch(tmp_path, f"{top}/dataset.json")
    records = find(tmp_path, declaration.shipped("atlas23"))
    assert sorted((record.id, record.label.path.name, record.modality) for record in records) == [
        ("im0", "lb0.nii.gz", "ce_mr"), ("im20", "lb20.nii.gz", "ce_mr"), ("im3", "lb3.nii.gz", "ce_mr"),
    ]  # fmt: skip


def test_acdc_knows_its_patients(tmp_path):
    for case in ("001_01", "001_12", "002_01"):
        touch(tmp_path, f"images/acdc_{case}.nii.gz", f"labels/acdc_{case}.nii.gz")
    assert [row[2] for row in found(tmp_path, "acdc")] == ["001", "001", "002"]
    touch(tmp_path, "images/x.nii.gz", "labels/x.nii.gz")
    with pytest.raises(RequestError, match=r"images/x\.nii\.gz: the case 'x' does not fit 'patient'"):
        find(tmp_path, declaration.shipped("acdc"))


@pytest.fixture
def mine(tmp_path):
    """A user's declaration with the default layout."""
    content = {
        "name": "mine", "labels": {"1": "a"}, "spacing": [1, 1], "modalities": {"mr": {"percentiles": [0, 100]}},
    }  # fmt: skip
    (tmp_path / "mine.json").write_text(json.dumps(content))
    return declaration.read(tmp_path / "mine.json")


def test_a_users_own_folder(tmp_path, mine):
    source = tmp_path / "s"
    touch(source, "images/a.nii.gz", "labels/a.nii", "images/b.c.PNG", "labels/b.c.png", "unlabelled/u.nii")
    touch(source, "test/images/t.nii.gz", "test/labels/t.nii.gz", "notes.txt", "images/.DS_Store", "images/list.csv")
    rows = [(record.id, record.section, record.patient) for record in find(source, mine)]
    assert rows == [
        ("a", "training", "a"), ("b.c", "training", "b.c"), ("t", "test", "t"), ("u", "unlabelled", "u"),
    ]  # fmt: skip


def test_a_case_may_be_a_folder(tmp_path, mine):
    pair = declaration.FolderPair("training", "{case}/{case}_t1.nii.gz", "{case}/{case}_seg.nii.gz")
    touch(tmp_path, "p1/p1_t1.nii.gz", "p1/p1_seg.nii.gz", "p2/p2_t1.nii.gz", "p2/p2_seg.nii.gz", "p2/p1_t1.nii.gz")
    records = find(tmp_path, dataclasses.replace(mine, layout=(pair,)))
    assert [(record.id, record.patient) for record in records] == [("p1_t1", "p1"), ("p2_t1", "p2")]


def test_a_folder_names_the_case_where_its_files_do_not(tmp_path, mine):
    pair = declaration.FolderPair("training", "{case}/t1.nii.gz", "{case}/seg.nii.gz")
    touch(tmp_path, "p1/t1.nii.gz", "p1/seg.nii.gz", "p2/t1.nii.gz", "p2/seg.nii.gz")
    records = find(tmp_path, dataclasses.replace(mine, layout=(pair,)))
    assert [(record.id, record.label.path.parent.name) for record in records] == [("p1", "p1"), ("p2", "p2")]


def test_a_channel_number_is_left_out_only_where_the_layout_has_it(tmp_path, mine):
    touch(
        tmp_path / "s", "images/scan_0000.nii", "labels/scan_0000.nii", "images/scan_0001.nii", "labels/scan_0001.nii"
    )
    assert [record.id for record in find(tmp_path / "s", mine)] == ["scan_0000", "scan_0001"]


@pytest.mark.parametrize(
    ("name", "names", "ids"),
    [
        ("btcv", ["Training/img/img0001", "Training/label/label0001", "Testing/img/img0061"],
         [("img0001", "training", "0001"), ("img0061", "unlabelled", "0061")]),
        ("btcv", ["images/btcv_0005", "labels/btcv_0005"], [("btcv_0005", "training", "btcv_0005")]),
        ("hippocampus", ["imagesTr/hippocampus_001", "labelsTr/hippocampus_001", "imagesTs/hippocampus_002",
                         "imagesTr/._hippocampus_001"],
         [("hippocampus_001", "training", "hippocampus_001"), ("hippocampus_002", "unlabelled", "hippocampus_002")]),
    ],
)  # fmt: skip
def test_owners_layouts_of_the_others(tmp_path, name, names, ids):
    touch(tmp_path / "RawData", *(f"{one}.nii.gz" for one in names))
    assert [row[:3] for row in found(tmp_path, name)] == ids


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["labels/b.nii.gz"], r"labels/b\.nii\.gz: a label without its image, wanted images/b\.\*; the nearest image"),
        (["images/b.nii.gz"], r"images/b\.nii\.gz: no label of this name found, wanted labels/b"),
        (["images/a.nii"], r"has the same name as"),
        (["images/c.mha"], r"images/c\.mha: does not fit the layout, wanted images/\*\.\* \(\.nii\.gz \.nii \.png"),
        (["unlabelled/a.nii.gz"], r"unlabelled/a\.nii\.gz: has the id a of .*images/a\.nii\.gz"),
    ],
)
def test_what_does_not_fit(tmp_path, mine, more, message):
    touch(tmp_path / "s", "images/a.nii.gz", "labels/a.nii.gz", *more)
    with pytest.raises(RequestError, match=message):
        find(tmp_path / "s", mine)


def test_several_that_do_not_fit_are_counted(tmp_path, mine):
    touch(tmp_path / "s", "images/a.nii", "labels/a.nii", "images/b.nii", "images/c.nii")
    message = r"^2 of 3 volumes are wrong: .*images/b\.nii: no label .*; .*images/c\.nii: no label "
    with pytest.raises(RequestError, match=message):
        find(tmp_path / "s", mine)


def test_nothing_or_too_much_is_found(tmp_path, mine):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match=r"empty: found no image of mine, wanted images/\*\.\* \(.*\) at any"):
        find(tmp_path / "empty", mine)
    with pytest.raises(RequestError, match="nosuch: not found"):
        find(tmp_path / "nosuch", mine)
    touch(tmp_path / "two", "x/images/a.nii", "x/labels/a.nii", "y/images/a.nii", "y/labels/a.nii")
    with pytest.raises(RequestError, match="found mine twice, in x/ and y/; give one as --source"):
        find(tmp_path / "two", mine)
