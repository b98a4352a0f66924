# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines that QEMU cannot make, or not all of it, and where each one's shape comes from.

`expected`: PCI paths and links typed from the naming contract, so that the oracle has something above it, too.
"""

from dataclasses import dataclass

from synthetic.parts import blk, chain, given_away, multipath, multipath_elsewhere, node, nvme, tape, usb, uverbs
from trees.machine import (Ata, AtaPort, Auxiliary, Disk, FibreChannel, Group, HostBridge, Lun, Machine, Mmc, Namespace, Net, Node, Nodes,
                           NoPci, Nvme, NvmeSubsystem, Pmem, Port, Root, Sas, SasDevice, ScsiHosts, SubFunctions, Usb, UsbDisk, VirtioPmem,
                           VirtioScsi, VirtualFunctions, VmbusRoot, function, vf)


@dataclass
class Synthetic:
    machine: Machine
    expected: set


def crowded():
    """Each kind of root, function, disk, interface and node, once: for what takes long with a machine."""
    subsystem, shared = NvmeSubsystem(), Namespace(1, Disk(1))
    given_away = [function("0b.0"), function("0b.1")]
    return Machine([
        Root([function("02.0", function("00.0", blk(1))),
              function("02.1", function("00.0", vfs=VirtualFunctions([vf(nvme(1)), vf()]))),
              function("03.0", VirtioScsi([Lun(0, 0)])),
              function("04.0", ScsiHosts([[Lun(0, 300)], [Lun(1, 2)]])),
              function("05.0", FibreChannel({"0x50060e801049cfd1": [Lun(0, 0)]})),
              function("06.0", Sas([[SasDevice(0, "0x5000c500a1b2c3d1", [Lun()])]])),
              function("07.0", Usb([UsbDisk("1.2", [Lun(0, 0)])], root_hubs=2)),
              function("08.0", Nvme([shared], subsystem)), function("08.1", Nvme([shared], subsystem)),
              function("09.0", VirtioPmem(Disk())),
              function("0a.0", Net([Port(0), Port(1), Port(0, "p0")])),
              *given_away,
              function("0c.0", Nodes([
                  node("drm/card0", "drm", "dri/by-pci-path/FLAT-card"), tape("st0", "tape/by-pci-path/FLAT-scsi-0:0:0:0"),
                  Node(usb("1", ("ttyUSB0", "usb-serial", None, {"port_number": 1}), ("tty/ttyUSB0", "tty")),
                       "serial/by-pci-path/FLAT-usb-0:1:1.0-port1")])),
              function("0e.0", HostBridge(0xe0, [function("01.0", nvme(1))])),
              function("1f.2", Ata([AtaPort(1, multiplied=[(0, blk().disk)])]))]),
        VmbusRoot([function("02.0", nvme(1))], "fd1d2cbd-ce7c-535c-966b-eb5f811c95f0")],
        groups=[Group(given_away, given_away)])


SYNTHETIC = {
    "crowded": Synthetic(crowded(), {"02.0/00.0", "02.1-00.0v0-nvme-1", "08.1-nvme-1", "0e.0-e0_01.0-nvme-1", "pci-0a.0d1"}),
    # The examples of pcipath-names(7), but for those with a machine of their own below.
    "contract": Synthetic(
        Machine([Root([function("02.0", function("00.0", blk(2))),
                       function("02.1", function("00.0", function("03.0", function("00.0", blk())))),
                       function("03.0", blk())]),
                 Root([function("00.0", function("00.0", blk()))], bus=0x40),
                 Root([function("03.0", blk())], domain=1)]),
        {"02.0", "02.0-00.0", "02.0-00.0-part2", "02.1-00.0-03.0-00.0", "03.0", "0000_40_00.0-00.0", "0001_00_03.0"}),

    # Linux drivers/pci/controller/vmd.c: vmd_enable_domain() makes a host bridge the child of function 8086:9a0b;
    # vmd_find_free_domain() numbers its domain from 0x10000. Buses start at 0, 128 or 224 (vmd_get_bus_number_start()).
    "vmd": Synthetic(
        Machine([Root([function("0e.0", HostBridge(0xe0, [function("01.0", function("00.0", nvme(1)))])),
                       function("01.0", function("00.0", nvme(1)))])]),
        {"0e.0/e0:01.0/00.0", "0e.0-e0_01.0-00.0", "0e.0-e0_01.0-00.0-nvme-1", "01.0-00.0-nvme-1"}),

    # Two of them: which has which domain is a matter of probing. Xeons have one for each root port complex.
    "vmd-two": Synthetic(
        Machine([Root([function("0e.0", HostBridge(0xe0, [function("01.0", function("00.0", nvme(1)))]))]),
                 Root([function("00.5", HostBridge(0, [function("01.0", function("00.0", nvme(1)))]))], bus=0x80),
                 Root([function("05.5", HostBridge(0x80, [function("01.0", function("00.0", nvme(1)))]))], bus=0x97)]),
        {"0e.0/e0:01.0/00.0", "0000:80:00.5/00:01.0/00.0", "0000:97:05.5/80:01.0/00.0",
         "0000_80_00.5-00_01.0-00.0-nvme-1"}),

    # Linux drivers/pci/controller/pci-hyperv.c: hv_pci_probe() takes the domain from two bytes of the GUID, or a free
    # one when another device has it: these two ask for the same. An Azure guest's NVMe disk and its network function.
    "hyperv": Synthetic(
        Machine([VmbusRoot([function("02.0", nvme(1, 2))], "fd1d2cbd-ce7c-535c-966b-eb5f811c95f0"),
                 VmbusRoot([function("02.0")], "00000001-ce7c-535c-a0b1-c2d3e4f50617")]),
        {"fd1d2cbdce7c535c966beb5f811c95f0:02.0", "fd1d2cbdce7c535c966beb5f811c95f0_02.0-nvme-2",
         "00000001ce7c535ca0b1c2d3e4f50617:02.0"}),

    # An Azure guest of the v6 sizes: an NVMe controller with the disks as namespaces, a local NVMe disk, and one MANA function whose ports
    # are the virtual functions of two cards (their lspci has 7870:00:00.0, their interfaces are enP30832s1 and enP30832s1d1). The
    # synthetic disks of storvsc below VMBus are no PCI devices: they have no name.
    "azure": Synthetic(
        Machine([VmbusRoot([function("00.0", Nvme([Namespace(1, Disk(3)), Namespace(2), Namespace(3)]))], "c05b0000-ce7c-535c-966b-eb5f811c95f0"),
                 VmbusRoot([function("00.0", nvme(1))], "5c81a1b2-05e4-4f1d-9d83-0e5e0c7e9ab1"),
                 VmbusRoot([function("00.0", Net([Port(0), Port(1)]))], "00000000-7870-4f12-a1d4-5e31b5ab6a10")],
                others=[NoPci("LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00/00000000-0001-8899-0000-000000000000/host0/target0:0:0/0:0:0:0",
                              disk=Disk(1))]),
        {"c05b0000ce7c535c966beb5f811c95f0:00.0", "c05b0000ce7c535c966beb5f811c95f0_00.0-nvme-1-part3", "c05b0000ce7c535c966beb5f811c95f0_00.0-nvme-3",
         "5c81a1b205e44f1d9d830e5e0c7e9ab1_00.0-nvme-1", "pci-0000000078704f12a1d45e31b5ab6a10_00.0",
         "pci-0000000078704f12a1d45e31b5ab6a10_00.0d1"}),

    # Before Linux 4.14 (f6b2db084b65, "vmbus: make sure sysfs names ... uuid") the device was called vmbus_N_M.
    "hyperv-old": Synthetic(
        Machine([VmbusRoot([function("00.0", nvme(1))], "fd1d2cbd-ce7c-535c-966b-eb5f811c95f0", old=True)]),
        {"fd1d2cbdce7c535c966beb5f811c95f0:00.0"}),

    # Linux drivers/pci/iov.c: virtfn_add_bus(). First VF Offset 256: the virtual functions are on the next bus and have
    # the slot and function of the physical one, and all are children of the same port.
    "vf-overflow": Synthetic(
        Machine([Root([function("02.0", function("00.0", nvme(1), vfs=VirtualFunctions(
            [vf(nvme(1)), vf(nvme(1)), vf(), vf(nvme(1))], offset=256, stride=1)))])]),
        {"02.0/00.0", "02.0/00.0v0", "02.0/00.0v3", "02.0-00.0-nvme-1", "02.0-00.0v0-nvme-1"}),

    # Two physical functions whose virtual ones interleave on the next bus: Intel 82576 (offset 384, stride 2).
    "vf-two-physfns": Synthetic(
        Machine([Root([function("02.0",
                                function("00.0", vfs=VirtualFunctions([vf() for _ in range(7)], offset=384, stride=2)),
                                function("00.1", nvme(1), vfs=VirtualFunctions([vf(nvme(1)) for _ in range(7)],
                                                                               offset=384, stride=2)))])]),
        {"02.0/00.0v6", "02.0/00.1v0", "02.0-00.1v6-nvme-1", "02.0-00.1-nvme-1"}),

    # ARI: virtual functions have devfn 16 to 255, shown as slots that are not there; and 300 of them, over two buses.
    "vf-ari": Synthetic(
        Machine([Root([function("02.0", function("00.0", vfs=VirtualFunctions(
            [vf() for _ in range(299)] + [vf(nvme(1))], offset=16, stride=1)))])]),
        {"02.0/00.0v0", "02.0/00.0v9", "02.0/00.0v10", "02.0/00.0v299", "02.0-00.0v299-nvme-1"}),

    # A physical function on the root bus, and virtual functions that are virtio: their path begins with a function.
    "vf-root-bus": Synthetic(
        Machine([Root([function("05.0", vfs=VirtualFunctions([vf(blk(1)), vf(VirtioScsi([Lun(0, 0)]))], offset=8))])]),
        {"05.0v0", "05.0v0-part1", "05.0v1-scsi-0:0:0:0"}),

    # Linux drivers/nvme/host/multipath.c: nvme_mpath_set_disk_name(), nvme_mpath_set_live(), nvme_available_path().
    "nvme-multipath": Synthetic(
        multipath(),
        {"02.0-00.0-nvme-1", "02.1-00.0-nvme-1-part2", "02.3-00.0-nvme-1-part1", "02.0-00.0-nvme-4", "02.3-00.0-nvme-4-part1",
         "02.1-00.0-nvme-2", "02.2/00.0", "02.4/00.0"}),
    "nvme-multipath-elsewhere": Synthetic(multipath_elsewhere(), {"03.0-nvme-1-part1", "04.0-nvme-1"}),

    # Linux arch/s390/pci/pci_bus.c: each function's domain is its UID; a multifunction one has one domain.
    "s390": Synthetic(
        Machine([Root([function("00.0", blk())], domain=1), Root([function("00.0", blk(1))], domain=0x1234),
                 Root([function("00.0"), function("00.1", nvme(1))], domain=0xffff),
                 Root([function("00.0", vfs=VirtualFunctions([vf(), vf()], offset=1))], domain=2)],
                others=[NoPci("css0/0.0.0001/0.0.0100", virtio=True)]),
        {"0001:00:00.0", "1234:00:00.0", "1234_00_00.0-part1", "ffff:00:00.1", "0002:00:00.0v1"}),

    # Cloud Hypervisor vmm/src/pci_segment.rs: one host bridge for each segment, bus 0, no bridge below it.
    "cloud-hypervisor": Synthetic(
        Machine([Root([function("01.0", blk(1)), function("1f.0", blk())], domain=segment) for segment in (0, 1, 15)]),
        {"01.0", "01.0-part1", "0001:00:01.0", "000f_00_01.0-part1", "000f:00:1f.0"}),

    # Firecracker src/vmm/src/device_manager/pci_mngr.rs: one segment, slots in the order of attaching.
    "firecracker": Synthetic(
        Machine([Root([function("00.0"), function("01.0", blk(1)), function("02.0")])]),
        {"01.0", "01.0-part1"}),

    # Firecracker without PCI, and other disks that are no business of ours.
    "no-pci": Synthetic(
        Machine([], [NoPci("virtual"), NoPci("platform/d0000000.virtio_mmio", virtio=True, disk=Disk(1)),
                     NoPci("LNXSYSTM:00/LNXSYBUS:00/LNRO0005:00", virtio=True)]),
        set()),

    # Device-tree machines: the host bridge is a platform device. The kernel gives it domain 0 (QEMU virt), or, with
    # linux,pci-domain or several bridges, others (drivers/pci/pci.c, pci_bus_find_domain_nr()).
    "device-tree": Synthetic(
        Machine([Root([function("01.0", function("00.0", blk()))], above="platform/4010000000.pcie"),
                 Root([function("00.0", function("00.0", nvme(1)))], domain=4, above="platform/soc/600e0000.pcie")]),
        {"01.0/00.0", "0004:00:00.0/00.0", "0004_00_00.0-00.0-nvme-1"}),

    # pseries: each host bridge is a domain (arch/powerpc/kernel/pci-common.c, get_phb_number()).
    "pseries": Synthetic(
        Machine([Root([function("03.0", VirtioScsi([Lun(0, 0), Lun(3, 300)]))], domain=n) for n in (0, 1, 2)]),
        {"03.0", "0001:00:03.0", "0002_00_03.0-scsi-0:0:3:300"}),

    # Intel Xeon: several host bridges in domain 0, whose buses firmware spread.
    "xeon": Synthetic(
        Machine([Root([function("1f.2", Ata([AtaPort(1, Disk(2)), AtaPort(6, Disk())]))]),
                 Root([function("02.0", function("00.0", nvme(1)))], bus=0x17),
                 Root([function("02.0", function("00.0", nvme(1)))], bus=0xff - 3)]),
        {"1f.2-ata-1.0", "1f.2-ata-1.0-part2", "1f.2-ata-6.0", "0000:17:02.0/00.0", "0000_fc_02.0-00.0-nvme-1"}),

    # IDE with a slave, port multipliers: drivers/ata/libata-transport.c, drivers/ata/libata-scsi.c (the multiplier's
    # port is the SCSI channel), words of systemd src/udev/udev-builtin-path_id.c, handle_scsi_ata().
    "ata": Synthetic(
        Machine([Root([function("01.1", Ata([AtaPort(1, Disk(), slave=Disk(1)), AtaPort(2, slave=Disk())])),
                       function("1f.2", Ata([AtaPort(3, multiplied=[(0, Disk()), (1, Disk()), (14, Disk(1))]),
                                             AtaPort(4, Disk())]))])]),
        {"01.1-ata-1.0", "01.1-ata-1.1-part1", "01.1-ata-2.1", "1f.2-ata-3.0", "1f.2-ata-3.14.0-part1"}),

    # The word's host counts from the function's first, its LUN as the host does; channels are a RAID controller's.
    "scsi": Synthetic(
        Machine([Root([function("02.0", VirtioScsi([Lun(0, 0), Lun(1, 255), Lun(1, 256), Lun(255, 16383),
                                                        Lun(1, 5), Lun(1, 5, flat=True), Lun(1, 255, flat=True)])),
                       function("03.0", VirtioScsi([Lun(0, 0)])),
                       function("04.0", ScsiHosts([[Lun(2, 0, channel=2)], [Lun(2, 0, channel=2, disk=Disk(1))],
                                                   [Lun(0, 1)]]))])]),
        {"02.0-scsi-0:0:1:255", "02.0-scsi-0:0:1:256", "02.0-scsi-0:0:1:5", "02.0-scsi-0:0:1:16389", "02.0-scsi-0:0:1:16639", "02.0-scsi-0:0:255:16383", "03.0-scsi-0:0:0:0",
         "04.0-scsi-0:2:2:0", "04.0-scsi-1:2:2:0-part1", "04.0-scsi-2:0:0:1"}),

    # Linux drivers/scsi/scsi_transport_fc.c: a target below a remote port. Words of systemd, handle_scsi_fibre_channel().
    "fibre-channel": Synthetic(
        Machine([Root([function("02.0", function("00.0", FibreChannel({
            "0x50060e801049cfd1": [Lun(0, 0, disk=Disk(1)), Lun(0, 7), Lun(0, 7, flat=True)], "0x21000024ff5ed36a": [Lun(0, 0)]})))])]),
        {"02.0-00.0-fc-0x50060e801049cfd1-lun-0-part1", "02.0-00.0-fc-0x50060e801049cfd1-lun-7",
         "02.0-00.0-fc-0x21000024ff5ed36a-lun-0"}),

    # Linux drivers/scsi/scsi_transport_sas.c. Words of systemd, handle_scsi_sas(): the phy of the adapter or of an
    # expander, or the address of what is attached by several. A second host could have the same phy.
    "sas": Synthetic(
        Machine([Root([function("03.0", function("00.0", Sas([[
                           SasDevice(0, "0x5000c500a1b2c3d1", [Lun(disk=Disk(1))]),
                           SasDevice(3, "0x5000c500a1b2c3d5", [Lun(0, 1)]),
                           SasDevice(3, "0x5000c500a1b2c3d9", [Lun()], expander="0x500304800000007f"),
                           SasDevice(4, "0x5000c500a1b2c3dd", [Lun()], phys=2)]]))),
                       function("04.0", Sas([[SasDevice(0, "0x5000c500a1b2c3e1", [Lun()])],
                                             [SasDevice(0, "0x5000c500a1b2c3e5", [Lun()])]]))])]),
        {"03.0-00.0-sas-phy0-lun-0-part1", "03.0-00.0-sas-phy3-lun-1", "03.0-00.0-sas-exp0x500304800000007f-phy3-lun-0",
         "03.0-00.0-sas-0x5000c500a1b2c3dd-lun-0", "04.0-sas-phy0-lun-0"}),

    # Linux drivers/usb/core: a device is a child of its hub, and storage a SCSI host below an interface. Words of systemd
    # src/udev/udev-builtin-path_id.c, handle_usb(). A USB 3 controller has two root hubs; a card reader several LUNs.
    "usb": Synthetic(
        Machine([Root([function("02.0", function("00.0", Usb([
                           UsbDisk("1", [Lun(disk=Disk(2))]), UsbDisk("2", [Lun()], root_hub=1),
                           UsbDisk("3.4.1", [Lun(0, 0), Lun(0, 3, disk=Disk(1))]), UsbDisk("3.4.2", [Lun()]),
                           UsbDisk("4", [Lun()], interface="1.0"), UsbDisk("4", [Lun()], interface="1.1")]))),
                       function("1d.0", Usb([UsbDisk("1", [Lun()])], root_hubs=1))])]),
        {"02.0-00.0-usb-0:1:1.0-scsi-0:0:0:0-part2", "02.0-00.0-usb-0:2:1.0-scsi-0:0:0:0",
         "02.0-00.0-usb-0:3.4.1:1.0-scsi-0:0:0:3-part1", "02.0-00.0-usb-0:4:1.1-scsi-0:0:0:0",
         "1d.0-usb-0:1:1.0-scsi-0:0:0:0"}),

    # Ports of one number that are not halves of one socket could have two devices of one name: neither gets it.
    "usb-no-sockets": Synthetic(
        Machine([Root([function("14.0", Usb([UsbDisk("1", [Lun(disk=Disk(1))]), UsbDisk("1", [Lun()], root_hub=1)],
                                            sockets=False))])]),
        {"14.0"}),

    # Linux drivers/nvdimm/virtio_pmem.c, virtio_pmem_probe(). Nothing says of other persistent memory that it is alone.
    "pmem": Synthetic(
        Machine([Root([function(f"02.{number}", VirtioPmem(Disk(1), claim))
                       for number, claim in enumerate(["namespace", "pfn", "btt"])] +
                      [function("03.0", Pmem(Disk(1)))])]),
        {"02.0", "02.1-part1", "02.2"}),
    # Linux include/linux/netdevice.h: dev_port (Mellanox ConnectX-3, both ports in one function), ndo_get_phys_port_name
    # (mlx5: p0, and pf0vf1 for the representor of a virtual function); virtual functions of an SR-IOV card.
    "network": Synthetic(
        Machine([Root([function("02.0", function("00.0", Net(virtio=True))),
                       function("02.1", function("00.0", Net([Port(0), Port(1)]))),
                       function("02.2", function("00.0", Net([Port(0, "p0"), Port(0, "pf0vf0"), Port(0, "pf1vf0")]),
                                                 vfs=VirtualFunctions([vf(Net()), vf(Net(virtio=True))], offset=256))),
                       function("02.3", Net(), function("00.0", Net()))]),
                 Root([function("00.0", Net())], bus=0x40)]),
        {"pci-02.0-00.0", "pci-02.1-00.0", "pci-02.1-00.0d1", "pci-02.2-00.0np0", "pci-02.2-00.0npf1vf0",
         "pci-02.2-00.0v1", "pci-0000_40_00.0"}),

    # Linux drivers/net/ethernet/mellanox/mlx5/core/sf/dev/dev.c: sfnum is an attribute of an auxiliary device, whose children
    # are the interface and the RDMA node. Another auxiliary device is a part of the function (drivers/base/auxiliary.c).
    "sub-functions": Synthetic(
        Machine([Root([function("02.0", function("00.0", Net(), SubFunctions({
                           88: [Net(), uverbs(1)], 0: [Net([Port(0), Port(1)])], 4294967295: [Net([Port(0, "p0")]), nvme(1)]}),
                           uverbs(0), vfs=VirtualFunctions([vf(SubFunctions({99: [Net()]}))]))),
                       function("03.0", Auxiliary([Net()]))])]),
        {"pci-02.0-00.0", "pci-02.0-00.0S88", "pci-02.0-00.0v0S99", "pci-02.0-00.0S0", "pci-02.0-00.0S0d1", "pci-02.0-00.0S4294967295np0",
         "infiniband/by-pci-path/02.0-00.0-sf-88", "infiniband/by-pci-path/02.0-00.0", "02.0-00.0-sf-4294967295-nvme-1"}),

    # Two that nothing tells apart have no name; neither has one with a name that an interface cannot have.
    "network-alike": Synthetic(
        Machine([Root([function("02.0", Net([Port(0), Port(1), Port(1)])), function("03.0", Net([Port(), Port()])),
                       function("04.0", Net([Port(0, "a b"), Port(0, "a:b"), Port(0, "a/b"), Port(0, "%s"), Port(0, "\x1b"),
                                             Port(0, "p\nID_NET_NAME_PCI_PATH=x"), Port(0, "\xe9"), Port(0, "p;$'\"b")]))])]),
        {"pci-02.0", "pci-04.0np;$'\"b"}),

    # The longest alternative name, 127 bytes, and one that is too long; a bridge may have an interface, too.
    "network-deep": Synthetic(
        Machine([Root([chain(24, Net([Port(0), Port(0, "abc"), Port(0, "abcd")]))])]),
        {"pci-" + "-".join(["00.0"] * 24), "pci-" + "-".join(["00.0"] * 24) + "nabc"}),

    # Nodes with a by-path/: words of systemd's rules 60-*.rules. Those of one kind that nothing tells apart have no link.
    "nodes": Synthetic(
        Machine([Root([
            function("02.0", function("00.0", Nodes([node("drm/card0", "drm", "dri/by-pci-path/FLAT-card"),
                                                     node("drm/renderD128", "drm", "dri/by-pci-path/FLAT-render")]))),
            function("02.1", Nodes([node("drm/card1", "drm"), node("drm/card2", "drm")])),
            function("03.0", Nodes([node("tty/ttyS4", "tty", "serial/by-pci-path/FLAT")])),
            function("03.1", Nodes([node("tty/ttyS5", "tty"), node("tty/ttyS6", "tty")])),
            function("04.0", Nodes([node("virtio-ports/vport0p1", "virtio-ports", "virtio-ports/by-pci-path/FLAT-org.qemu:0", name="org.qemu:0"),
                                    node("virtio-ports/vport0p2", "virtio-ports", name=""), node("virtio-ports/vport0p3", "virtio-ports"),
                                    node("virtio-ports/vport0p4", "virtio-ports", name="twice"),
                                    node("virtio-ports/vport0p5", "virtio-ports", name="twice")], virtio=True)),
            function("05.0", Nodes([Node([("input/input1", "input"), ("event1", "input")], "input/by-pci-path/FLAT-event-kbd",
                                         "ID_INPUT_KEYBOARD=1\n")], virtio=True)),
            function("05.1", Nodes([Node([("input/input2", "input"), ("event2", "input")])], virtio=True)),
            function("06.0", Nodes([
                Node(usb("1", ("0003:0627:0001.0001", "hid"), ("input/input3", "input"), ("event3", "input")),
                     "input/by-pci-path/FLAT-usb-0:1:1.0-event-mouse", "ID_INPUT_MOUSE=1\n"),
                Node(usb("1", ("0003:0627:0001.0001", "hid"), ("input/input3", "input"), ("mouse0", "input")),
                     "input/by-pci-path/FLAT-usb-0:1:1.0-mouse", "ID_INPUT_MOUSE=1\n"),
                Node(usb("2", ("ttyUSB0", "usb-serial", None, {"port_number": 1}), ("tty/ttyUSB0", "tty")),
                     "serial/by-pci-path/FLAT-usb-0:2:1.0-port1"),
                Node(usb("3", ("tty/ttyACM0", "tty")), "serial/by-pci-path/FLAT-usb-0:3:1.0"),
                Node(usb("4", ("0003:0627:0001.0002", "hid"), ("input/input4", "input"), ("event4", "input")), None, "ID_INPUT_KEYBOARD=1\n"),
                Node(usb("4", ("0003:0627:0001.0002", "hid"), ("input/input5", "input"), ("event5", "input")), None, "ID_INPUT_KEYBOARD=1\n")])),
            function("07.0", Nodes([Node([("sound/card0", "sound"), ("controlC0", "sound")], "snd/by-pci-path/FLAT")])),
            function("07.1", Nodes([Node([(f"sound/card{n}", "sound"), (f"controlC{n}", "sound")]) for n in (1, 2)])),
            function("08.0", Nodes([node(f"video4linux/video{n}", "video4linux", f"v4l/by-pci-path/FLAT-video-index{n}", index=n) for n in (0, 1)])),
            function("09.0", Nodes([node("vfio-dev/vfio0", "vfio-dev", "vfio/devices/by-pci-path/FLAT")])),
            function("0a.0", Nodes([tape("st0", "tape/by-pci-path/FLAT-scsi-0:0:0:0"), tape("nst0", "tape/by-pci-path/FLAT-scsi-0:0:0:0-nst"),
                                    tape("st0a", None)])),
            function("0b.0", Nodes([node("infiniband_verbs/uverbs0", "infiniband_verbs", "infiniband/by-pci-path/FLAT")]))])]),
        {"dri/by-pci-path/02.0-00.0-card", "virtio-ports/by-pci-path/04.0-org.qemu:0", "vfio/devices/by-pci-path/09.0",
         "input/by-pci-path/06.0-usb-0:1:1.0-event-mouse"}),

    "vfio": Synthetic(given_away(), {"vfio/by-pci-path/03.0-01.0", "vfio/by-pci-path/03.0-02.0", "vfio/by-pci-path/04.0-00.0",
                                     "vfio/by-pci-path/04.2-00.0"}),

    # A kind without words gets a path and no link.
    "mmc": Synthetic(Machine([Root([function("1a.0", Mmc(Disk(2)))])]), {"1a.0"}),

    # Deep: every hop is one of 26 bridges; then the longest link that is made (51 hops: 254 bytes), and one more.
    "deep": Synthetic(Machine([Root([chain(26, blk(1))])]), {"-".join(["00.0"] * 26) + "-part1"}),
    "deep-longest-link": Synthetic(Machine([Root([chain(51, blk())])]), {"-".join(["00.0"] * 51)}),
    # "-part1" is the one that is too long.
    "deep-part-too-long": Synthetic(Machine([Root([chain(51, blk(1))])]), {"-".join(["00.0"] * 51)}),
    "deep-link-too-long": Synthetic(Machine([Root([chain(52, blk())])]), {"/".join(["00.0"] * 52)}),
}

# Rows of the README's table: see tests/conftest.py.
COVERS = {
    "vmd": "Root bus: VMD: a host bridge below a PCI function",
    "vmd-two": "Root bus: VMD: two controllers whose PCI domains are swapped between boots",
    "hyperv": "Root bus: Hyper-V: named by the GUID of the VMBus device, not by the PCI domain",
    "azure": "Platform: Azure: NVMe disks and MANA below VMBus",
    "hyperv-old": "Root bus: Hyper-V before Linux 4.14",
    "s390": "Root bus: s390: one PCI domain for each UID",
    "cloud-hypervisor": "Root bus: Cloud Hypervisor: one host bridge for each PCI segment",
    "firecracker": "Root bus: Firecracker with PCI",
    "device-tree": "Root bus: device tree: host bridges below platform devices of any name",
    "pseries": "Root bus: pseries: one PCI domain for each host bridge",
    "xeon": "Root bus: several host bridges in one PCI domain",
    "no-pci": "Root bus: none: virtio-mmio, channel I/O and loop devices have no name, and no error is printed",
    "vf-overflow": "Function: virtual functions on the next bus, with the slot and function number of another function",
    "vf-two-physfns": "Function: virtual functions of two physical functions with interleaved addresses",
    "vf-ari": "Function: 300 virtual functions (ARI)",
    "vf-root-bus": "Function: virtual functions of a function on the root bus",
    "deep": "Bridge: 26 bridges in a row",
    "deep-longest-link": "Bridge: links of the longest file name (255 bytes), and longer names",
    "deep-part-too-long": "Bridge: links of the longest file name (255 bytes), and longer names",
    "deep-link-too-long": "Bridge: links of the longest file name (255 bytes), and longer names",
    "ata": "Disk: ATA: master and slave, port multipliers",
    "scsi": "Disk: SCSI: LUNs above 255, channels, several SCSI hosts of one function",
    "fibre-channel": "Disk: Fibre Channel",
    "sas": "Disk: SAS: behind expanders, and connected by several phys",
    "usb": "Disk: USB: behind hubs, with several LUNs, with several interfaces",
    "usb-no-sockets": "Disk: USB ports that cannot be told apart: no link",
    "nvme-multipath": "Disk: NVMe multipath: one link for each live path",
    "nvme-multipath-elsewhere": "Disk: NVMe multipath: paths over a fabric have no link",
    "pmem": "Disk: persistent memory: virtio-pmem; no link for other kinds",
    "network": "Interface: several ports, representors, virtual functions",
    "sub-functions": "Interface: sub-functions (SF) and their RDMA device nodes",
    "network-alike": "Interface: ambiguous interfaces, hostile names of ports",
    "network-deep": "Interface: names of the longest length (127 bytes), and longer names",
    "nodes": "Device node: every kind for which udev has a directory by-path/",
    "vfio": "Device node: VFIO groups, with and without an IOMMU",
    "mmc": "Disk: kinds of disks without a suffix: a path, no link",
}
