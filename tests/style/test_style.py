"""The house style as tests: what a reviewer would otherwise say every time."""

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ["protocol", "engine", "actors", "tools"]

# T5 of the requirements, and what the build and licences ask for.
TOP_LEVEL = {
    "CMakeLists.txt", "engine", "actors", "protocol", "config.toml", "tests",
    "tools", "README.md", "CMakePresets.json", "NOTICE",
}

# Libraries that cost seconds in each file that sees them.
HEAVY = re.compile(
    r"^(boost/(asio|beast)|nlohmann/json\.hpp|simdjson\.h|msgpack\.hpp|"
    r"toml\+\+/|catch2/|CLI/|caf/all\.hpp|spdlog/spdlog\.h)")

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def tracked():
    """Every file of the tree that git would publish."""
    names = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"], capture_output=True, check=True).stdout
    files = [Path(name) for name in names.decode().split("\0") if name]
    return sorted(set(file for file in files if (ROOT / file).is_file()))


def sources(*suffixes, folders=(*LAYERS, "tests")):
    return [file for file in tracked()
            if file.suffix in suffixes and file.parts[0] in folders]


def includes(file):
    text = (ROOT / file).read_text()
    return [(kind, name) for kind, name in INCLUDE.findall(text)]


def text_files():
    for file in tracked():
        try:
            yield file, (ROOT / file).read_text()
        except UnicodeDecodeError:
            continue


def test_includes_point_one_way():
    """tools -> actors -> engine -> protocol."""
    wrong = []
    for file in sources(".hpp", ".cpp", folders=LAYERS):
        own = LAYERS.index(file.parts[0])
        for kind, name in includes(file):
            layer = name.split("/")[0]
            if kind == '"' and layer in LAYERS and LAYERS.index(layer) > own:
                wrong.append(f"{file} includes {name}")
            if kind == '"' and layer not in LAYERS:
                wrong.append(
                    f"{file} includes {name}: name it from the top of the tree")
    assert not wrong


def test_rooms_of_the_protocol_know_only_what_stands_below_them():
    """Events may use schemas, Kafka's messages carry batches; otherwise the
    rooms do not know each other."""
    allowed = {"schema": {"schema"}, "batch": {"batch"},
               "event": {"event", "schema"}, "kafka": {"batch", "kafka"}}
    wrong = []
    for file in sources(".hpp", ".cpp", folders=("protocol",)):
        own = file.parts[1] if len(file.parts) > 2 else None
        for kind, name in includes(file):
            parts = name.split("/")
            if kind == '"' and parts[0] == "protocol" and len(parts) > 2:
                if parts[1] not in allowed.get(own, {own}):
                    wrong.append(f"{file} includes {name}")
    assert not wrong


def test_caf_appears_in_actors_and_in_the_wiring_alone():
    wrong = [
        f"{file} includes {name}"
        for file in sources(".hpp", ".cpp", folders=LAYERS)
        for kind, name in includes(file)
        if name.startswith("caf/") and file.parts[0] != "actors"
        and file.parts[:2] != ("tools", "herald")]
    assert not wrong


def test_heavy_libraries_stay_out_of_headers():
    """A header that only its own folder includes costs nobody else a second."""
    public = {name for file in sources(".hpp", ".cpp")
              for kind, name in includes(file)
              if kind == '"' and str(file.parent) != name.rpartition("/")[0]}
    wrong = [f"{file} includes {name}"
             for file in sources(".hpp", folders=LAYERS)
             if str(file) in public
             for kind, name in includes(file) if HEAVY.match(name)]
    assert not wrong


def test_a_source_includes_its_own_header_first():
    wrong = []
    for file in sources(".cpp", folders=LAYERS):
        own = file.with_suffix(".hpp")
        if (ROOT / own).exists():
            found = includes(file)
            if not found or found[0] != ('"', str(own)):
                wrong.append(str(file))
    assert not wrong


def test_every_header_says_what_it_is_for():
    wrong = []
    for file in sources(".hpp"):
        text = (ROOT / file).read_text()
        if not text.startswith("#pragma once\n") or "///" not in text:
            wrong.append(str(file))
    assert not wrong


