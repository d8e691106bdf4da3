"""The page of a real node, looked at by a browser."""

import subprocess

import herald
from herald import Demo
from live_client import report

MATCH = "EUW1_4711"

PAGE_TESTS = herald.ROOT / "tests" / "page"


def install():
    if not (PAGE_TESTS / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund",
                        "--loglevel=error"], cwd=PAGE_TESTS, check=True)


def test_a_live_game_is_seen_to_move_in_the_page(folder):
    install()
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


def test_the_page_goes_on_after_the_node_was_killed(start_node):
    install()
    node = start_node()
    report(node, MATCH, 3)
    page = subprocess.Popen(
        ["node", "restart.mjs", f"{node.url}/#/match/{MATCH}"],
        cwd=PAGE_TESTS, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    try:
        def ask(line):
            page.stdin.write(line + "\n")
            page.stdin.flush()
            return page.stdout.readline().strip()

        first = page.stdout.readline().split()
        assert first[0] == "events"
        node.kill()
        assert ask("lost") == "ok"
        node = start_node(listen=f"{node.host}:{node.port}")
        report(node, MATCH, 5)
        shown = len(node.get(f"/v1/matches/{MATCH}")["state"]["feed"])
        assert shown > int(first[1])
        assert ask(f"events {shown}") == "ok"
        page.stdin.close()
        assert page.wait(timeout=60) == 0
    finally:
        page.kill()
