# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests want of Debian's packages and no machine has to have installed: downloaded once, and kept where guests are."""

import os
import shutil
import subprocess

from cache import cached, locked
from programs import CACHE
from unavailable import Unavailable, unavailable

LINE = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian {} main\n"


class ArchiveError(Exception):
    """In apt's words."""


class Archive:
    """apt-get with lists of its own, which are of one release. It leaves what it downloads in `directory`."""

    def __init__(self, directory, release):
        self.directory = directory
        for name in ("lists/partial", "archives/partial"):
            (directory / name).mkdir(parents=True)
        sources = directory / "sources.list"
        sources.write_text("".join(f"{kind} {LINE.format(release)}" for kind in ("deb", "deb-src")))
        self.options = [f"-oDir::Etc::sourcelist={sources}", "-oDir::Etc::sourceparts=/dev/null", f"-oDir::State::lists={directory}/lists",
                        "-oDir::State::status=/dev/null", f"-oDir::Cache={directory}", "-oAPT::Sandbox::User=root",
                        "-oAcquire::Check-Valid-Until=false", "-oAPT::Update::Error-Mode=any"]
        self.get("update")

    def get(self, *arguments):
        self._run("apt-get", "-q", *arguments)

    def dependencies(self, package):
        """The names of those that there is no choice of."""
        lines = self._run("apt-cache", "depends", "--important", package).splitlines()
        return [words[1] for words in map(str.split, lines) if words[0] == "Depends:"]

    def _run(self, program, *arguments):
        done = subprocess.run([program, *self.options, *arguments], cwd=self.directory, text=True, capture_output=True, check=False)
        with unavailable(f"What {program} {' '.join(arguments)} is to bring", ArchiveError):
            if done.returncode:
                raise ArchiveError(done.stderr)
        return done.stdout


def downloaded(name, release, make):
    """The directory of that name, for which make(archive) has put together what is wanted of a release. Raises Unavailable."""
    def build(directory):
        directory.mkdir()
        make(Archive(directory, release))
        shutil.rmtree(directory / "lists")

    if "PCIPATH_MESON_TEST" in os.environ:
        raise Unavailable("`meson test` downloads nothing")
    CACHE.mkdir(parents=True, exist_ok=True)
    with locked(CACHE / f"lock-{name}"):
        return cached(CACHE.resolve() / f"{name}-{release}", build)
