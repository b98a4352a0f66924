# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath coldplug` and `pcipath monitor` among other processes: a second one in the same directory, one that was killed, a reader
that is gone, and what they inherit and hand on."""

import os
import signal
import stat
import subprocess

import pytest
from command.machine import links, write
from command.manager import BY_PATH, MACHINE, NODES, RIGHT, Monitor, add_hook, build, complaints, pcipath
from command.run import PCIPATH
from command.test_faults import TRACE, looks_of, stop_at
from synthetic.parts import node
from trees import sandbox
from trees.machine import Machine, Nodes, Root, function

COVERS = {
    "second_manager_is_refused": "Fault: two runs of `pcipath coldplug` or `monitor` in one directory",
    "two_without_locks": "Fault: two runs of `pcipath coldplug` or `monitor` in one directory",
}

ELSEWHERE = "/dev/elsewhere"
BUSY = "another 'pcipath monitor' or 'pcipath coldplug' is using this directory"
MS_RDONLY = 1


def build_elsewhere():
    build(MACHINE)
    sandbox.mount("tmpfs", "/run", "tmpfs")
    os.makedirs(f"{ELSEWHERE}/second")


# -- Two in one directory --


def run_beside_a_monitor():
    build_elsewhere()
    monitor = Monitor(f"--links={ELSEWHERE}")
    os.symlink(ELSEWHERE, "/dev/alias")
    calls = [["coldplug", f"--links={ELSEWHERE}"], ["coldplug", "--links=/dev/alias"], ["monitor", f"--links={ELSEWHERE}"],
             ["coldplug", "-n", f"--links={ELSEWHERE}"], ["coldplug", f"--links={ELSEWHERE}/second"]]
    beside = [pcipath(*call) for call in calls]
    done = monitor.end()
    return beside, done, pcipath("coldplug", f"--links={ELSEWHERE}"), os.listdir("/run/pcipath")


def test_second_manager_is_refused():
    """However the directory is named. A dry run changes nothing, and another directory is another directory's."""
    (first, alias, monitor, dry, other), done, after, locks = sandbox.run(run_beside_a_monitor)
    assert complaints(first) == complaints(monitor) == [f"pcipath: {ELSEWHERE}: {BUSY}"]
    assert complaints(alias) == [f"pcipath: /dev/alias: {BUSY}"]
    for outcome in (dry, other, done, after):
        assert (outcome.returncode, outcome.stderr) == (0, "")
    assert locks == []


def run_after_a_killed_one():
    build_elsewhere()
    monitor = Monitor(f"--links={ELSEWHERE}")
    made = set(links(ELSEWHERE))
    monitor.end(signal.SIGKILL)
    for name in (".pcipath-links-0123456789abcdef", ".#02.0-00.00123456789abcdef", ".hidden"):
        os.symlink("/dev/null", f"{ELSEWHERE}/disk/by-pci-path/{name}")
    done = pcipath("coldplug", f"--links={ELSEWHERE}")
    return made, done, set(os.listdir(f"{ELSEWHERE}/disk/by-pci-path"))


def test_killed_run():
    """Its lock ends with it; its temporary links are removed, and nobody else's."""
    made, done, names = sandbox.run(run_after_a_killed_one)
    assert (done.returncode, done.stderr) == (0, "") and {os.path.basename(link) for link in made} == RIGHT
    assert names == RIGHT | {".#02.0-00.00123456789abcdef", ".hidden"}


def spoil_links():
    for name in RIGHT:
        path = f"{ELSEWHERE}/disk/by-pci-path/{name}"
        if os.path.islink(path):
            os.unlink(path)
        os.symlink("/dev/null", path)


def stop_at_each_link():
    build_elsewhere()
    sandbox.mount("tmpfs", "/run", "tmpfs", MS_RDONLY)
    os.makedirs(f"{ELSEWHERE}/disk/by-pci-path")
    command = [PCIPATH, "coldplug", f"--links={ELSEWHERE}"]
    spoil_links()
    _, calls = looks_of(command, "symlinkat")
    os.unlink(TRACE)
    outcomes = []
    for _, count, text in calls:
        spoil_links()
        others = []
        done = stop_at(command, "symlinkat", count, lambda: others.append(subprocess.run(command, capture_output=True, text=True,
                                                                                        check=False)))
        outcomes.append((text, done, others[0], links(ELSEWHERE)))
    return outcomes


def test_two_without_locks():
    """No locks are possible without a writable /run: then each has temporary links of its own, and the links are right."""
    outcomes = sandbox.run(stop_at_each_link)
    assert any(".pcipath" in text for text, *_ in outcomes)
    for text, done, other, made in outcomes:
        assert (done.returncode, done.stderr, other.returncode, other.stderr) == (0, "", 0, ""), text
        assert {os.path.basename(link) for link in made} == RIGHT and made["disk/by-pci-path/02.0-00.0"] == "/dev/vda", text
        assert "/dev/null" not in made.values(), text


# -- What is inherited, and handed on --


def run_with_umask():
    build_elsewhere()
    done = pcipath("coldplug", f"--links={ELSEWHERE}", umask=0o077)
    return done, {path: stat.S_IMODE(os.stat(path).st_mode) for top in (f"{ELSEWHERE}/disk", "/run/pcipath")
                  for path, _, _ in os.walk(top)}


def test_umask():
    """Everybody may follow a link."""
    done, modes = sandbox.run(run_with_umask)
    assert (done.returncode, done.stderr) == (0, "") and set(modes.values()) == {0o755}, modes


def run_without_reader():
    build(NODES)
    add_hook("#!/dev/nosuch\n")
    ours, theirs = os.pipe()
    os.close(ours)
    monitor = Monitor("--links", "--exec=/dev/hook", stderr=theirs)
    os.close(theirs)
    return monitor.ready, monitor.end(), links()


