import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from custom.checks import RequestError
from custom.data import datalist


def item(name, label=True, **more):
    paths = {"image": f"images/{name}.png", "label": f"labels/{name}.png"}
    return {**(paths if label else {"image": paths["image"]}), "id": name, **more}


HEAD = {
    "name": "toy",
    "mpp": 0.5,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.1, 0.1, 0.1],
    "seed": 0,
    "command": "python -m custom prepare",
}
SECTIONS = {
    "training": [item("a", patient="7")],
    "unlabelled": [item("b", label=False)],
    "validation": [],
    "testA": [item("c")],
}
# As 0.1.0 wrote it: any key that is none of the known ones is a test section.
CONTENT = {**HEAD, **SECTIONS}


@pytest.fixture
def dataset_dir(tmp_path):
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
        for name in "abc":
            (tmp_path / folder / f"{name}.png").touch()
    write(tmp_path, CONTENT)
    return tmp_path


def write(folder, content):
    (folder / "datalist.json").write_text(json.dumps(content))


def test_read_and_items(dataset_dir, monkeypatch):
    data = datalist.read(dataset_dir)
    assert (data.head, data.sections) == (HEAD, SECTIONS)
    assert data.test_sections == ["testA"]
    expected = {"id": "a", "patient": "7", "image": str(dataset_dir / "images/a.png")}
    assert data.items("training") == [{**expected, "label": str(dataset_dir / "labels/a.png")}]
    assert data.items("validation") == []
    # A list from elsewhere may lack a patient; a batch needs the key in every item.
    [unlabelled] = data.items("unlabelled")
    assert unlabelled == {"id": "b", "patient": "", "image": str(dataset_dir / "images/b.png")}
    monkeypatch.chdir(dataset_dir.parent)
    [relative] = datalist.read(dataset_dir.name).items("testA")
    assert Path(relative["image"]).is_absolute()


def test_what_is_written_is_read(dataset_dir):
    checksums = {"images/a.png": "1", "labels/a.png": "2"}
    datalist.write(dataset_dir, HEAD, SECTIONS, checksums)
    data = datalist.read(dataset_dir)
    pairs = data.head["checksums"]["pairs"]
    assert data.head == {**HEAD, "test_sections": ["testA"], "checksums": {"pairs": pairs, **checksums}}
    assert data.sections == SECTIONS
    assert data.test_sections == ["testA"]
    assert data.path == dataset_dir / "datalist.json"
    assert data.checksum_of(dataset_dir / "labels/a.png") == "2"
    assert data.checksum_of(dataset_dir / "images/c.png") is None


def test_the_fingerprint_is_the_name_and_the_hash_of_the_list(dataset_dir):
    text = (dataset_dir / "datalist.json").read_bytes()
    data = datalist.read(dataset_dir)
    assert data.digest == hashlib.sha256(text).hexdigest()
    assert data.fingerprint == f"toy {hashlib.sha256(text).hexdigest()[:12]}"
    write(dataset_dir, CONTENT | {"seed": 1})
    assert datalist.read(dataset_dir).fingerprint != data.fingerprint


def test_a_list_without_test_sections_has_them_under_any_other_key(dataset_dir):
    write(dataset_dir, CONTENT | {"mine": [item("b")]})
    data = datalist.read(dataset_dir)
    assert data.test_sections == ["testA", "mine"]
    assert [one["id"] for one in data.items("mine")] == ["b"]
    assert data.checksum_of(dataset_dir / "images/a.png") is None


def test_a_list_of_0_1_0_is_read(repository, tmp_path):
    with tarfile.open(repository / "tests" / "fixtures" / "0.1.0_gland.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    content = json.loads((tmp_path / "data" / "datalist.json").read_text())
    assert "test_sections" not in content
    data = datalist.read(tmp_path / "data")
    assert {**data.head, **data.sections} == content
    assert data.test_sections == [name for name in content if name.startswith("test")]
    assert all(data.items(name) for name in ("training", "unlabelled", "validation"))


def test_a_key_beside_the_test_sections_is_refused(dataset_dir):
    write(dataset_dir, CONTENT | {"test_sections": ["testA"], "trainning": []})
    wanted = "wanted a section that test_sections names, or one of training, unlabelled, validation"
    with pytest.raises(RequestError, match=rf"datalist\.json: found 'trainning', {wanted}$"):
        datalist.read(dataset_dir)
    write(dataset_dir, CONTENT | {"test_sections": ["testA"]})
    assert datalist.read(dataset_dir).test_sections == ["testA"]


def test_files_elsewhere_have_no_checksum(dataset_dir, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x.png"
    elsewhere.touch()
    write(dataset_dir, CONTENT | {"unlabelled": [{"image": str(elsewhere), "id": "x"}]})
    data = datalist.read(dataset_dir)
    assert data.items("unlabelled")[0]["image"] == str(elsewhere)
    assert data.checksum_of(elsewhere) is None


def test_a_missing_file(dataset_dir):
    (dataset_dir / "images/a.png").unlink()
    with pytest.raises(RequestError, match=r"images/a\.png: missing, wanted as training of .*datalist\.json says"):
        datalist.read(dataset_dir).items("training")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unlabelled": [item("b")]}, "b is unlabelled and has a label"),
        ({"testA": [item("c", label=False)]}, "c in 'testA' has no label"),
        ({"testA": {}}, "'testA' is no list"),
        ({"testA": ["c"]}, "an item of 'testA' has no 'image' and 'id'"),
        ({"mpp": "0.5"}, "found mpp '0.5'"),
        ({"mpp": 0}, "found mpp 0"),
        ({"mean": 0.5}, "found mean 0.5"),
        ({"checksums": []}, "found checksums [], wanted the SHA-256 of each file"),
        ({"test_sections": "testA"}, "found test_sections 'testA', wanted a list of sections that are there"),
        ({"test_sections": ["testB"]}, "found test_sections ['testB'], wanted a list"),
        ({"test_sections": [["testA"]]}, "found test_sections [['testA']], wanted a list"),
        ({"test_sections": []}, "found 'testA', wanted a section that test_sections names"),
    ],
)
def test_a_wrong_list(dataset_dir, change, message):
    write(dataset_dir, CONTENT | change)
    with pytest.raises(RequestError) as caught:
        datalist.read(dataset_dir)
    assert message in str(caught.value)


def test_no_list(tmp_path):
    with pytest.raises(RequestError, match=r"no datalist\.json there"):
        datalist.read(tmp_path / "nosuch")
    for text, message in (("{", "not JSON"), ("[]", "wanted an object"), ('{"name": "x"}', "'name' and 'training'")):
        (tmp_path / "datalist.json").write_text(text)
        with pytest.raises(RequestError, match=message):
            datalist.read(tmp_path)


def test_an_item_as_a_record():
    record = datalist.record_of({"image": "/d/images/c.png", "label": "/d/labels/c.png", "id": "c", "patient": "1"})
    assert (record.id, str(record.image), str(record.label)) == ("c", "/d/images/c.png", "/d/labels/c.png")
    assert datalist.record_of({"image": "/d/images/b.png", "id": "b"}).label is None
