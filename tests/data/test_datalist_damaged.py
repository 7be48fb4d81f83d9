"""A `datalist.json` that somebody, or a disk, has changed: refused by name, whatever was changed."""

import json

import pytest

from custom.checks import RequestError
from custom.data import datalist
from custom.files import read_json

WHOLE = {
    "name": "glands",
    "mpp": 0.5,
    "mean": [0.7, 0.5, 0.7],
    "std": [0.2, 0.2, 0.2],
    "training": [{"image": "images/a.png", "label": "labels/a.png", "id": "a", "patient": "p"}],
}


def write(folder, **changes):
    (folder / "datalist.json").write_text(json.dumps({**WHOLE, **changes}))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"name": []}, r"the name \[\]"),
        ({"name": ""}, "the name ''"),
        ({"mpp": True}, "mpp True"),
        ({"mpp": float("nan")}, "mpp nan"),
        ({"mpp": 10**400}, "mpp 1000"),
        ({"mean": [0.5, 0.5]}, "mean"),
        ({"mean": None}, "mean None"),
        ({"std": [0.2, 0.2, float("inf")]}, "std"),
        ({"training": [{**WHOLE["training"][0], "id": []}]}, r"the id \[\] in 'training'"),
        ({"training": [{**WHOLE["training"][0], "patient": {}}]}, r"the patient \{\}"),
        ({"training": [{**WHOLE["training"][0], "modality": ["ct"]}]}, r"the modality \['ct'\]"),
    ],
)
def test_a_value_of_another_kind(tmp_path, changes, found):
    write(tmp_path)
    datalist.read(tmp_path)
    write(tmp_path, **changes)
    with pytest.raises(RequestError, match=rf"datalist\.json: found {found}"):
        datalist.read(tmp_path)


def test_brackets_without_end(tmp_path):
    (tmp_path / "datalist.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(RequestError, match="not JSON"):
        datalist.read(tmp_path)
    with pytest.raises(RequestError, match="wanted a JSON file"):
        read_json(tmp_path / "datalist.json")
