import gzip
import zipfile

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from custom.checks import RequestError
from custom.data.record import Record
from custom.data.source_file import SourceFile
from custom.data.volumes.files import Volume, count_ids, is_picture, load_volumes

SPACING = (1.5, 1.5)


def record(image, label=None):
    return Record("x", "training", SourceFile(image), None if label is None else SourceFile(label))


@pytest.fixture
def pair(tmp_path, write_pair):
    """Paths of an image and its label, which holds the ids 1 and 8."""
    paths = tmp_path / "image.nii.gz", tmp_path / "label.nii.gz"
    write_pair(*paths, [1, 8])
    return paths


def refused(image, label=None, labels=(1, 8)):
    with pytest.raises(RequestError) as error:
        load_volumes(record(image, label), labels, SPACING)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_pair_is_read_as_it_is(tmp_path, write_pair):
    image, label = tmp_path / "a.nii", tmp_path / "b.nii.gz"
    affine = np.array([[0, 0, 5.0, -7], [-2.0, 0, 0, 3], [0, 1.5, 0, 9], [0, 0, 0, 1]])
    values, marked = write_pair(image, label, [3], affine=affine)
    loaded = load_volumes(record(image, label), [3], SPACING)
    assert np.array_equal(loaded.image.values, values)
    assert np.array_equal(loaded.label.values, marked)
    assert np.allclose(loaded.image.affine, affine)
    # The columns of the affine have the lengths 2, 1.5 and 5.
    assert np.allclose(loaded.image.spacing, (2, 1.5, 5))
    (note,) = loaded.image.notes  # of 5 mm from left to right
    assert "follow each other left to right" in note


def test_an_unlabelled_volume(pair):
    assert load_volumes(record(pair[0]), [1], SPACING).label is None


def test_a_volume_within_a_zip(tmp_path, pair):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in pair:
            archive.write(path, f"top/{path.name}")
    files = [SourceFile(tmp_path / "all.zip", f"top/{path.name}") for path in pair]
    zipped = load_volumes(Record("x", "training", *files), [1, 8], SPACING)
    plain = load_volumes(record(*pair), [1, 8], SPACING)
    assert np.array_equal(zipped.label.values, plain.label.values)
    assert zipped.digest == plain.digest


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16, np.uint8])
def test_labels_of_any_type_become_whole_numbers(tmp_path, pair, write_volume, kind):
    ids = np.asarray(nib.load(pair[1]).dataobj)
    write_volume(tmp_path / "other.nii.gz", ids.astype(kind))
    found = load_volumes(record(pair[0], tmp_path / "other.nii.gz"), [1, 8], SPACING).label.values
    assert found.dtype.kind in "iu"
    assert np.array_equal(found, ids)


def test_a_value_that_is_not_declared_is_named_with_its_file(pair):
    # Id 8 fills 2 x 6 x 2 voxels.
    message = refused(*pair, labels=[1, 2])
    assert message == f"{pair[1]}: found the value 8 in 24 voxels, wanted the declared ids 0, 1, 2"
    message = refused(*pair, labels=[2])
    assert message == f"{pair[1]}: found the value 1 in 24 voxels and 1 other values, wanted the declared ids 0, 2"


@pytest.mark.parametrize(("odd", "said"), [(0.5, "0.5"), (np.nan, "nan"), (np.inf, "inf"), (3e9, "3e+09")])
def test_a_value_that_is_no_id_is_named(tmp_path, pair, write_volume, odd, said):
    ids = np.asarray(nib.load(pair[1]).dataobj).astype(np.float32)
    ids[3, 3, 3] = odd
    write_volume(pair[1], ids)
    assert refused(*pair) == f"{pair[1]}: found the value {said}, wanted whole numbers as ids"


