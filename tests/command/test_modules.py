# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath coldplug --modules` with modules of our own: aliases, dependencies and modprobe.d(5)."""

import os
import re
import subprocess

import pytest
from command.machine import write
from command.manager import BY_PATH, MACHINE, RIGHT, build, complaints, pcipath
from trees import sandbox

PCI_ALIAS, VIRTIO_ALIAS = "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00", "virtio:d00000002v00001AF4"
MODULES = {
    "transport": {"alias": "pci:v00001AF4d*sv*sd*bc*sc*i*"},
    "ring": {},
    "disk": {"alias": "virtio:d00000002v*", "softdep": "pre: helper post: late"},
    "helper": {},
    "late": {},
    "bad": {"alias": "virtio:d00000002v*"},
}


def make_module(directory, name, fields):
    """What depmod reads of a module: a relocatable object with the section .modinfo, and the symbols by which one needs another."""
    source = f"{directory}/{name}.c"
    text = "".join(f"{key}={value}\\0" for key, value in {"license": "GPL", "name": name, **fields}.items())
    symbols = {"ring": 'const char strings[] __attribute__((section("__ksymtab_strings"), used)) = "use_ring";',
               "transport": "void use_ring(void); void (*pointer)(void) = use_ring;"}
    write(source, f'const char modinfo[] __attribute__((section(".modinfo"), used)) = "{text}";\n{symbols.get(name, "")}\n'.encode())
    subprocess.run(["gcc", "-c", "-o", f"{directory}/{name}.ko", source], check=True)


def modules_tree(tmp_path):
    directory = tmp_path / os.uname().release
    directory.mkdir(parents=True)
    for name, fields in MODULES.items():
        make_module(directory, name, fields)
    for name in ("order", "builtin"):
        write(directory / f"modules.{name}", b"")
    base = tmp_path / "base/lib/modules"
    base.parent.mkdir(parents=True)
    base.symlink_to(tmp_path)
    subprocess.run(["depmod", "-b", tmp_path / "base", os.uname().release], check=True)
    return directory.parent


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    return modules_tree(tmp_path_factory.mktemp("modules"))


def load_modules(modules, modprobe, arguments, drivers=False):
    """drivers: each device has one already."""
    tree = build(MACHINE)
    for device in tree.devices:
        alias = {"pci": PCI_ALIAS, "virtio": VIRTIO_ALIAS}.get(device.subsystem)
        if alias:
            write(f"{device.syspath}/modalias", alias.encode() + b"\n")
            if os.path.lexists(f"{device.syspath}/driver"):
                os.unlink(f"{device.syspath}/driver")
            if drivers:
                os.symlink("/sys/bus/any/drivers/builtin", f"{device.syspath}/driver")
    os.makedirs("/usr/lib/modules", exist_ok=True)  # a machine in a container may have none
    if modules:
        sandbox.bind(str(modules), "/usr/lib/modules")
    else:
        sandbox.mount("tmpfs", "/usr/lib/modules", "tmpfs")
    for directory in filter(os.path.isdir, ("/etc/modprobe.d", "/usr/lib/modprobe.d", "/run/modprobe.d")):
        sandbox.mount("tmpfs", directory, "tmpfs")
    write("/etc/modprobe.d/test.conf", modprobe.encode())
    return pcipath("coldplug", "--modules", *arguments)


def loaded(outcome):
    assert (outcome.returncode, outcome.stderr) == (0, "")
    return [line.removeprefix("load ") for line in outcome.stdout.splitlines()]


def test_modules_by_modalias(modules):
    """Those that depend on others after them, softly or not; each device's, in the order of the walk."""
    names = loaded(sandbox.run(load_modules, modules, "options disk depth=5\n", ["-n"]))
    assert {"ring", "transport", "helper", "disk depth=5", "late", "bad"} == set(names)
    assert names.index("ring") < names.index("transport")
    assert names.index("helper") < names.index("disk depth=5") < names.index("late")


