# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian package in a guest that runs without it: installed, upgraded, removed and purged, and the boots after that."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from build import run
from checks import check_disks, check_helper, check_interfaces, check_links, interface_of, names_of_interfaces
from debian import downloaded
from machine import card, root_ports, virtio
from programs import CACHE
from release import make_debs

COVERS = {
    "running_guest": "Release: Debian's package installed, reinstalled, upgraded, removed and purged while a guest uses the names",
    "initramfs-tools": "Release: the boot after the installation and the removal, with an image by initramfs-tools",
    "dracut": "Release: the boot after the installation and the removal, with an image by dracut",
    "power_cut": "Release: power cut between the unpacking and the configuration of the package",
}

TOPOLOGY = [*root_ports(5), *(virtio(name, f"port{n}") for n, name in enumerate(("root", "data", "more", "debs"))), card("card", "port4")]
LINKS = "/dev/disk/by-pci-path"

pytestmark = pytest.mark.releases("bookworm", "trixie")

# In the root file system of a guest, natively: its tools would take an emulated processor minutes for an image. No udevd runs there.
IN_ROOT = """
root=$1 debs=$2 out=$3 commands=$4
mkdir "$out/mnt"
mount -o loop "$root" "$out/mnt"
cd "$out/mnt"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir run/debs
mount --bind "$debs" run/debs
env -i PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8 chroot . sh -euxc "$commands"
cp boot/initrd.img-* "$out/image"
cd "$out"
umount --recursive mnt
rmdir mnt
"""

# An image of the tool without the package. Each takes an image of its own size to compress and to unpack.
TOOLS = {
    "initramfs-tools": """printf '%s\\n' MODULES=list COMPRESS=zstd COMPRESSLEVEL=1 >/etc/initramfs-tools/conf.d/tests
        printf '%s\\n' ext4 virtio_pci virtio_blk >>/etc/initramfs-tools/modules
        update-initramfs -c -k all""",
    "dracut": """dpkg -r --force-depends initramfs-tools
        printf '%s\\n' 'hostonly=no' 'drivers="ext4 virtio_pci virtio_blk"' 'compress="zstd -1"' 'early_microcode=no' >/etc/dracut.conf.d/tests.conf
        dpkg -i /run/debs/dracut_*.deb""",
}

# What packages leave to Debian's tools, and files of the test.
FILES = """find / -xdev ! -path '/var/lib/dpkg/*' ! -path '/var/lib/apt/*' ! -path '/var/cache/*' ! -path '/var/log/*' ! -path '/tmp/*' | sort"""


def package(release):
    [deb] = make_debs(CACHE, release, Path(__file__).parents[2]).glob("pcipath_*.deb")
    return deb


def older(deb, directory):
    """The same package with a lower version."""
    run("dpkg-deb", "-R", deb, directory / "older")
    control = directory / "older/DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 0.9.0-1", control.read_text(), flags=re.MULTILINE))
    run("dpkg-deb", "--root-owner-group", "-b", directory / "older", directory / "pcipath_0.9.0-1_amd64.deb")
    return directory / "pcipath_0.9.0-1_amd64.deb"


def boot(machine, release, tmp_path):
    """With the packages below /media, and no name by PCI path."""
    (tmp_path / "debs").mkdir()
    for deb in (package(release), older(package(release), tmp_path)):
        shutil.copy(deb, tmp_path / "debs")
    for name in ("data", "more", "debs"):
        run("mke2fs", "-q", "-t", "ext4", "-L", name, *(["-d", tmp_path / "debs"] if name == "debs" else []), machine.add_drive(name))
    machine.boot("root=LABEL=root")
    machine.run("mkdir -p /media && mount LABEL=debs /media")
    check_nothing(machine)


def apt(machine, *arguments):
    """What apt-get says. It has no lists, and finds all that the package depends on installed."""
    return machine.run(f"DEBIAN_FRONTEND=noninteractive apt-get -q -y {' '.join(arguments)} 2>&1")


def check_nothing(machine):
    machine.run(f"[ ! -e {LINKS} ] && ! udevadm info --export-db | grep PCI_PATH")
    assert names_of_interfaces(machine) == {}


def check_everything(machine):
    """Without waiting: whoever has installed the package can use the names."""
    check_disks(machine)
    check_interfaces(machine)
    check_helper(machine)


def mount(machine, links):
    """A disk by hand, another by a unit as fstab's are, each by its link; and the card is up. Returns a check that it is still so."""
    data, more = ([link for link, node in links.items() if node == machine.disks()[name]][0] for name in ("data", "more"))
    name = interface_of(machine, "card")["by-pci-path"]
    machine.run(f"""printf '[Mount]\\nWhat={LINKS}/{more}\\nWhere=/srv\\n' >/run/systemd/system/srv.mount
        systemctl daemon-reload && systemctl start srv.mount && mount {LINKS}/{data} /mnt && ip link set {name} up
        echo data >/mnt/file && echo more >/srv/file""")
    state = ("findmnt -n -o SOURCE /mnt && findmnt -n -o SOURCE /srv && cat /mnt/file /srv/file && systemctl is-active srv.mount && "
             "systemctl show -p InvocationID srv.mount && cat /sys/class/net/*/flags")
    before = machine.run(state)
    assert "data\nmore\nactive\n" in before

    def check():
        assert machine.run(state) == before
    return check


