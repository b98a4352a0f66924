# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of drivers for an initramfs, and the script that chooses from it, as installed. Images are looked into in tests/vm/test_image.py."""

import subprocess

import pytest
from driver_table import KINDS, MACHINES, rows
from programs import BUILD

CONFIG = "etc/pcipath/initramfs.conf"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root], check=True)
    (root / "etc/pcipath").mkdir(parents=True)
    return root


@pytest.fixture
def choose(root):
    """The modules, and the messages."""
    def run(config, *words):
        (root / CONFIG).unlink(missing_ok=True)
        if config is not None:
            (root / CONFIG).write_text(config)
        done = subprocess.run([root / "usr/libexec/pcipath/list-initramfs-drivers", f"--root={root}", *words], text=True, capture_output=True,
                              check=True)
        return done.stdout.split(), done.stderr
    return run


def expected(*machines, kinds=("bus", "disk", "net"), machine="x86_64"):
    """None for all."""
    return [row.module for row in rows() if row.kind in kinds and row.is_for(machine) and
            (not machines or {*machines, "all"} & set(row.machines))]


def test_table():
    modules = [row.module for row in rows()]
    assert len(modules) == len(set(modules)) > 50
    for row in rows():
        assert row.kind in KINDS and set(row.machines) <= MACHINES, row


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "ppc64le", "s390x", "riscv64", "loongarch64"])
@pytest.mark.parametrize("kinds", [("bus", "disk", "net"), KINDS], ids="-".join)
def test_everything(choose, machine, kinds):
    assert choose(None, f"--machine={machine}", *kinds) == (expected(kinds=kinds, machine=machine), "")


@pytest.mark.parametrize("alias,machine", [("i686", "x86_64"), ("armv7l", "aarch64"), ("ppc64", "ppc64le")])
def test_other_names_of_architectures(choose, alias, machine):
    assert choose(None, f"--machine={alias}", "bus", "disk") == (expected(kinds=("bus", "disk"), machine=machine), "")


@pytest.mark.parametrize("config,machines", [
    ("", ()), ("# DRIVERS=kvm\n", ()), ("DRIVERS=\n", ()), ("DRIVERS=all\n", ()), ("DRIVERS=all kvm", ()),
    ("DRIVERS=kvm\n", ("kvm",)), ('DRIVERS="kvm vmware"\n', ("kvm", "vmware")), ("DRIVERS='hyper-v'", ("hyper-v",)),
    ("DRIVERS=kvm\n \t# comment\n\n DRIVERS=virtio", ("virtio",)), *((f"DRIVERS={machine}", (machine,)) for machine in sorted(MACHINES - {"all"})),
])
def test_configured(choose, config, machines):
    assert choose(config, "--machine=x86_64", "bus", "disk", "net") == (expected(*machines), "")


def test_modules_by_name(choose):
    """A module of another architecture or kind, too, and with - as with _."""
    chosen, said = choose("DRIVERS=virtio mlx5_core ibmvscsi xhci-pci", "--machine=x86_64", "bus", "disk", "net")
    assert said == "" and set(chosen) == {*expected("virtio"), "mlx5_core", "ibmvscsi", "xhci_pci"}


def test_nothing(choose):
    assert choose("DRIVERS=none", "bus", "disk", "net") == ([], "")


def test_network(choose):
    kinds = ("bus", "disk", "net", "netboot")
    assert choose("DRIVERS=vmware network", "--machine=x86_64", "bus", "disk", "net") == (expected("vmware", kinds=kinds), "")
    assert choose("DRIVERS=all network", "--machine=x86_64", "bus", "disk", "net") == (expected(kinds=kinds), "")


@pytest.mark.parametrize("config,word", [("DRIVERS=kmv", "kmv"), ("DRIVERS=virtio nvme2", "nvme2"), ("DRIVERS=\x1b[2J$(id)", "??2J??id?")])
def test_misspelt(choose, config, word):
    """An image with too many drivers boots."""
    chosen, said = choose(config, "--machine=x86_64", "bus", "disk", "net")
    assert chosen == expected()
    assert said == f'pcipath: /{CONFIG}: unknown word "{word}": all drivers are added\n'


def test_unknown_line(choose):
    assert choose("drivers=kvm\n", "--machine=x86_64", "bus", "disk", "net") == (
        expected(), f"pcipath: /{CONFIG}: only lines that begin with DRIVERS= are read\n")
