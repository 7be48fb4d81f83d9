"""One reader: what a file is called, what it states, and what is refused; MONAI's loader gets the same."""

import gzip

import nibabel as nib
import numpy as np
import pytest
from monai.transforms import LoadImage
from PIL import Image

from custom.checks import RequestError
from custom.data.record import Record
from custom.data.source_file import SourceFile
from custom.data.volumes.decode import decode
from custom.data.volumes.files import load_volumes
from custom.data.volumes.reader import VolumeReader

VALUES = np.random.default_rng(0).integers(0, 200, (8, 7, 5)).astype(np.int16)


def write(path, values=VALUES, steps=(1.0, 1.0, 3.0), unit="mm"):
    image = nib.Nifti1Image(values, np.diag([*steps, 1.0]))
    image.set_qform(image.affine, 1)
    image.header.set_xyzt_units(unit)
    nib.save(image, path)
    return path


def test_content_tells_what_is_compressed(tmp_path):
    plain = write(tmp_path / "a.nii").read_bytes()
    for name, content in (("b.nii.gz", plain), ("c.nii", gzip.compress(plain)), ("D.Nii.Gz", gzip.compress(plain))):
        (tmp_path / name).write_bytes(content)
        assert np.array_equal(decode(SourceFile(tmp_path / name), (1, 1)).values, VALUES)


@pytest.mark.parametrize("shape", [(8, 7, 5, 1), (8, 7, 5, 1, 1)])
def test_a_last_axis_of_one_frame_says_nothing(tmp_path, shape):
    path = write(tmp_path / "a.nii.gz", VALUES.reshape(shape))
    assert np.array_equal(decode(SourceFile(path), (1, 1)).values, VALUES)


def test_units_are_read_and_absurd_sizes_refused(tmp_path):
    micron = write(tmp_path / "a.nii", steps=(1000, 1000, 3000), unit="micron")
    assert decode(SourceFile(micron), (1, 1)).spacing == pytest.approx((1, 1, 3))
    for steps in ((400, 400, 400), (1e-4, 1, 1), (1, 1, 700)):
        with pytest.raises(RequestError, match=r"wanted 0\.001 to 100 mm a voxel and at most 3 m in all"):
            decode(SourceFile(write(tmp_path / "b.nii", steps=steps)), (1, 1))


def test_slices_that_would_fill_the_memory_are_refused(tmp_path):
    path = write(tmp_path / "a.nii", steps=(5, 5, 12))
    # 40 mm at 0.01 mm: 4000 pixels
    with pytest.raises(RequestError, match=r"slices of 4000 x 3500 pixels at 0\.01 x 0\.01 mm, wanted at most 4194304"):
        load_volumes(Record("a", "", SourceFile(path), None), [], (0.01, 0.01))


def test_a_label_that_a_slope_rounded_is_read(tmp_path):
    ids = np.where(VALUES > 100, 2.9999998, 0).astype(np.float32)
    found = decode(SourceFile(write(tmp_path / "a.nii", ids)), (1, 1), is_label=True).values
    assert np.array_equal(found, np.where(VALUES > 100, 3, 0))
    with pytest.raises(RequestError, match=r"found the value 2\.75, wanted whole numbers"):
        decode(SourceFile(write(tmp_path / "b.nii", ids * 0 + 2.75)), (1, 1), is_label=True)


@pytest.mark.parametrize("kind", ["png", "tif", "webp", "bmp", "jpg"])
def test_a_picture_of_any_kind_is_read_and_one_that_is_turned_is_not(tmp_path, kind):
    path, grey = tmp_path / f"a.{kind}", Image.fromarray(np.full((6, 9), 77, np.uint8))
    grey.save(path, **({"lossless": True} if kind == "webp" else {}))
    assert np.all(decode(SourceFile(path), (1, 1)).values == 77)
    assert LoadImage(VolumeReader(), ensure_channel_first=True)(path).shape == (1, 9, 6)
    if kind in ("png", "jpg", "tif", "webp"):
        tags = Image.Exif()
        for turn in (0, 6):
            tags[274] = turn
            grey.save(path, exif=tags)
            if turn:
                with pytest.raises(RequestError, match="found the orientation tag 6, wanted an image that is saved up"):
                    decode(SourceFile(path), (1, 1))
            else:
                decode(SourceFile(path), (1, 1))


@pytest.mark.parametrize(
    "content", [b"", b"ObjectType = Image", b"\x1f\x8b broken", b"\x5c\x01\x00\x00" + b"\xff" * 400]
)
def test_what_is_no_volume_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(content)
    with pytest.raises(RequestError) as caught:
        decode(SourceFile(path), (1, 1))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_loader_gets_what_the_check_saw(tmp_path):
    image = nib.Nifti1Image(VALUES.astype(np.float32), np.diag([1.0, 1.0, 1.0, 1.0]))
    image.set_qform(np.diag([-1.5, 1.5, 8.0, 1.0]), 1)
    image.set_sform(np.eye(4), 1)
    nib.save(image, tmp_path / "a.nii.gz")
    volume = decode(SourceFile(tmp_path / "a.nii.gz"), (1, 1))
    loaded = LoadImage(VolumeReader(), ensure_channel_first=True)(tmp_path / "a.nii.gz")
    assert np.array_equal(loaded[0].numpy(), volume.values)
    assert np.allclose(loaded.affine.numpy(), np.diag([-1.5, 1.5, 8, 1]))
    assert np.array_equal(loaded.affine.numpy(), volume.affine)


def test_the_same_volume_in_another_form_has_the_same_digest(tmp_path):
    def digest(path):
        return load_volumes(Record("a", "", SourceFile(path), None), [], (1, 1)).digest

    one = digest(write(tmp_path / "a.nii.gz"))
    assert digest(write(tmp_path / "b.nii", VALUES.astype(np.float64))) == one
    turned = nib.load(tmp_path / "a.nii.gz").as_reoriented(np.array([[1, -1], [0, 1], [2, -1]]))
    nib.save(turned, tmp_path / "c.nii")
    assert digest(tmp_path / "c.nii") == one
    assert digest(write(tmp_path / "d.nii", VALUES[::-1])) != one
