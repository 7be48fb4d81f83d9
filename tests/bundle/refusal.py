"""How a command of MONAI's ends that is refused."""


def refused(done):
    """The one line that a refusal says."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2, done.stderr[-2000:]
    assert len(lines) == 1
    assert "Traceback" not in done.stderr
    return lines[0]
