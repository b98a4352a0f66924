# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Writes down what happens to the names in a directory: "create NAME", "delete NAME", "replace NAME" for a rename to a name,
# "from NAME" for one from it. Before that "watching" and the names that there are. Started in the initramfs, it goes on in
# what comes after: it holds the directory itself, wherever it is mounted, and the log. With nothing but perl's own words.
my ($directory, $log) = @ARGV;
my %words = (0x40 => "from", 0x80 => "replace", 0x100 => "create", 0x200 => "delete");

chdir $directory or die "$directory: $!";
open my $out, ">", $log or die "$log: $!";
my $watch = syscall 294, 0;                                              # inotify_init1(), x86-64
0 <= syscall 254, $watch, "$directory", 0x3c0 or die "$directory: $!";   # inotify_add_watch()
open my $events, "<&=", $watch or die $!;
opendir my $names, "." or die $!;
syswrite $out, join(" ", "watching", sort grep { !/^\.\.?$/ } readdir $names) . "\n";

while (sysread $events, my $buffer, 65536) {
    while (length $buffer) {
        my (undef, $mask, undef, $length) = unpack "iIII", $buffer;
        my $name = unpack "Z*", substr $buffer, 16, $length;
        substr($buffer, 0, 16 + $length) = "";
        syswrite $out, "$words{$mask & 0x3c0} $name\n";
    }
}
