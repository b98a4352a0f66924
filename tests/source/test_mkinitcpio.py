# SPDX-License-Identifier: LGPL-2.1-or-later
"""The install hook of mkinitcpio, run by what stands in for mkinitcpio. tests/vm/test_initramfs.py boots such images, and test_scripts.py
gives the runtime hook hostile command lines."""

import os
import subprocess
from pathlib import Path

import pytest
import mkinitcpio_image
from driver_table import ALWAYS, rows

KERNEL = "9.9.9"
DRIVERS = [row.module for row in rows() if row.kind in ALWAYS and row.is_for(os.uname().machine)]
MISSING = "pci_hyperv"  # not every kernel has it


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return mkinitcpio_image.install(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """A kernel's drivers, as far as their files go. One depends on another; the names of some have a hyphen."""
    top = tmp_path_factory.mktemp("modules")
    directory = top / "lib/modules" / KERNEL
    directory.mkdir(parents=True)
    lines = []
    for name in [*DRIVERS, "ext4", "usbcore"]:
        if name != MISSING:
            file = f"{name.replace('_', '-')}.ko.xz"
            (directory / "kernel").mkdir(exist_ok=True)
            (directory / "kernel" / file).touch()
            lines.append(f"kernel/{file}:{' kernel/usbcore.ko.xz' if name == 'xhci_pci' else ''}\n")
    (directory / "modules.dep").write_text("".join(lines))
    return top


@pytest.fixture(scope="module")
def make_image(installed, modules):
    return lambda *arguments, **options: mkinitcpio_image.make_image(installed, *arguments, modules=modules, kernel=KERNEL, **options)


def make_aliases():
    """In a sandbox."""
    directory = Path("/usr/lib/pcipath/aliases.d")
    directory.mkdir(parents=True)
    (directory / "10-vendor.conf").write_text("system=02.0/00.0\n")
    (directory / "20-off.conf").symlink_to("/dev/null")


def files_below(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_symlink() or not path.is_dir()}


@pytest.fixture(scope="module")
def image(make_image, tmp_path_factory):
    """Without systemd."""
    image = tmp_path_factory.mktemp("image")
    assert make_image(image, "base", "udev", "pcipath", prepare=make_aliases) == (0, "")
    return image


def test_files(image):
    assert {"usr/bin/pcipath", "usr/lib/udev/pcipath_id", "usr/lib/udev/pcipath_altname", "usr/lib/udev/rules.d/61-pcipath.rules",
            "usr/lib/pcipath-lib.sh", "hooks/pcipath", "usr/lib/pcipath/aliases.d/10-vendor.conf"} <= files_below(image)
    assert os.readlink(image / "usr/lib/pcipath/aliases.d/20-off.conf") == "/dev/null"
    assert "pcipath-generator" not in " ".join(files_below(image))
    config = dict(line.split("=") for line in (image / "config").read_text().splitlines())
    assert config["EARLYHOOKS"] == config["HOOKS"] == '"udev pcipath"'


def test_programs_run_in_the_image(image):
    """Their libraries are there."""
    os.mknod(image / "dev/null", 0o20666, os.makedev(1, 3))
    for command in (["/usr/bin/pcipath", "convert", "--to=link", "02.0"], ["/usr/lib/udev/pcipath_id", "--version"]):
        done = subprocess.run(["chroot", image, *command], capture_output=True, text=True, check=False)
        assert "error while loading" not in done.stderr and done.returncode in (0, 1), done
    assert subprocess.run(["chroot", image, "/usr/bin/sh", "-c", ". /hooks/pcipath && pcipath_link 02/00"], capture_output=True, text=True,
                          check=True).stdout == "/dev/disk/by-pci-path/02.0-00.0\n"


def test_order_of_hooks(make_image, tmp_path):
    """Before udev it could not wait: mkinitcpio says so, and fails."""
    status, stderr = make_image(tmp_path, "base", "pcipath", "udev")
    assert (status, stderr) == (1, "==> ERROR: The hook 'pcipath' must come after 'udev' or 'systemd' in HOOKS\n")
    assert not (tmp_path / "usr/bin/pcipath").exists()


def test_systemd(make_image, tmp_path):
    """Units and a generator in place of the runtime hook; and a shell, which this image would not have."""
    assert make_image(tmp_path, "systemd", "pcipath") == (0, "")
    files = files_below(tmp_path)
    names = {Path(name).name for name in files}
    assert "hooks/pcipath" not in files and {"sh", "ln", "mkdir"} <= names
    assert {"usr/lib/systemd/system-generators/pcipath-generator", "usr/lib/systemd/system/pcipath-initrd.service",
            "usr/lib/systemd/system/pcipath-initrd.service.d/50-mkinitcpio.conf"} <= files
    [link] = [name for name in files if name.endswith("sysinit.target.wants/pcipath-alias.service")]
    assert (tmp_path / link).resolve() == (tmp_path / "usr/lib/systemd/system/pcipath-alias.service").resolve()
    # Each file that a script or a unit reads is there.
    for name in ("lib", "parse", "wait", "explain", "systemd"):
        assert f"usr/lib/pcipath-{name}.sh" in files


def test_drivers(image):
    """Every driver that the kernel has, whatever the machine has that the image is made on; and what they depend on."""
    names = {path.name.partition(".")[0].replace("-", "_") for path in image.rglob("*.ko.xz")}
    assert names == {*DRIVERS, "ext4", "usbcore"} - {MISSING}


def test_help(installed):
    printed = subprocess.run(["bash", "-c", f". {installed}/usr/lib/initcpio/install/pcipath; help"], capture_output=True, text=True, check=True).stdout
    assert "root=pcipath:PATH" in printed and max(map(len, printed.splitlines())) <= 80
