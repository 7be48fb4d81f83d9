import json
import tomllib

import pytest

from custom.checks import RequestError
from custom.data.volumes import declaration

PLAIN = {
    "name": "mine",
    "labels": {"1": "liver", "7": "spleen"},
    "spacing": [1.5, 2],
    "modalities": {"ct": {"window_hu": [-125, 275]}},
}
TWO = {"ct": {"window_hu": [0, 9], "cases": [1, 500]}, "mr": {"percentiles": [1, 99], "cases": [501, 600]}}
LAYOUT = [{"section": "training", "images": "i/{case}.nii.gz", "labels": "l/{case}.nii.gz"}]


def read(tmp_path, **changes):
    content = {key: value for key, value in {**PLAIN, **changes}.items() if value is not None}
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(content))
    return declaration.read(path)


@pytest.mark.parametrize(
    ("name", "organs", "modalities"),
    [
        ("flare22", 13, {"ct"}), ("amos22", 15, {"ct", "mr"}), ("atlas23", 2, {"ce_mr"}),
        ("btcv", 13, {"ct"}), ("acdc", 3, {"cine_mr"}), ("hippocampus", 2, {"mr"}),
    ],
)  # fmt: skip
def test_those_shipped(name, organs, modalities):
    facts = declaration.shipped(name)
    assert facts.name == name
    assert list(facts.labels) == list(range(1, organs + 1))
    assert set(facts.modalities) == modalities


def test_every_shipped_file_is_named_and_travels_with_the_package(repository):
    folder = repository / "custom" / "data" / "volumes" / "declared"
    assert {path.stem for path in folder.iterdir()} == set(declaration.SHIPPED)
    tools = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert tools["package-data"] == {"custom.data.volumes": ["declared/*.json"]}


def test_one_organ_has_one_name_in_all_sets():
    # Evaluation averages by name: the 8 organs of most BTCV tables, and what sets have in common.
    names = {name: set(declaration.shipped(name).labels.values()) for name in ("flare22", "amos22", "btcv")}
    shared = {
        "spleen", "right kidney", "left kidney", "gallbladder", "esophagus", "liver", "stomach", "aorta",
        "inferior vena cava", "pancreas", "right adrenal gland", "left adrenal gland",
    }  # fmt: skip
    assert names["flare22"] & names["amos22"] & names["btcv"] == shared
    assert names["amos22"] - names["flare22"] == {"bladder", "prostate or uterus"}
    assert names["btcv"] - names["flare22"] == {"portal and splenic vein"}


def test_an_organ_is_in_one_piece_in_all_sets_or_in_none():
    # Not what thick slices cut: vessels and adrenal glands.
    pieces = {}
    for name in ("flare22", "amos22", "btcv"):
        facts = declaration.shipped(name)
        for one, organ in facts.labels.items():
            pieces.setdefault(organ, set()).add(one in facts.one_piece)
    assert {organ for organ, said in pieces.items() if said != {True}} == {
        "aorta", "portal and splenic vein", "right adrenal gland", "left adrenal gland",
    }  # fmt: skip
    assert all(len(said) == 1 for said in pieces.values())
    assert declaration.shipped("atlas23").one_piece == (1,)


def test_what_is_read(tmp_path):
    facts = read(tmp_path, labels={"10": "b", "9": "a"}, patient="^p(\\d+)_")
    assert list(facts.labels.items()) == [(9, "a"), (10, "b")]
    assert facts.spacing == (1.5, 2.0)
    assert facts.modalities == {"ct": {"window_hu": [-125.0, 275.0]}}
    assert [pair.section for pair in facts.layout] == ["training", "test", "unlabelled"]
    assert facts.patient_of("p12_x") == "12"
    assert facts.modality_of("anything") == "ct"
    with pytest.raises(RequestError, match=r"the case 'q1' does not fit 'patient' of .*mine\.json"):
        facts.patient_of("q1")
    assert read(tmp_path).patient_of("p12_x") == "p12_x"
    assert read(tmp_path).one_piece == ()
    assert read(tmp_path, one_piece=[7, 1]).one_piece == (1, 7)


@pytest.mark.parametrize(
    ("case", "modality"),
    [("0001", "ct"), ("0500", "ct"), ("0501", "mr"), ("0507", "mr"), ("0600", "mr"), ("s3_0500", "ct"), ("501", "mr")],
)
def test_the_modality_goes_by_the_last_number(tmp_path, case, modality):
    assert read(tmp_path, modalities=TWO).modality_of(case) == modality


