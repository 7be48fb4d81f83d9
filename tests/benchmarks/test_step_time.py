import re


def test_a_step_of_the_default_is_timed(script):
    printed = script("step_time", "--repeats", 1, "--settings", "default", "--precisions", "float32").splitlines()
    table = printed[-3:]
    assert table[0].startswith("| network | precision | seconds a step, median | range | (")
    assert table[1] == "|---|---|---|---|"
    median, low, high = re.fullmatch(r"\| default \| float32 \| ([\d.]+) \| ([\d.]+)-([\d.]+) \|", table[2]).groups()
    # of one round
    assert median == low == high