@pytest.mark.parametrize("modprobe,missing", [
    ("blacklist bad\n", {"bad"}),
    ("blacklist disk\nblacklist bad\n", {"disk", "helper", "late", "bad"}),
    ("alias virtio:d00000002v* ring\n", {"disk", "helper", "late", "bad"}),
    ("install disk /bin/true\n", set()),
], ids=["blacklist", "two", "alias", "install"])
def test_modprobe_d(modules, modprobe, missing):
    names = loaded(sandbox.run(load_modules, modules, modprobe, ["-n"]))
    assert {"ring", "transport", "helper", "disk", "late", "bad"} - missing == {name.split()[0] for name in names}


def test_garbage_in_modprobe_d(modules):
    """libkmod says so itself; the rest is respected."""
    garbage = "options \x01\x02 =\nblacklist\ngarbage \xff line\nblacklist bad\n" + "x" * 70000 + "\n"
    done = sandbox.run(load_modules, modules, garbage, ["-n"])
    assert done.returncode == 0 and "load disk\n" in done.stdout and "load bad" not in done.stdout


def test_module_that_cannot_be_loaded(modules):
    """Not one of them is a module: each is said once, though several devices want it, and the links are made all the same."""
    done = sandbox.run(load_modules, modules, "", ["--links"])
    lines = complaints(done)
    # Whether the kernel looks at a module at all depends on what this process may do.
    assert {line.split(":")[1] for line in lines} == {f" cannot load module {name}" for name in ("transport", "disk", "bad")}
    assert len(lines) == 3


def test_no_modules():
    done = sandbox.run(load_modules, None, "", [])
    assert complaints(done) == ["pcipath: no index of modules for this kernel: run depmod, or build the drivers into the kernel"]


def replace_libkmod(library):
    """By another file, or remove it: in an overlay of the directory that the loader finds it in."""
    found = re.search(r"^\tlibkmod\.so\.2 .* => (/.*)$", subprocess.run(["/sbin/ldconfig", "-p"], text=True, capture_output=True, check=True).stdout,
                      re.MULTILINE)[1]
    directory = os.path.realpath(os.path.dirname(found))
    sandbox.mount("tmpfs", "/mnt", "tmpfs")
    os.mkdir("/mnt/upper")
    os.mkdir("/mnt/work")
    sandbox.mount("overlay", directory, "overlay", options=f"lowerdir={directory},upperdir=/mnt/upper,workdir=/mnt/work")
    os.unlink(found)
    if library:
        os.symlink(library, found)


def coldplug_with_libkmod(library, drivers):
    replace_libkmod(library)
    return load_modules(None, "", ["--links"], drivers), set(os.listdir(BY_PATH))


@pytest.fixture(scope="module")
def empty_library(tmp_path_factory):
    library = tmp_path_factory.mktemp("library") / "libkmod.so.2"
    subprocess.run(["gcc", "-shared", "-x", "c", "-o", library, "/dev/null"], check=True)
    return library


def check_without_libkmod(library, reason):
    """One message for all devices. They get their links, as those whose drivers are built in."""
    done, links = sandbox.run(coldplug_with_libkmod, library, False)
    [line] = complaints(done)
    assert re.fullmatch(rf"pcipath: no module can be loaded: \S*libkmod\.so\.2: {reason}: install libkmod .*", line), line
    assert links == RIGHT


def test_no_libkmod():
    check_without_libkmod(None, "cannot open shared object file: No such file or directory")


def test_libkmod_without_a_function(empty_library):
    check_without_libkmod(empty_library, r"undefined symbol: kmod_\w+")


def test_no_libkmod_needed():
    """Each device has its driver: the kernel is one without modules."""
    done, links = sandbox.run(coldplug_with_libkmod, None, True)
    assert (done.returncode, done.stderr, links) == (0, "", RIGHT)