@pytest.mark.parametrize("case", ["0000", "0601", "5000", "6899", "x"])
def test_a_case_outside_all_ranges_is_refused_by_name(tmp_path, case):
    with pytest.raises(RequestError, match=f"the case '{case}' is of no modality of mine, wanted ct 1 to 500, mr 501 "):
        read(tmp_path, modalities=TWO).modality_of(case)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": None}, "found no 'name', wanted it"),
        ({"labels": None}, "found no 'labels'"),
        ({"modalities": None}, "found no 'modalities'"),
        ({"lables": {}}, "found the key 'lables'; did you mean labels?"),
        ({"zzz": 1}, "found the key 'zzz', wanted name, labels, "),
        ({"name": "a.b"}, "name: found 'a.b', wanted letters"),
        ({"labels": {}}, "labels: found {}, wanted ids and names"),
        ({"labels": {"0": "background"}}, "labels: found the id '0', wanted a positive whole number"),
        ({"spacing": [1.5]}, "spacing: found [1.5], wanted two lengths in mm"),
        ({"modalities": {}}, "modalities: found {}"),
        ({"modalities": {"ct": {}}}, "modality 'ct': found neither, wanted one of window_hu and percentiles"),
        ({"modalities": {"ct": 3}}, "modality 'ct': found neither"),
        ({"modalities": {"c t": {"percentiles": [0, 1]}}}, "modalities: found the name 'c t'"),
        ({"modalities": {"ct": {"window_hu": [275, -125]}}}, "found window_hu [275, -125], wanted two numbers in HU"),
        ({"modalities": {"mr": {"percentiles": [1, 99], "case": [1, 2]}}}, "'case'; did you mean cases?"),
        ({"modalities": {**TWO, "pet": {"percentiles": [1, 99]}}}, "modality 'pet': found no 'cases'"),
        ({"modalities": {**TWO, "pet": {"percentiles": [1, 99], "cases": [600, 700]}}}, "of 'mr' and 'pet' overlap"),
        ({"modalities": {**TWO, "pet": {"percentiles": [1, 99], "cases": [9, 3]}}}, "cases [9, 3], wanted 0 <= first"),
        ({"modalities": {**TWO, "pet": {"percentiles": [1, 99], "cases": [1.5, 3]}}}, "found cases [1.5, 3]"),
        ({"layout": []}, "layout: found [], wanted a list"),
        ({"layout": [{"section": "training"}]}, "layout: found {'section': 'training'}, wanted section, images and"),
        ({"layout": [{**LAYOUT[0], "images": "i/x.nii"}]}, "found images 'i/x.nii', wanted a path below the data"),
        ({"layout": [{**LAYOUT[0], "labels": "../{case}.nii"}]}, "found labels '../{case}.nii'"),
        ({"layout": [{**LAYOUT[0], "images": "/abs/{case}.nii"}]}, "found images '/abs/{case}.nii'"),
        ({"layout": [{**LAYOUT[0], "section": "unlabelled"}]}, "wanted no labels in the section 'unlabelled'"),
        ({"layout": [{"section": "test", "images": "{case}.nii"}]}, "wanted labels in the section 'test'"),
        ({"layout": [{**LAYOUT[0], "section": "a b"}]}, "found the section 'a b'"),
        ({"layout": [{**LAYOUT[0], "section": "spacing"}]}, "found the section 'spacing'"),
        ({"layout": [{**LAYOUT[0], "section": "one_piece"}]}, "found the section 'one_piece'"),
        ({"one_piece": 1}, "one_piece: found 1, wanted a list of ids of labels such as [1, 2]"),
        ({"one_piece": [1, 2]}, "one_piece: found 2 in [1, 2], wanted ids of labels [1, 7], each once"),
        ({"patient": "("}, "patient: found '(' ("),
        ({"patient": "p\\d"}, "without a group"),
        ({"patient": 3}, "patient: found 3"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, changes, message):
    with pytest.raises(RequestError) as error:
        read(tmp_path, **changes)
    assert str(error.value).startswith(f"{tmp_path / 'mine.json'}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "found a list, wanted an object"),
        ('{"name": "a", "name": "b"}', "'name' is there twice"),
    ],
)
def test_a_file_that_is_no_declaration(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(RequestError, match=message):
        declaration.read(tmp_path / "x.json")
    with pytest.raises(RequestError, match=r"nosuch\.json: cannot be read"):
        declaration.read(tmp_path / "nosuch.json")
