"""A model takes and returns what it is given, equal to what the command writes for a file of the same pixels."""

import io

import imagecodecs
import numpy as np
import pytest
import torch
from einops import rearrange
from PIL import Image

import glmha_cli as glmha
from glmha_cli.errors import BadDataError, UsageError
from tests.cli.in_process import run_here

SIZE = (37, 50)


def noise(channels: int, dtype: type) -> np.ndarray:
    peak = np.iinfo(dtype).max
    samples = np.random.default_rng(channels).integers(0, peak, (*SIZE, channels), dtype, endpoint=True)
    return samples[..., 0] if channels == 1 else samples


KINDS = [(channels, dtype) for channels in (1, 2, 3, 4) for dtype in (np.uint8, np.uint16)]
PILLOW_KINDS = [kind for kind in KINDS if kind[1] is np.uint8 or kind[0] == 1]
"""Pillow has no colours of 16 bit."""


@pytest.fixture(scope="module", params=KINDS, ids=str)
def pair(request, tiny_models, tmp_path_factory):
    """Samples, and those of the file that `glmha derain` makes of a PNG of them."""
    samples, folder = noise(*request.param), tmp_path_factory.mktemp("files")
    (folder / "in.png").write_bytes(imagecodecs.png_encode(samples))
    done = run_here("derain", folder / "in.png", folder / "out.png", "--model", tiny_models["derain"])
    assert done.returncode == 0, done.stderr
    result = imagecodecs.png_decode((folder / "out.png").read_bytes())
    assert result.shape == samples.shape and (result != samples).any()
    return samples, result


def same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype and found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


def test_numpy(derain, pair):
    samples, expected = pair
    before = samples.copy()
    same(derain(samples), expected)
    same(samples, before)


def test_gray_with_an_axis_of_channels(derain):
    same(derain(noise(1, np.uint8)[..., None]), derain(noise(1, np.uint8))[..., None])


def test_torch_and_a_batch_of_it(derain, pair):
    samples, expected = pair
    tensor = torch.from_numpy(rearrange(np.atleast_3d(samples), "h w c -> c h w").copy())
    result = derain(tensor)
    assert result.dtype == tensor.dtype and result.shape == tensor.shape
    same(rearrange(result, "c h w -> h w c").numpy(), np.atleast_3d(expected))
    batch = derain(torch.stack([tensor, tensor.flip(1)]))
    assert torch.equal(batch[0], result) and torch.equal(batch[1], derain(tensor.flip(1)))


@pytest.mark.parametrize("pair", PILLOW_KINDS, indirect=True, ids=str)
def test_pillow(derain, pair):
    samples, expected = pair
    image = Image.fromarray(samples)
    image.info["dpi"] = (300, 300)
    result = derain(image)
    assert result.mode == image.mode and result.info == image.info
    same(np.asarray(result), expected)


