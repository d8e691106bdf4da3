"""The page of a real node, looked at by a browser."""

import subprocess

import herald
from herald import Demo

PAGE_TESTS = herald.ROOT / "tests" / "page"


def test_a_live_game_is_seen_to_move_in_the_page(folder):
    if not (PAGE_TESTS / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund",
                        "--loglevel=error"], cwd=PAGE_TESTS, check=True)
    pictures = herald.ROOT / "build" / "results" / "page"
    with Demo(folder) as demo:
        done = subprocess.run(
            ["node", "live.mjs", demo.url + "/", pictures, "--seconds",
             str(herald.PATIENCE)],
            cwd=PAGE_TESTS, text=True, capture_output=True,
            timeout=herald.PATIENCE * 10)
        print(done.stdout)
        assert done.returncode == 0, done.stdout + done.stderr
        assert demo.stop() == herald.OK
