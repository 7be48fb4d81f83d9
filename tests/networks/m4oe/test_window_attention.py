import pytest
import torch
from monai.networks.nets import swin_unetr

from custom.networks.m4oe.window_attention import WindowAttention


def make(window, shift, channels=8, heads=2):
    torch.manual_seed(0)
    attention = WindowAttention(channels, heads, window, shift)
    torch.nn.init.normal_(attention.relative_position_bias)  # so that a wrong offset shows
    return attention


def places(size, window, shift):
    """Of each token along one axis: its window, counted as they lie after the shift, and whether it came round."""
    side = min(window, size)
    shift = shift if size > window else 0
    padded = -(-size // side) * side
    return [((place - shift) % padded // side, place < shift) for place in range(size)]


def oracle(attention, x):
    """Attention of every token to every other, of which all but its window are forbidden. There is no padding."""
    images, height, width, channels = x.shape
    heads, window = attention.heads, attention.window
    rows, columns = places(height, window, attention.shift), places(width, window, attention.shift)
    tokens = [(row, column) for row in range(height) for column in range(width)]
    scores = torch.full((heads, len(tokens), len(tokens)), float("-inf"))
    for one, (row, column) in enumerate(tokens):
        for other, (row2, column2) in enumerate(tokens):
            if rows[row] == rows[row2] and columns[column] == columns[column2]:
                place = (row - row2 + window - 1) * (2 * window - 1) + column - column2 + window - 1
                scores[:, one, other] = attention.relative_position_bias[place]
    qkv = attention.qkv(x).view(images, len(tokens), 3, heads, channels // heads)
    query, key, value = (qkv[:, :, part].transpose(1, 2) for part in range(3))
    weights = (query @ key.transpose(2, 3) / (channels // heads) ** 0.5 + scores).softmax(-1)
    return attention.proj((weights @ value).transpose(1, 2).reshape(x.shape))


@pytest.mark.parametrize(
    ("height", "width"),
    [
        (8, 12),  # whole windows
        (7, 9),  # padded
        (3, 2),  # one window, smaller than a full one
        (4, 4),  # one full window
        (3, 10),  # smaller along one axis, padded and shifted along the other
        (1, 1),
        (5, 6),  # the shift brings round more than the last window holds of the map
    ],
)
@pytest.mark.parametrize("shift", [0, 2, 3])
@torch.no_grad()
def test_every_map_against_a_naive_oracle(height, width, shift):
    attention, x = make(4, shift), torch.randn(2, height, width, 8)
    torch.testing.assert_close(attention(x), oracle(attention, x))


@pytest.mark.parametrize(("height", "width", "window"), [(8, 12, 4), (14, 7, 7), (10, 15, 5)])
@pytest.mark.parametrize("shifted", [False, True])
@torch.no_grad()
def test_where_monai_is_right_it_says_the_same(height, width, window, shifted):
    """Maps of whole windows, not smaller than one."""
    shift = window // 2 if shifted else 0
    attention, x = make(window, shift), torch.randn(3, height, width, 8)
    theirs = swin_unetr.WindowAttention(8, 2, (window, window), qkv_bias=True)
    theirs.qkv.load_state_dict(attention.qkv.state_dict())
    theirs.proj.load_state_dict(attention.proj.state_dict())
    theirs.relative_position_bias_table.copy_(attention.relative_position_bias)
    size, shifts = swin_unetr.get_window_size((height, width), (window, window), (shift, shift))
    rolled = torch.roll(x, [-one for one in shifts], (1, 2))
    mask = swin_unetr.compute_mask([height, width], size, shifts, "cpu") if any(shifts) else None
    attended = theirs(swin_unetr.window_partition(rolled, size), mask).view(-1, *size, 8)
    expected = torch.roll(swin_unetr.window_reverse(attended, size, [3, height, width]), shifts, (1, 2))
    torch.testing.assert_close(attention(x), expected)


@pytest.mark.parametrize("shift", [0, 2])
def test_a_token_sees_its_window_and_nothing_else(shift):
    """What reaches the output of one token, by its gradient: 5 x 6 tokens, windows of 4."""
    attention, x = make(4, shift), torch.randn(1, 5, 6, 8, requires_grad=True)
    attention(x)[0, 4, 1].sum().backward()
    seen = x.grad[0].abs().sum(-1) > 0
    expected = torch.zeros(5, 6, dtype=torch.bool)
    if shift:
        expected[2:, :2] = True  # rows 2 to 5; columns 0 and 1 came round and are strangers to what they came to
    else:
        expected[4:, :4] = True
    assert torch.equal(seen, expected)


@pytest.mark.parametrize("shift", [0, 2])
def test_scripts(shift):
    attention = make(4, shift)
    scripted = torch.jit.script(attention)
    for size in ((7, 9), (2, 3), (8, 8)):
        x = torch.randn(2, *size, 8)
        torch.testing.assert_close(scripted(x), attention(x))


def test_all_bfloat16_under_autocast():
    attention, x = make(4, 2, channels=32), torch.randn(2, 7, 9, 32)
    with torch.autocast("cpu", torch.bfloat16):
        output = attention(x)
    assert output.dtype == torch.bfloat16
    torch.testing.assert_close(output.float(), attention(x), atol=0.03, rtol=0.05)


def test_the_learned_bias_learns():
    attention = make(4, 2)
    attention(torch.randn(1, 8, 8, 8)).square().sum().backward()
    assert (attention.relative_position_bias.grad != 0).all()


def test_channels_that_the_heads_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="got 8 and 3"):
        WindowAttention(8, 3, 4, 0)
