"""The command line itself: help, usage errors, exit codes."""

import subprocess
import time

import pytest

import herald
from herald import FAILURE, OK, USAGE, herald as run

SUBCOMMANDS = ["node", "demo", "import", "export", "console", "verify",
               "simulate", "companion", "bench"]


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_every_subcommand_has_help_with_an_example(subcommand):
    start = time.perf_counter()
    done = run(subcommand, "--help")
    # Printed, not asserted: it should be below 50 ms.
    print(f"{subcommand} --help: {1000 * (time.perf_counter() - start):.0f} ms")
    assert (done.returncode, done.stderr) == (OK, "")
    assert "Example" in done.stdout
    assert f"herald {subcommand}" in done.stdout.split("Example", 1)[1]
    assert run(subcommand, "-h").returncode == OK


def test_the_program_lists_its_subcommands_and_exit_codes():
    done = run("--help")
    assert done.returncode == OK
    for subcommand in SUBCOMMANDS:
        assert f"\n  {subcommand} " in done.stdout
    for code in ("0 ok", "1 failure", "2 usage", "65", "74", "78"):
        assert code in done.stdout
    version = run("--version")
    assert (version.returncode, version.stdout[:7]) == (OK, "herald ")


@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["--nonsense"], ["node", "--nonsense"],
    ["node", "--listen"], ["import"], ["export"], ["export", "nonsense"],
    ["verify"], ["console"], ["bench"], ["bench", "nonsense"],
    ["simulate", "--speed", "fast"], ["companion", "--interval", "0"],
    ["demo", "--speed", "-1"],
], ids=" ".join)
def test_wrong_usage_exits_with_2_and_says_why(arguments, folder):
    done = run(*arguments, cwd=folder)
    assert done.returncode == USAGE
    assert done.stdout == ""
    assert done.stderr
    assert not list(folder.iterdir())


def test_output_to_a_closed_pipe_is_no_crash(node, games):
    herald.import_documents(node.url, games)
    export = subprocess.Popen(
        [herald.BINARY, "export", "events", "--topic", "match", "--node",
         node.url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    export.stdout.read(10)
    export.stdout.close()
    assert export.wait(herald.PATIENCE) not in (OK, -11, -6)


def test_output_to_a_full_disk_is_an_io_error(node, games):
    herald.import_documents(node.url, games)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [herald.BINARY, "export", "events", "--topic", "match", "--node",
             node.url], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == herald.IO
    assert done.stderr


def test_a_companion_without_a_game_says_so():
    done = run("companion", "--once", "--node", "http://127.0.0.1:9",
               "--live-client", "https://127.0.0.1:9")
    assert done.returncode == FAILURE
    assert done.stderr


def test_benchmarks_print_figures(folder, games):
    for arguments in (["generate"], ["import", "--documents", games]):
        done = run("bench", *arguments, "--seconds", "1", "--folder",
                   folder / arguments[0])
        assert done.returncode == OK, done.stderr
        print(done.stdout)
        assert any(letter.isdigit() for letter in done.stdout)