def test_every_header_compiles_alone():
    # Through ccache, so that only what changed is compiled again.
    compiler = [*filter(None, [shutil.which("ccache")]),
                os.environ.get("CXX", "g++"), "-std=c++23", "-O0", "-c",
                "-I", str(ROOT), "-isystem",
                str(ROOT / "build/dependencies/usr/include"),
                "-DMSGPACK_NO_BOOST", "-DSPDLOG_COMPILED_LIB",
                "-DSPDLOG_FMT_EXTERNAL", f'-DHERALD_SOURCE_DIR="{ROOT}"']
    folder = ROOT / "build" / "style"
    folder.mkdir(parents=True, exist_ok=True)

    def compile_alone(file):
        # As an include of an otherwise empty source, so that the compiler does
        # not warn about a pragma in a main file.
        source = folder / (str(file).replace("/", ".") + ".cpp")
        source.write_text(f'#include "{file}"\n')
        done = subprocess.run(
            [*compiler, source, "-o", source.with_suffix(".o")], text=True,
            capture_output=True)
        return (f"{file}:\n{done.stderr}"
                if done.returncode or "warning" in done.stderr else None)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = list(filter(None, pool.map(compile_alone, sources(".hpp"))))
    assert not wrong, "\n".join(wrong)


def test_clang_format_is_clean():
    formatter = shutil.which("clang-format-19")
    assert formatter, "clang-format-19 comes with tools/setup test"
    files = [str(file) for file in sources(".hpp", ".cpp")]
    halves = [files[start::2] for start in range(2)]

    def check(part):
        return subprocess.run(
            [formatter, "--dry-run", "--Werror", *part], cwd=ROOT, text=True,
            capture_output=True).stderr if part else ""

    with ThreadPoolExecutor(2) as pool:
        complaints = "".join(pool.map(check, halves))
    unclean = sorted(set(re.findall(r"^(\S+?):\d+:", complaints, re.M)))
    assert not unclean, f"run clang-format-19 -i {' '.join(unclean)}"


def test_nothing_is_left_for_later():
    # In pieces, so that this file does not find itself.
    word = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b|[Nn]ot im" r"plemented")
    wrong = [f"{file}:{number}: {line.strip()}"
             for file, text in text_files()
             if file.name != "package-lock.json"
             for number, line in enumerate(text.splitlines(), 1)
             if word.search(line)]
    assert not wrong


def test_no_path_of_somebodys_machine_is_written_down():
    path = re.compile(r"(?<![\w.~{}/-])/(root|work|home|Users|mnt)/\w")
    wrong = [f"{file}:{number}: {line.strip()}"
             for file, text in text_files()
             for number, line in enumerate(text.splitlines(), 1)
             if path.search(line)]
    assert not wrong


def test_the_top_level_holds_what_it_should():
    names = {file.parts[0] for file in tracked()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_sources_are_listed_in_cmake_and_not_globbed():
    wrong, listed = [], {}
    for file in tracked():
        if file.name == "CMakeLists.txt" and len(file.parts) > 1:
            text = (ROOT / file).read_text()
            # The page's files are npm's business: Vite decides which it takes.
            if re.search(r"file\s*\(\s*GLOB(?!\w*\s+page_)", text):
                wrong.append(f"{file} globs")
            listed[file.parent] = text
    for file in sources(".cpp"):
        # The list stands in the file's own folder or in one above it.
        if not any(file.relative_to(folder).as_posix() in listed[folder]
                   for folder in file.parents if folder in listed):
            wrong.append(f"{file} is in no CMakeLists.txt")
    assert not wrong


@pytest.mark.parametrize("script", ["setup", "start", "test", "check", "fuzz",
                                    "kafka_codec/generate"])
def test_commands_are_valid_shell_and_executable(script):
    file = ROOT / "tools" / script
    assert os.access(file, os.X_OK)
    subprocess.run(["bash", "-n", file], check=True)