def test_a_photo_of_a_file(derain, pair, tmp_path):
    samples, expected = pair
    (tmp_path / "in.png").write_bytes(imagecodecs.png_encode(samples))
    assert glmha.write_photo(str(tmp_path / "out.png"), derain(glmha.read_photo(str(tmp_path / "in.png")))) == []
    same(imagecodecs.png_decode((tmp_path / "out.png").read_bytes()), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_floats(derain, channels, dtype):
    """As 16 bit to within a step of 16 bit, or of float16."""
    samples = noise(channels, np.uint16)
    found = derain((samples / 65535).astype(dtype))
    assert found.dtype == dtype and found.shape == samples.shape
    step = 1e-3 if dtype is np.float16 else 2e-5
    np.testing.assert_allclose(found, derain(samples) / 65535, atol=step)


def test_alpha_is_not_looked_at(derain):
    image = np.full((*SIZE, 4), 0.5)
    image[..., 3] = np.random.default_rng(0).normal(size=SIZE)
    same(derain(image)[..., 3], image[..., 3])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_tensors_of_floats_keep_their_type_and_take_no_gradient(derain, dtype):
    tensor = torch.rand(1, 3, *SIZE, dtype=dtype, requires_grad=True)
    result = derain(tensor)
    assert result.dtype == dtype and not result.requires_grad
    torch.testing.assert_close(result.float(), derain(tensor.detach().float()), atol=1e-2, rtol=0)


@pytest.mark.parametrize("view", ["reversed", "swapped bytes", "read only", "subclass"])
def test_arrays_of_any_layout(derain, view):
    samples = noise(3, np.uint16)
    odd = {
        "reversed": samples[::-1, ::-1][::-1, ::-1],
        "swapped bytes": samples.astype(samples.dtype.newbyteorder(">")),
        "read only": np.frombuffer(samples.tobytes(), np.uint16).reshape(samples.shape),
        "subclass": samples.view(type("Annotated", (np.ndarray,), {})),
    }[view]
    result = derain(odd)
    assert result.dtype == odd.dtype
    np.testing.assert_array_equal(result, derain(samples))


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_is_a_gray_image(derain):
    samples = noise(1, np.uint8)
    result = derain(np.asmatrix(samples))
    assert result.shape == SIZE
    np.testing.assert_array_equal(result, derain(samples))


@pytest.mark.parametrize(
    ("mode", "restored"),
    [("1", "L"), ("P", "RGB"), ("PA", "RGBA"), ("RGBX", "RGB"), ("YCbCr", "RGB"), ("F", "F"), ("I;16B", "I;16B")],
)
def test_modes_of_pillow(derain, mode, restored):
    assert derain(Image.new(mode, SIZE)).mode == restored


def test_what_pillow_cannot_read_is_refused_as_any_image(derain):
    content = io.BytesIO()
    Image.fromarray(noise(3, np.uint8)).save(content, "PNG")
    closed = Image.open(io.BytesIO(content.getvalue()))
    closed.load()
    closed.close()
    for image in (Image.open(io.BytesIO(content.getvalue()[:-500])), closed):
        with pytest.raises(BadDataError, match="cannot be read"):
            derain(image)


def test_a_hint_cuts_no_values_off(derain):
    """To RGB, Pillow cuts numbers of 32 bit off at 255."""
    with pytest.raises(BadDataError) as caught:
        derain(Image.new("I", SIZE, 40000))
    assert "'I;16'" in caught.value.hint and Image.new("I", SIZE, 40000).convert("I;16").getpixel((0, 0)) == 40000


def test_a_transparent_colour_becomes_alpha_as_in_a_file(derain):
    image = Image.new("P", SIZE)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((3, 4), 1)
    image.info["transparency"] = 0
    result = derain(image)
    assert result.mode == "RGBA" and result.getpixel((0, 0))[3] == 0 and result.getpixel((3, 4))[3] == 255


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((3, 20, 30)),
        np.zeros((20, 30, 5)),
        np.zeros((2, 20, 30, 3)),
        np.zeros(20),
        np.zeros((0, 30, 3)),
        np.zeros((20, 30, 0)),
        np.zeros((20, 30), np.int64),
        np.zeros((20, 30), bool),
        np.zeros((20, 30), np.complex64),
        np.zeros((20, 30), object),
        np.full((20, 30), np.nan),
        np.full((20, 30), np.inf),
        np.full((20, 30), 255.0),
        np.full((20, 30), -0.1),
        np.ma.masked_equal(np.eye(20, 30), 1),
        torch.zeros(20, 30),
        torch.zeros(20, 30, 3),
        torch.zeros(0, 3, 20, 30),
        torch.zeros(3, 20, 30, dtype=torch.int32),
        torch.full((3, 20, 30), float("nan")),
        torch.full((3, 20, 30), 1.5),
        Image.new("CMYK", SIZE),
        Image.new("I", SIZE),
        Image.new("L", (0, 3)),
        [[0.5]],
        None,
        "photo.png",
    ],
    ids=lambda image: f"{type(image).__name__} {getattr(image, 'shape', '')} {getattr(image, 'dtype', '')}",
)
def test_what_is_no_image_is_refused_with_what_is_one(derain, image):
    with pytest.raises(ValueError) as caught:
        derain(image)
    assert isinstance(caught.value, BadDataError) and caught.value.hint
    assert "\n" not in caught.value.message


def test_channels_first_in_numpy_says_how_to_turn_them(derain):
    with pytest.raises(ValueError, match="shape") as caught:
        derain(np.zeros((3, 20, 30)))
    assert "moveaxis" in caught.value.hint


def test_an_error_names_the_value_that_is_too_large_by_rounding(derain):
    image = np.full((8, 8, 3), np.nextafter(np.float32(1), np.float32(2)))
    with pytest.raises(BadDataError, match="to 1.0000001;"):
        derain(image)


def test_what_an_image_is_to_be_like_is_a_photo(tmp_path):
    with pytest.raises(UsageError, match="not str"):
        glmha.write_photo(tmp_path / "out.png", noise(3, np.uint8), like="in.png")


def test_an_image_keeps_its_own_alpha_beside_what_it_is_to_be_like(tmp_path):
    like = glmha.Photo(colours=noise(3, np.uint16), bit_depth=16, alpha=noise(1, np.uint16))
    image = noise(4, np.uint8)
    assert glmha.write_photo(tmp_path / "own.png", image, like=like) == []
    same(imagecodecs.png_decode((tmp_path / "own.png").read_bytes()), image.astype(np.uint16) * 257)
    assert glmha.write_photo(tmp_path / "theirs.png", image[..., :3], like=like) == []
    same(imagecodecs.png_decode((tmp_path / "theirs.png").read_bytes())[..., 3], like.alpha)


def test_an_alpha_that_cannot_be_written_is_refused(tmp_path):
    whole, image = np.ones((*SIZE, 4)), np.ones((*SIZE, 4))
    image[0, 0, 3] = np.nan
    like = glmha.Photo(colours=noise(3, np.uint8), bit_depth=8, alpha=noise(1, np.uint8))
    for pixels, other in ((image, None), (whole[1:, :, :3], like)):
        with pytest.raises(BadDataError, match="alpha"):
            glmha.write_photo(tmp_path / "out.tif", pixels, like=other)
    assert not list(tmp_path.iterdir())
