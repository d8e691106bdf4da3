"""Adds up what the runners of tools/test reported and prints the one line that
ends the run: "N passed, N failed, N skipped". Exits with 1 if anything failed,
or if something was skipped for want of the shared samples although they are
there to test with.
"""

import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared"


def status_of(results, runner):
    try:
        return int((results / f"{runner}.status").read_text())
    except (OSError, ValueError):
        return 1


def skips_of(output):
    """Catch2 knows no skipping: a test case that cannot run warns
    "skipped: WHY" and ends. What only another user may do is no fault."""
    reasons = re.findall(r"^\s*skipped: (.*)$", output, re.M)
    for reason in reasons:
        print(f"skipped: {reason}")
    return len(reasons), sum("only root" in reason for reason in reasons)


def count_catch2(results):
    """One ctest entry is one program; its last lines count its test cases."""
    passed = failed = skipped = excused = 0
    for program in xml.parse(results / "ctest.xml").getroot().iter("testcase"):
        output = program.findtext("system-out") or ""
        good = re.search(
            r"^All tests passed \(.* in (\d+) test cases?\)$", output, re.M)
        mixed = re.search(r"^test cases: .*$", output, re.M)
        if program.get("status") == "run" and good:
            passed += int(good.group(1))
        elif mixed:
            def number(word):
                found = re.search(rf"(\d+) {word}", mixed.group(0))
                return int(found.group(1)) if found else 0
            passed += number("passed")
            failed += max(number("failed"), 1)
        elif program.get("status") == "run":
            passed += 1
        else:
            print(f"{program.get('name')} did not come to its end")
            failed += 1
        left_out, fine = skips_of(output)
        passed -= left_out
        skipped += left_out
        excused += fine
    return passed, failed, skipped, excused


def count_pytest(results):
    passed = failed = skipped = 0
    for suite in xml.parse(results / "pytest.xml").getroot().iter("testsuite"):
        bad = int(suite.get("failures")) + int(suite.get("errors"))
        left_out = int(suite.get("skipped"))
        passed += int(suite.get("tests")) - bad - left_out
        failed += bad
        skipped += left_out
    return passed, failed, skipped, 0


def count_page(results):
    """Node's own test runner: "# pass 12" or, on a terminal, "i pass 12"."""
    text = (results / "page.log").read_text(errors="replace")

    def number(*words):
        return sum(int(found) for word in words for found in re.findall(
            rf"^\S+ {word} (\d+)\s*$", text, re.M))
    counts = number("pass"), number("fail", "cancelled"), number(
        "skipped", "todo"), 0
    if sum(counts) == 0:
        raise ValueError("no test ran")
    return counts


def count_fuzz(results):
    """The last line of tools/fuzz."""
    text = (results / "fuzz.log").read_text(errors="replace")
    targets, bad = re.search(
        r"^(\d+) targets, (\d+) with findings$", text, re.M).groups()
    return int(targets) - int(bad), int(bad), 0, 0


def main():
    results = Path(sys.argv[1])
    totals = [0, 0, 0, 0]
    runners = {"ctest": count_catch2, "pytest": count_pytest,
               "page": count_page, "fuzz": count_fuzz}
    for runner, count in runners.items():
        try:
            counts = count(results)
        except (OSError, ValueError, TypeError, AttributeError,
                xml.ParseError) as problem:
            print(f"{runner}: no counts ({problem})")
            counts = 0, 0, 0, 0
        # A runner that ended badly is never counted as a clean one.
        if status_of(results, runner) != 0 and counts[1] == 0:
            counts = counts[0], 1, *counts[2:]
        print("{}: {} passed, {} failed, {} skipped".format(
            runner, *counts[:3]))
        totals = [sum(pair) for pair in zip(totals, counts)]
    passed, failed, skipped, excused = totals
    missing = skipped > excused and SHARED.is_dir()
    if missing:
        print("the shared samples are here, so nothing may be skipped")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    good = passed and not failed and not missing
    return 0 if good else 1


sys.exit(main())
