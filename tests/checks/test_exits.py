import signal
import subprocess
import sys
import time

import pytest

from custom import checks


def run_script(tmp_path, body, stop=None):
    """A process that looks like MONAI's command without its start; `stop` is sent to it once it has printed a line."""
    script = tmp_path / "monai" / "bundle" / "__main__.py"
    script.parent.mkdir(parents=True)
    script.write_text(f"from custom import checks\nchecks.one_line_errors()\n{body}\n")
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    if stop:
        process.stdout.readline()
        process.send_signal(stop)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


WRAPPED = """
try:
    try:
        raise checks.RequestError("a.png: found nothing, wanted an image")
    except checks.RequestError as error:
        raise RuntimeError("Failed to evaluate") from error
except RuntimeError:
    {again}
"""


@pytest.mark.parametrize("again", ["raise", "raise KeyError('during handling')", "1 / 0"])
def test_a_request_error_however_deep_is_one_line_and_status_2(tmp_path, again):
    assert run_script(tmp_path, WRAPPED.format(again=again)) == (
        2,
        "",
        "error: a.png: found nothing, wanted an image\n",
    )


def test_a_request_error_that_a_worker_process_handed_over_as_text(tmp_path):
    line = "custom.checks.errors.RequestError: a.png is broken"
    body = f"raise RuntimeError('Caught in worker 0.\\nTraceback:\\n  x\\n{line}\\n')"
    assert run_script(tmp_path, body) == (2, "", "error: a.png is broken\n")


def test_other_errors_keep_their_traceback(tmp_path):
    status, _, err = run_script(tmp_path, "raise KeyError('x')")
    assert status == 1
    assert err.startswith("Traceback")
    assert err.endswith("KeyError: 'x'\n")


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_being_stopped(tmp_path, stop, status):
    body = """
import time
try:
    print("ready", flush=True)
    time.sleep(30)
finally:
    print("cleaned up")
"""
    begin = time.monotonic()
    got, out, err = run_script(tmp_path, body, stop)
    assert (got, out) == (status, "cleaned up\n")
    assert "Traceback" not in err
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("argv", [["/x/bin/pytest", "run"], ["monailabel", "start_server"]])
def test_processes_that_are_no_command_keep_their_own_handling(monkeypatch, argv):
    hook, handler = sys.excepthook, signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(sys, "argv", argv)
    checks.one_line_errors()
    assert (sys.excepthook, signal.getsignal(signal.SIGTERM)) == (hook, handler)


def test_a_batch_that_failed_in_part_ends_with_status_one(monkeypatch):
    monkeypatch.setattr("sys.argv", ["somewhere/monai/bundle/__main__.py", "run"])
    checks.partial([])
    with pytest.raises(SystemExit) as ended:
        checks.partial(["a.png"])
    assert ended.value.code == 1


def test_a_server_is_never_ended(monkeypatch):
    monkeypatch.setattr("sys.argv", ["monailabel", "start_server"])
    checks.partial(["a.png"])