def test_reader_of_standard_error_is_gone():
    ready, done, made = sandbox.run(run_without_reader)
    assert (ready, done.returncode, len(made)) == (b"\n", 0, 4)


HOOK = """#!/bin/sh
echo "[$ID_NET_NAME_PCI_PATH]" $(sed -n 's/^Sig\\(Ign\\|Blk\\)://p' /proc/$$/status) >/dev/fifo
"""
STANDARD_SIGNALS = (1 << 31) - 1  # the next two are the C library's


def hand_on():
    build(NODES)
    with add_hook(HOOK) as fifo:
        # Not restored: this process ignores SIGPIPE, and the monitor inherits that.
        monitor = Monitor("--links", "--exec=/dev/hook", env={"ID_NET_NAME_PCI_PATH": "nonsense"}, restore_signals=False)
        lines = [fifo.readline() for _ in range(4)]
        return lines, monitor.end()


def test_exec_inherits_no_signals_and_no_names():
    lines, done = sandbox.run(hand_on)
    assert (done.returncode, done.stderr) == (0, "")
    for line in lines:
        name, blocked, ignored = line.split()
        assert name == b"[]" and not (int(blocked, 16) | int(ignored, 16)) & STANDARD_SIGNALS, line


def ready_on_standard_output():
    build(NODES)
    with add_hook("#!/bin/sh\necho text && echo done >/dev/fifo\n") as fifo:
        process = subprocess.Popen(["unshare", "--net", PCIPATH, "monitor", "--links", "--exec=/dev/hook", "--ready-fd=1"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        ready = os.read(process.stdout.fileno(), 2)
        while os.path.exists(f"/proc/{process.pid}/fd/1") and "pipe:" in os.readlink(f"/proc/{process.pid}/fd/1"):
            pass
        descriptor = os.readlink(f"/proc/{process.pid}/fd/1") if os.path.exists(f"/proc/{process.pid}/fd/1") else None
        lines = [fifo.readline() for _ in range(4)] if descriptor else []
        process.terminate()
        stderr = process.communicate(timeout=60)[1]
    return ready, descriptor, lines, stderr, process.returncode


def test_ready_fd_is_standard_output():
    """It ends for its reader, but no disk that is opened later gets its number."""
    assert sandbox.run(ready_on_standard_output) == (b"\n", "/dev/null", 4 * [b"done\n"], b"", 0)


MANY = Machine([Root([function(f"{slot:02x}.{n}", Nodes([
    node(f"virtio-ports/vport{slot * 8 + n}p{port}", "virtio-ports", name=f"p{port}") for port in range(35)], virtio=True))
    for slot in range(2, 32) for n in range(8)])])


def fill_queue():
    build(MANY)
    with add_hook("#!/bin/sh\nread forever </dev/fifo\n"):
        return Monitor("--links", "--exec=/dev/hook").end()


def test_exec_has_a_bounded_queue():
    done = sandbox.run(fill_queue)
    assert done.returncode == 0
    assert done.stderr == "pcipath: /dev/hook: 8192 events are waiting: dropping new ones until it has caught up\n"


def coldplug_in_hook():
    build(NODES)
    sandbox.mount("tmpfs", "/run", "tmpfs")
    with add_hook(f"#!/bin/sh\noutput=$({PCIPATH} coldplug --links 2>&1)\necho \"$output\" $? >/dev/fifo\n") as fifo:
        monitor = Monitor("--links", "--exec=/dev/hook")
        lines = [fifo.readline() for _ in range(4)]
        return lines, set(links()), monitor.end()


def test_exec_runs_coldplug():
    """It is refused in the directory of the monitor, and the links stay."""
    lines, made, done = sandbox.run(coldplug_in_hook)
    assert lines == 4 * [f"pcipath: /dev: {BUSY} 1\n".encode()]
    assert len(made) == 4 and (done.returncode, done.stderr) == (0, "")


# -- A directory on a file system that stores no types --


UNTYPED = """
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>

struct dirent *readdir(DIR *dir) {
        struct dirent *(*next)(DIR *) = (struct dirent *(*)(DIR *)) dlsym(RTLD_NEXT, "readdir");
        struct dirent *entry = next(dir);

        if (entry)
                entry->d_type = DT_UNKNOWN;
        return entry;
}

struct dirent64 *readdir64(DIR *dir) {
        return (struct dirent64 *) readdir(dir);
}
"""


@pytest.fixture(scope="module")
def untyped(tmp_path_factory):
    directory = tmp_path_factory.mktemp("untyped")
    write(directory / "untyped.c", UNTYPED.encode())
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", directory / "untyped.so", directory / "untyped.c", "-ldl"], check=True)
    return directory / "untyped.so"


def without_types(library):
    build(MACHINE)
    os.makedirs(BY_PATH)
    for name, target in {"02.0-00.0": "../../sda", "09.0": "../../vda"}.items():
        os.symlink(target, f"{BY_PATH}/{name}")
    environment = os.environ | {"LC_ALL": "C.UTF-8", "LD_PRELOAD": str(library)}
    pruned = pcipath("prune", env=environment)
    return pruned, pcipath("coldplug", "--links", env=environment), links()


def test_types_that_are_not_stored(untyped):
    pruned, done, made = sandbox.run(without_types, untyped)
    assert sorted(pruned.stdout.splitlines()) == [f"remove {BY_PATH}/02.0-00.0 /dev/sda", f"remove {BY_PATH}/09.0 /dev/vda"]
    assert (done.returncode, done.stderr) == (0, "")
    assert {os.path.basename(link) for link in made} == RIGHT and made["disk/by-pci-path/02.0-00.0"] == "../../vda"
