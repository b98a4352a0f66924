# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random machines, each legal: what a host could plug together and a kernel would show; and large ones.

The same seed gives the same machine on every computer. `size` bounds the number of PCI functions.
"""

import random

from trees import machine as m
from trees.sysfs import overflow, vf_devfn

PLATFORMS = ["", "", "", "platform/4010000000.pcie", "platform/soc/30000000.pcie", "LNXSYSTM:00/LNXSYBUS:00/PNP0A08:00"]


class Generator:
    def __init__(self, seed, size):
        self.random = random.Random(seed)
        self.left = size
        self.subsystems = []  # of NVMe, each with its namespaces by their ids

    def chance(self, one_in):
        return self.random.randrange(one_in) == 0

    def take(self):
        self.left -= 1
        return self.left >= 0

    # -- Disks --

    def disk(self):
        return m.Disk(partitions=self.random.choice([0, 0, 0, 1, 2]))

    def lun_number(self):
        return self.random.choice([0, 1, self.random.randrange(256), self.random.randrange(256, 0x4000)])

    def luns(self, channels):
        addresses = {(self.random.randrange(channels), self.random.randrange(256), self.lun_number())
                     for _ in range(self.random.randint(1, 2))}
        return [m.Lun(target, lun, channel, self.disk()) for channel, target, lun in sorted(addresses)]

    def below(self):
        """What an ordinary function drives; often nothing that has disks."""
        match self.random.randrange(12):
            case 0 | 1 | 2 | 3:
                return [m.VirtioBlk(self.disk())]
            case 4 | 5:
                return [m.VirtioScsi(self.luns(channels=1))]
            case 6 | 7:
                return [self.nvme()]
            case 8:
                return [m.Ata([self.ata_port(n) for n in self.random.sample(range(1, 7), self.random.randint(1, 2))])]
            case 9 if self.chance(2):
                return [m.ScsiHosts([self.luns(channels=2) for _ in range(self.random.randint(1, 2))])]
            case 10 if self.chance(2):
                return [self.random.choice([m.Mmc(self.disk()), m.Pmem(self.disk()),
                                            m.VirtioPmem(self.disk(), self.random.choice(["namespace", "pfn", "btt"]))])]
            case 11 if self.chance(2):
                return [self.random.choice([self.usb, self.fibre_channel, self.sas])()]
        return []

    def nvme(self):
        nsids = self.random.sample([1, 2, 3, 17, 4294967294], self.random.randint(1, 2))
        if self.chance(2):
            return m.Nvme([m.Namespace(nsid, self.disk()) for nsid in nsids])
        if not self.subsystems or self.chance(4):
            self.subsystems.append((m.NvmeSubsystem(), {}))
        subsystem, known = self.random.choice(self.subsystems)
        namespaces = [known.setdefault(nsid, m.Namespace(nsid, self.disk())) for nsid in nsids]
        if self.chance(4) and namespaces[0] not in subsystem.fabric:
            subsystem.fabric.append(namespaces[0])
        return m.Nvme(namespaces, subsystem, self.random.choice(["live", "live", "live", "resetting", "deleting", "dead"]),
                      lost=namespaces[:1] if self.chance(6) else [])

    def fibre_channel(self):
        names = {f"0x{self.random.getrandbits(64):016x}" for _ in range(self.random.randint(1, 2))}
        return m.FibreChannel({name: [m.Lun(0, self.lun_number(), disk=self.disk())] for name in sorted(names)})

    def sas(self):
        expander = f"0x{self.random.getrandbits(64):016x}"
        devices = [m.SasDevice(phy, f"0x{self.random.getrandbits(64):016x}", [m.Lun(0, self.lun_number(), disk=self.disk())],
                               self.random.choice([None, expander]), self.random.choice([1, 1, 2]))
                   for phy in self.random.sample(range(16), 2)]
        return m.Sas([devices, *([devices[:0]] if self.chance(3) else [])])

    def usb(self):
        ports = self.random.sample(["1", "2", "3.1", "3.2.4", "3.7"], self.random.randint(1, 3))
        root_hubs = self.random.choice([1, 2, 2])
        disks = [m.UsbDisk(port, self.luns(channels=1), self.random.randrange(root_hubs)) for port in ports]
        return m.Usb(disks, root_hubs, sockets=not self.chance(4))

    def ata_port(self, number):
        if self.chance(4):
            return m.AtaPort(number, multiplied=[(port, self.disk()) for port in self.random.sample(range(15), 2)])
        return m.AtaPort(number, self.disk(), self.disk() if self.chance(4) else None)

    # -- Functions --

    def addresses(self, most):
        """The slots and functions of a bus: small numbers more often, so that siblings elsewhere have the same."""
        found = set()
        for _ in range(self.random.randint(1, most)):
            slot = self.random.choice([0, 0, 1, 2, self.random.randrange(32)])
            found.add(f"{slot:02x}.{self.random.choice([0, 0, 0, 1, self.random.randrange(8)])}")
        return sorted(found)

    def functions(self, depth, buses, nested_allowed=True):
        """One bus. `buses`: how many bus numbers there are for what is below it; returns those not used."""
        functions = []
        for address in self.addresses(most=3):
            if functions and not self.take():
                break
            function = m.Function(address)
            functions.append(function)
            kind = self.random.randrange(10)
            if kind < 4 and depth > 0 and buses > 0:
                function.below, buses = self.functions(depth - 1, buses - 1, nested_allowed)
            elif kind == 4 and nested_allowed and self.chance(2):
                nested, _ = self.functions(depth - 1, 0x1f, nested_allowed=False)
                function.below = [m.HostBridge(self.random.choice([0, 0x80, 0xe0]), nested)]
            else:
                function.below = self.below()
                if self.chance(8):
                    buses -= self.add_vfs(functions, function, buses)
        return functions, buses

    def add_vfs(self, functions, function, buses):
        """Give it virtual functions, where routing IDs are free. Return: how many more buses they need."""
        before = overflow(functions)
        used = {f.devfn for f in functions} | {vf_devfn(f, n) for f in functions if f.vfs
                                               for n in range(len(f.vfs.functions))}
        virtual = [m.Function(None, self.below() if self.chance(2) else [])
                   for _ in range(self.random.randint(1, 3))]
        function.vfs = m.VirtualFunctions(virtual, self.random.choice([1, 8, 16, 128, 256, 256]),
                                          self.random.choice([1, 1, 2, 8]))
        wanted = {vf_devfn(function, n) for n in range(len(virtual))}
        # Siblings that come later could be in the way, so routing IDs on the same bus are for the last slots only.
        on_this_bus = any(devfn < 256 for devfn in wanted)
        if wanted & used or on_this_bus or overflow(functions) - before > buses:
            function.vfs = None
            return 0
        return overflow(functions) - before

    # -- Roots --

    def machine(self):
        roots = []
        taken = set()
        for number in range(self.random.choice([1, 1, 1, 2, 3])):
            if number and not self.take():
                break
            functions, _ = self.functions(depth=self.random.choice([1, 2, 4, 12]), buses=0x1f)
            if self.chance(8):
                guid = "-".join("%0*x" % (n, self.random.getrandbits(4 * n)) for n in (8, 4, 4, 4, 12))
                roots.append(m.VmbusRoot(functions, guid, old=self.chance(4)))
                continue
            place = (0, 0)
            if number or self.chance(4):
                place = self.random.choice([(0, 0x20), (0, 0x40), (0, 0xe0), (1, 0), (2, 0x80), (0xffff, 0)])
            if place not in taken:
                taken.add(place)
                roots.append(m.Root(functions, *place, above=self.random.choice(PLATFORMS)))
        others = [m.NoPci("platform/a003e00.virtio_mmio", virtio=True)] if self.chance(10) else []
        return m.Machine(roots, others)


def random_machine(seed, size=12):
    return Generator(seed, size).machine()


def disks_behind_ports(number, depth):
    """A domain of 250 functions: buses of as many disks as there is room for, each bus behind a chain of bridges."""
    per_bus = 250 // 10 - depth
    buses = []
    for port in range(10):
        disks = [m.function(f'{n >> 3:02x}.{n & 7}', m.VirtioBlk()) for n in range(per_bus)]
        top = m.function('00.0', *disks)
        for _ in range(depth - 1):
            top = m.function('00.0', top)
        top.address = f'{port + 1:02x}.0'
        buses.append(top)
    return m.Root(buses, domain=number)