def watch(machine):
    """Have the guest write down what happens to the links and the interfaces' names."""
    machine.run(f"""perl /usr/local/libexec/watch-links.pl {LINKS} /run/links </dev/null >/dev/null 2>&1 &
        ip -o monitor link </dev/null >/run/interfaces 2>&1 &
        until [ -s /run/links ]; do :; done
        until [ -s /run/interfaces ]; do ip link set {interface_of(machine, 'card')['ifname']} alias watched; done""")


def check_watched(machine, links, name):
    """No link went, not even for a moment, and the interface had its name all the time."""
    first, *events = machine.run("cat /run/links").splitlines()
    assert first.split() == ["watching", *sorted(links)]
    assert {event for event in events if event.split()[1] in links} <= {f"replace {link}" for link in links}
    records = [line for line in machine.run("cat /run/interfaces").splitlines() if "link/ether" in line]
    assert records and all(f"altname {name}" in record for record in records)


def test_running_guest(make_machine, release, tmp_path):
    with make_machine(TOPOLOGY, kind="nosystemd", release=release, bare=True) as machine:
        boot(machine, release, tmp_path)
        files = machine.run(FILES)
        apt(machine, "install /media/pcipath_0.9.0-1_amd64.deb")
        check_everything(machine)
        links, name = check_links(machine), interface_of(machine, "card")["by-pci-path"]
        assert len(links) == 4

        machine.run("systemctl --quiet enable --now pcipath-cdi.service")
        check_use = mount(machine, links)
        watch(machine)
        for arguments in ("--reinstall install /media/pcipath_0.9.0-1_amd64.deb", f"install /media/{package(release).name}"):
            apt(machine, arguments)
            check_everything(machine)
            check_use()
            machine.run(f"ip link set {name} alias {len(arguments)}")
        # The files of the new version, not of the one that was replaced.
        machine.run('[ /usr/bin/pcipath -ef "/proc/$(systemctl show -P MainPID pcipath-cdi.service)/exe" ]')
        assert machine.run("dpkg-query -W -f '${Version}' pcipath") == package(release).name.split("_")[1]
        check_watched(machine, links, name)

        assert "WARNING" not in apt(machine, "remove pcipath")
        check_nothing(machine)
        machine.run("[ ! -e /run/cdi/pcipath.dev-disk.json ]")
        check_use()
        # It is a watch that sees.
        assert {f"delete {link}" for link in links} <= set(machine.run("cat /run/links").splitlines())
        assert f"altname {name}" not in machine.run("cat /run/interfaces").splitlines()[-1]
        apt(machine, "purge pcipath")
        assert machine.run(FILES) == files


def in_root(root, debs, out, commands):
    """The image below /boot after commands in the root file system."""
    subprocess.run(["unshare", "--mount", "--propagation=private", "sh", "-euc", IN_ROOT, "in-root", root, debs, out, commands],
                   check=True, stdin=subprocess.DEVNULL)
    return (out / "image").rename(out / f"image-{len(list(out.iterdir()))}")


@pytest.mark.parametrize("tool", TOOLS)
def test_next_boot(make_machine, release, tool, tmp_path):
    """dpkg's triggers alone make the images. The package is removed where root is by PCI path, which it says before it does."""
    debs = tmp_path / "debs"
    debs.mkdir()
    shutil.copy(package(release), debs)
    if tool == "dracut":
        for deb in downloaded("dracut", release, lambda archive: archive.get("download", "dracut")).glob("*.deb"):
            shutil.copy(deb, debs)
    with make_machine([*root_ports(2), virtio("root", "port1"), card("card", "port0")], kind="nosystemd", release=release, bare=True) as machine:
        machine.keep_root()
        in_root(machine.root, debs, tmp_path, TOOLS[tool])
        machine.initrd = in_root(machine.root, debs, tmp_path, "dpkg -i /run/debs/pcipath_*.deb")
        machine.boot("root=pcipath:02.1/00.0")
        check_everything(machine)
        # Triggers are left for the next call of dpkg: one image more by the emulated processor would take minutes.
        said = machine.run("dpkg --no-triggers -r pcipath 2>&1 && sync")
        assert re.search(r"WARNING(.|\n)*/proc/cmdline: .*root=pcipath:02\.1/00\.0", said), said
        check_nothing(machine)
        machine.stop()

        machine.initrd = in_root(machine.root, debs, tmp_path, "dpkg --triggers-only --pending && dpkg -P pcipath")
        machine.boot("root=LABEL=root")
        check_nothing(machine)


def test_power_cut(make_machine, release, tmp_path):
    """The package is unpacked and not configured: the next boot has the names, and dpkg can go on."""
    with make_machine(TOPOLOGY, kind="nosystemd", release=release, bare=True) as machine:
        machine.keep_root()
        boot(machine, release, tmp_path)
        machine.run(f"dpkg --unpack /media/{package(release).name} && sync")
        machine.boot("root=LABEL=root")
        machine.settle()
        assert machine.run("dpkg-query -W -f '${db:Status-Status}' pcipath") == "unpacked"
        check_everything(machine)
        machine.run("dpkg --configure -a")
        check_everything(machine)