def test_a_label_of_another_size_is_refused(pair, write_volume):
    write_volume(pair[1], np.zeros((12, 10, 5), np.uint8))
    assert refused(*pair) == f"{pair[1]}: found 12 x 10 x 5 voxels, wanted 12 x 10 x 4 as {pair[0]} has"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # 12 voxels of 2 mm, mirrored about the first one: the far corner goes from 22 mm to -22 mm.
        ([(0, 0, -2.0)], r"axes LAS, 2 x 2 x 5 mm, the first voxel at (0.00, 0.00, 0.00)"),
        ([(0, 3, 1.0)], r"the first voxel at (1.00, 0.00, 0.00), wanted axes RAS"),
        ([(2, 2, 5.5)], r"2 x 2 x 5.5 mm"),
    ],
)
def test_a_label_at_another_place_is_refused(pair, write_volume, change, said):
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    for row, column, value in change:
        affine[row, column] = value
    write_volume(pair[1], np.zeros((12, 10, 4), np.uint8), affine)
    message = refused(*pair)
    assert message.startswith(f"{pair[1]}: found axes ")
    assert said in message
    assert f"as {pair[0]} has (" in message


def test_headers_may_be_rounded(pair, write_volume):
    affine = np.diag([2.005, 2.0, 5.0, 1.0])  # 11 voxels of 0.005 mm: 0.055 mm, under a tenth of 2 mm
    write_volume(pair[1], np.ones((12, 10, 4), np.uint8), affine)
    assert load_volumes(record(*pair), [1], SPACING).label is not None


