"""A disk that may not be written: a clear message and the right exit code."""

import subprocess

import pytest

import herald
from herald import IO, OK, herald as run, import_documents, without_override

NODE = ("--listen", "127.0.0.1:0", "--kafka", "127.0.0.1:0")


@pytest.fixture
def stopped(start_node, games):
    node = start_node()
    import_documents(node.url, games)
    assert node.stop() == OK
    return node.data


@pytest.fixture
def read_only(stopped):
    """The folder of a stopped node on a medium that is only read."""
    for arguments in (["--bind", stopped, stopped],
                      ["-o", "remount,bind,ro", stopped]):
        done = subprocess.run(["mount", *arguments], capture_output=True)
        if done.returncode:
            pytest.skip("skipped: mounting a folder again needs root")
    yield stopped
    subprocess.run(["umount", "-l", stopped], check=True)


def test_a_node_does_not_start_on_a_medium_that_is_only_read(
        read_only, folder):
    done = run("node", "--data", read_only, *NODE, cwd=folder)
    assert done.returncode == IO, done.stderr
    assert str(read_only) in done.stderr
    assert "Read-only file system" in done.stderr


def test_a_log_on_a_medium_that_is_only_read_is_verified(read_only):
    done = run("verify", read_only)
    assert done.returncode == OK, done.stdout + done.stderr
    assert "not compared: vault and views" in done.stdout
    assert "sound" in done.stdout


@pytest.mark.parametrize("part", [
    ".", "log", "log/data.mdb", "vault/data.mdb", "views/data.mdb", "lock"])
def test_lost_permissions_are_named(part, stopped, folder):
    place = stopped / part
    mode = place.stat().st_mode
    place.chmod(0)
    try:
        done = subprocess.run(
            without_override("node", "--data", stopped, *NODE), cwd=folder,
            text=True, capture_output=True, timeout=herald.PATIENCE)
    finally:
        place.chmod(mode)
    if done.returncode == OK or "fchmod" in done.stderr:
        pytest.skip("skipped: this user may read everything")
    assert done.returncode == IO, (done.returncode, done.stderr)
    assert "ermission denied" in done.stderr, done.stderr
    assert str(stopped) in done.stderr
