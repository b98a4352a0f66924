# SPDX-License-Identifier: LGPL-2.1-or-later
"""The documents: links, spelling, the markup of the man pages, and the README's lines for the installation."""

import re
import shutil
import subprocess

import pytest
from documents import README, TOP, recipe, troubleshooting
from programs import BUILD

DOCUMENTS = [*TOP.glob("*.md"), *TOP.glob("docs/*.md")]
MOUNTS = 'mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" sh -euxc "$1"'


def test_readme_is_short():
    assert README.count("\n") <= 150


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links(document):
    text = document.read_text()
    for target in re.findall(r"\]\(([^):#]+)\)", text):
        assert (document.parent / target).exists(), target
    # Files that are named, but for those that a reader is to write.
    for name in re.findall(r"`((?:helper|tests|docs|examples|man|dracut|completion|systemd|rules\.d)/[^` *]+)`", text):
        assert "bar" in name or (TOP / name).exists(), name


def test_manual_pages():
    """As scdoc makes them; the paragraph macros that it repeats do no harm."""
    pages = [*BUILD.glob("man/*.[1578]")]
    assert len(pages) == len([*TOP.glob("man/*.scd")])
    for page in pages:
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], text=True, capture_output=True, check=False)
        assert not [line for line in done.stdout.splitlines() if "skipping paragraph macro: PP" not in line], page


def test_spelling():
    """In what users read, and in comments. "nd" is a subsystem of Linux, "renderD" begins the names of nodes, and Debian builds on buildd."""
    files = subprocess.run(["git", "ls-files", "*.md", "*.[chsi]*", "*.py", "*.rules", "tests/run", "tests/setup", "tests/demo", "tests/soak"], cwd=TOP,
                           text=True, capture_output=True, check=True).stdout.split()
    done = subprocess.run(["codespell", "--ignore-words-list=nd,renderd,buildd", *files], cwd=TOP, text=True, capture_output=True, check=False)
    assert done.stdout == ""


@pytest.mark.parametrize("arguments,status", [(["--help"], 0), (["--guests=udevd,other", "--help"], 2), (["--cycles=0", "--help"], 2), (["-1", "--help"], 2)], ids=str)
def test_soak_arguments(arguments, status):
    done = subprocess.run([TOP / "tests/soak", *arguments], text=True, capture_output=True, check=False)
    assert done.returncode == status
    assert ("HOURS" in done.stdout) if status == 0 else done.stderr.startswith("usage: tests/soak") and "error: " in done.stderr


def test_troubleshooting():
    assert len(troubleshooting()) == 5


@pytest.mark.exhaustive
@pytest.mark.parametrize("way", ["package", "install"])
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_install(tmp_path, release, way):
    """In a Debian that has nothing but what every Debian has."""
    root = tmp_path / "root"
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", release, root], check=True)
    shutil.copy("/etc/resolv.conf", root / "etc")
    files = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=TOP, capture_output=True, check=True).stdout
    (root / "src").mkdir()
    for name in files.decode().rstrip("\0").split("\0"):
        (root / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, root / "src" / name)
    lines = f"cd /src\n{recipe(way)}\npcipath --version\npcipath-host --version\ntest -e /usr/share/man/man1/pcipath.1*"
    subprocess.run(["unshare", "--mount", "sh", "-c", MOUNTS, root, lines], check=True)