def test_what_is_broken_is_named(tmp_path, pair):
    whole = pair[0].read_bytes()
    pair[0].write_bytes(whole[: len(whole) // 2])
    assert refused(pair[0]).startswith(f"{pair[0]}: broken or truncated (")
    pair[0].write_bytes(gzip.compress(gzip.decompress(whole)[:-10]))
    assert refused(pair[0]).startswith(f"{pair[0]}: broken or truncated volume (")
    pair[0].write_bytes(b"no gzip")
    assert str(pair[0]) in refused(pair[0])
    pair[0].write_bytes(gzip.compress(b"no header" * 99))
    assert refused(pair[0]) == f"{pair[0]}: not a NIfTI volume, wanted one that starts with its header"
    pair[0].write_bytes(b"")
    assert str(pair[0]) in refused(pair[0])
    assert refused(tmp_path / "nosuch.nii").startswith(f"{tmp_path / 'nosuch.nii'}: cannot be read (No such file")


@pytest.mark.parametrize("shape", [(4, 5, 3, 2), (4, 5, 1, 3), (4, 5)])
def test_only_three_axes_are_a_volume(tmp_path, write_volume, shape):
    path = write_volume(tmp_path / "a.nii.gz", np.zeros(shape, np.int16))
    assert refused(path).startswith(f"{path}: found {' x '.join(map(str, shape))} voxels, wanted three axes")


def test_colours_are_no_volume(tmp_path, write_volume):
    rgb = np.zeros((3, 3, 3), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    assert "wanted one number each" in refused(write_volume(tmp_path / "a.nii", rgb))


def test_voxels_that_are_no_numbers_are_the_lowest_and_noted(tmp_path, write_volume):
    values = np.arange(27, dtype=np.float64).reshape(3, 3, 3) - 5
    values[0, 0] = np.nan, np.inf, 1e300
    image = load_volumes(record(write_volume(tmp_path / "a.nii", values)), [], SPACING).image
    # -5, -4 and -3 are gone, so -2 is the lowest
    assert image.values[0, 0].tolist() == [-2, -2, -2]
    assert np.array_equal(image.values[1:], values[1:])
    assert image.notes == ("some voxels are no numbers: the lowest value was taken for them",)
    path = write_volume(tmp_path / "b.nii", np.full((3, 3, 3), np.nan))
    assert refused(path) == f"{path}: found no voxel that is a number, wanted a volume"


def test_an_affine_that_says_nothing_is_refused(tmp_path):
    image = nib.Nifti1Image(np.zeros((3, 3, 3), np.int16), None)
    image.header.set_sform(np.zeros((4, 4)), 1)
    image.to_filename(tmp_path / "a.nii")
    assert "wanted one that can be inverted" in refused(tmp_path / "a.nii")


def test_a_header_without_an_orientation_is_noted(tmp_path):
    image = nib.Nifti1Image(np.zeros((3, 3, 3), np.int16), None)
    assert (image.header["sform_code"], image.header["qform_code"]) == (0, 0)
    nib.save(image, tmp_path / "a.nii")
    (note,) = load_volumes(record(tmp_path / "a.nii"), [], SPACING).image.notes
    assert "left and right are a guess" in note


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("endianness", ["<", ">"])
def test_both_versions_in_both_byte_orders(tmp_path, kind, endianness):
    values = np.arange(24).reshape(2, 3, 4).astype(np.int16)
    header = kind.header_class(endianness=endianness)
    header.set_data_dtype(np.int16)
    nib.save(kind(values, np.eye(4), header), tmp_path / "a.nii.gz")
    assert np.array_equal(load_volumes(record(tmp_path / "a.nii.gz"), [], SPACING).image.values, values)


def test_the_headers_slope_is_applied(tmp_path):
    image = nib.Nifti1Image(np.array([[[-100.0, 300.0]]]), np.eye(4))
    image.set_data_dtype(np.uint8)
    nib.save(image, tmp_path / "a.nii")  # nibabel finds slope and intercept
    values = load_volumes(record(tmp_path / "a.nii"), [], SPACING).image.values
    assert np.allclose(values.ravel(), [-100, 300], atol=1)
    assert values.dtype == np.float32


def test_a_picture_is_a_slice(tmp_path):
    grey = np.arange(12, dtype=np.uint16).reshape(3, 4) * 1000  # h 3, w 4
    ids = np.zeros((3, 4), np.uint8)
    ids[0, 3] = 2
    Image.fromarray(grey).save(tmp_path / "a.png")
    Image.fromarray(ids).save(tmp_path / "b.png")
    one = record(tmp_path / "a.png", tmp_path / "b.png")
    pair = load_volumes(one, [2], (1.5, 2.0))
    assert is_picture(one)
    assert pair.image.values.shape == (4, 3, 1)
    assert pair.image.values[3, 0, 0] == 3000
    assert np.argwhere(pair.label.values).tolist() == [[3, 0, 0]]
    # Shown as radiologists see it: the first column is the patient's right, the first row the front.
    assert nib.aff2axcodes(pair.image.affine)[:2] == ("L", "P")
    assert pair.image.spacing == (1.5, 2.0, 1.0)


def test_a_picture_in_black_and_white_and_one_in_colours(tmp_path):
    Image.fromarray(np.eye(3, dtype=bool)).save(tmp_path / "a.png")
    assert load_volumes(record(tmp_path / "a.png"), [], SPACING).image.values.dtype == np.uint8
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (3, 3, 3), np.uint8)).save(tmp_path / "b.png")
    assert refused(tmp_path / "b.png") == f"{tmp_path / 'b.png'}: found the colour model RGB, wanted a grey picture"


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR", "SLA", "AIL"])
def test_upright_puts_every_voxel_back_where_it_was(axes):
    values = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    affine = np.array([[2.0, 0, 0, -5], [0, 3, 0, 1], [0, 0, 4, 7], [0, 0, 0, 1]])
    turn = nib.orientations.ornt_transform(
        nib.orientations.io_orientation(affine), nib.orientations.axcodes2ornt(tuple(axes))
    )
    turned = nib.Nifti1Image(values.astype(np.int16), affine).as_reoriented(turn)
    upright = Volume(np.asarray(turned.dataobj), turned.affine).upright()
    assert np.array_equal(upright.values, values)
    assert np.allclose(upright.affine, affine)


def test_the_digest_knows_the_voxels_alone(tmp_path, write_volume):
    values = np.arange(24).reshape(2, 3, 4).astype(np.int16)
    other = values.copy()
    other[0, 0, 0] += 1
    files = [
        write_volume(tmp_path / "a.nii.gz", values),
        write_volume(tmp_path / "b.nii", values, np.eye(4)),
        write_volume(tmp_path / "c.nii", other),
        write_volume(tmp_path / "d.nii", values.reshape(4, 3, 2)),
    ]
    digests = [load_volumes(record(path), [], SPACING).digest for path in files]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.int32, (3, 2, 2), elements=st.integers(-5, 70_000)))
def test_ids_are_counted_as_numpy_does(values):
    found, numbers = np.unique(values, return_counts=True)
    assert count_ids(values) == dict(zip(found.tolist(), numbers.tolist(), strict=True))
