"""The pins that ship with the extension are those that the tests run with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lsf_blender_addon.errors import InstallError
from lsf_blender_addon.installing.machine import Machine, NvidiaCard, choose, without_lists
from lsf_blender_addon.installing.requirements import BUILDS, LISTS_VARIABLE, WorkerRequirements, worker_requirements


@pytest.fixture(scope="module")
def requirements() -> WorkerRequirements:
    return worker_requirements()


def pins(lines: list[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        match = re.fullmatch(r"([\w.-]+)==([\w.+]+)(\s*;.*)?", line.strip())
        if match and not match[3]:
            found[match[1].lower().replace("_", "-")] = match[2]
    return found


def test_every_package_is_pinned_at_the_version_of_the_tests(
    requirements: WorkerRequirements, repository: Path
) -> None:
    tested = pins((repository / "constraints.txt").read_text(encoding="utf-8").splitlines())
    shipped = pins([f"torch=={requirements.torch}", *requirements.packages])
    shipped.pop("setuptools")  # pip's own list of what is installed leaves it out
    assert len(shipped) > 30
    assert {name: version for name, version in shipped.items() if tested.get(name) != version} == {}
    assert all(re.match(r"[\w.-]+==\d", words) for words in requirements.packages)


def test_what_the_package_asks_pip_for_is_among_the_pins(requirements: WorkerRequirements, repository: Path) -> None:
    words = re.search(r"^worker = \[(.*)\]$", (repository / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert words is not None
    wanted = set(re.findall(r'"([\w-]+)"', words[1]))
    assert wanted <= {"torch"} | {re.split(r"[=;]", line)[0].lower() for line in requirements.packages}


def test_a_build_with_a_list_of_its_own_is_asked_for_by_its_label(requirements: WorkerRequirements) -> None:
    words, source = requirements.words(requirements.builds["cuda13"], "windows-x86_64")
    assert words[0] == f"torch=={requirements.torch}+cu130"
    assert source == "cu130"
    words, source = requirements.words(requirements.builds["cuda13"], "linux-x86_64")
    assert (words[0], source) == (f"torch=={requirements.torch}", "")


def test_a_build_that_does_not_exist_for_a_system_is_refused(requirements: WorkerRequirements) -> None:
    with pytest.raises(InstallError, match=r"Apple silicon.*linux-x86_64"):
        requirements.words(requirements.builds["apple"], "linux-x86_64")


@pytest.fixture
def _no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LISTS_VARIABLE, raising=False)


def test_no_address_ships_with_the_builds() -> None:
    assert "//" not in BUILDS.read_text(encoding="utf-8")


@pytest.mark.usefixtures("_no_address")
@pytest.mark.parametrize("given", ["https://lists.example/all", " https://lists.example/all/ "])
@pytest.mark.parametrize("name", ["", "cu126"])
def test_the_address_of_the_lists_is_taken_with_or_without_a_lists_name(
    given: str, name: str, requirements: WorkerRequirements
) -> None:
    address = f"{given.rstrip().rstrip('/')}/{name}"
    lists = requirements.lists(address)
    assert requirements.list_address(requirements.builds["cuda13"], "cu130", lists) == "https://lists.example/all/cu130"


@pytest.mark.usefixtures("_no_address")
def test_a_build_of_the_usual_index_needs_no_address(requirements: WorkerRequirements) -> None:
    assert requirements.lists("  ") == ""
    assert requirements.list_address(requirements.builds["cuda13"], "", "") == ""
    with pytest.raises(InstallError, match=r"CUDA 13.*PyTorch Lists"):
        requirements.list_address(requirements.builds["cuda13"], "cu130", "")


def test_the_address_in_the_environment_comes_first(
    requirements: WorkerRequirements, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LISTS_VARIABLE, "https://farm.example/lists/")
    assert requirements.lists("https://lists.example/all") == "https://farm.example/lists"


@pytest.mark.usefixtures("_no_address")
@pytest.mark.parametrize(
    "address", ["http://lists.example", "lists.example", "file:///lists", "--index", "https://[", "https:"]
)
def test_lists_are_asked_over_https_alone(address: str, requirements: WorkerRequirements) -> None:
    with pytest.raises(InstallError, match="no https"):
        requirements.lists(address)
    assert requirements.lists("http://127.0.0.1:80/lists") == "http://127.0.0.1:80/lists"


def test_the_fingerprint_follows_the_pins_and_nothing_else(requirements: WorkerRequirements, tmp_path: Path) -> None:
    from lsf_blender_addon.installing.requirements import PINS  # noqa: PLC0415

    copy = tmp_path / "pins.txt"
    text = PINS.read_text(encoding="utf-8")
    copy.write_text(f"# another remark\n{text}", encoding="utf-8")
    assert worker_requirements(copy).fingerprint == requirements.fingerprint
    copy.write_text(text.replace("soxr==1.1.0", "soxr==1.1.1"), encoding="utf-8")
    assert worker_requirements(copy).fingerprint != requirements.fingerprint


def test_damaged_pins_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    with pytest.raises(InstallError, match="damaged"):
        worker_requirements(pins=tmp_path / "empty")
    with pytest.raises(InstallError, match="damaged"):
        worker_requirements(builds=tmp_path / "empty")
    with pytest.raises(InstallError, match="damaged"):
        worker_requirements(pins=tmp_path / "absent")


@pytest.mark.parametrize(
    ("machine", "build", "words"),
    [
        (Machine("linux-x86_64"), "cpu", "processor"),
        (Machine("windows-x86_64", NvidiaCard("RTX 4090", 591, 8.9)), "cuda13", "RTX 4090"),
        (Machine("linux-x86_64", NvidiaCard("RTX 5090", 580, 12.0)), "cuda13", "RTX 5090"),
        (Machine("windows-x86_64", NvidiaCard("GTX 1080", 580, 6.1)), "cuda12", "GTX 1080"),
        (Machine("linux-x86_64", NvidiaCard("RTX 3060", 550, 8.6)), "cuda12", "550"),
        (Machine("linux-x86_64", NvidiaCard("RTX 5090", 572, 12.0)), "cpu", "needs 580"),
        (Machine("linux-x86_64", NvidiaCard("RTX 2080", 470, 7.5)), "cpu", "needs 528"),
        (Machine("linux-x86_64", NvidiaCard("GT 710", 470, 3.5)), "cpu", "too old"),
        (Machine("windows-x86_64", None, arc=True), "xpu", "Arc"),
        (Machine("macos-arm64"), "apple", "Apple"),
        (Machine("linux-arm64"), "cpu", "processor"),
    ],
)
def test_the_build_fits_the_machine_and_exists_for_it(
    machine: Machine, build: str, words: str, requirements: WorkerRequirements
) -> None:
    choice = choose(machine)
    assert choice.build == build
    assert words in choice.reason
    assert machine.system in requirements.builds[build].sources


@pytest.mark.parametrize(
    ("machine", "build", "words"),
    [
        (Machine("linux-x86_64"), "cuda13", r"No graphics card.*the processor computes.*9\.0 GB.*alone” \(1\.8 GB\)"),
        (Machine("linux-arm64"), "cuda13", r"No graphics card.*9\.0 GB"),
        (Machine("linux-x86_64", NvidiaCard("GTX 1080", 580, 6.1)), "cuda13", r"GTX 1080.*the processor.*CUDA 12"),
        (Machine("linux-x86_64", arc=True), "cuda13", r"Arc.*the processor"),
        (Machine("windows-x86_64", NvidiaCard("RTX 4090", 591, 8.9)), "cpu", r"RTX 4090.*the processor.*CUDA 13"),
    ],
)
def test_without_the_lists_the_usual_indexs_build_is_taken_and_why_is_said(
    machine: Machine, build: str, words: str, requirements: WorkerRequirements
) -> None:
    choice = without_lists(choose(machine), machine, requirements.builds)
    assert choice.build == build
    assert requirements.builds[build].sources[machine.system] == ""
    assert re.search(words, choice.reason)
    assert choice.reason.endswith("give the address of PyTorch's lists or a folder of wheels.")


@pytest.mark.parametrize(
    "machine",
    [
        Machine("linux-x86_64", NvidiaCard("RTX 4090", 590, 8.9)),
        Machine("windows-x86_64"),
        Machine("macos-arm64"),
    ],
)
def test_where_the_usual_index_has_the_fitting_build_the_lists_are_not_missed(
    machine: Machine, requirements: WorkerRequirements
) -> None:
    assert without_lists(choose(machine), machine, requirements.builds) == choose(machine)


@pytest.mark.parametrize("system", ["macos-x86_64", "linux-riscv64", "windows-arm64"])
def test_a_machine_without_pytorch_is_told_so(system: str) -> None:
    with pytest.raises(InstallError, match="PyTorch"):
        choose(Machine(system))


def test_the_person_has_the_last_word(requirements: WorkerRequirements) -> None:
    assert choose(Machine("linux-x86_64", NvidiaCard("RTX 4090", 591, 8.9)), "cpu").build == "cpu"
    assert set(requirements.builds) == {"cuda13", "cuda12", "xpu", "apple", "cpu"}
