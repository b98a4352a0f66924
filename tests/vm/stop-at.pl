# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs a command and stops it before its Nth system call, until somebody writes to the fifo "go". Before that it writes
# "stopped" to the fifo "news". The file "calls" gets a line for each system call up to then: its number, and the path if it is
# openat(). With nothing but perl's own words, on x86-64. N is 0 to not stop.
my ($number, $directory, @command) = @ARGV;
my ($trace, $getregs, $detach, $call) = (0, 12, 17, 24);               # PTRACE_TRACEME, _GETREGS, _DETACH, _SYSCALL

my $pid = fork // die "fork: $!";
if (!$pid) {
    syscall 101, $trace, 0, 0, 0;                                     # ptrace()
    exec @command or die "$command[0]: $!";
}

# perl's own waitpid() does not tell a stop from an exit.
sub await {
    my $status = "\0" x 4;
    syscall 61, $pid, $status, 0, 0;                                   # wait4()
    $status = unpack "i", $status;
    exit $status >> 8 if ($status & 0x7f) == 0;
}

await;                                                                # it has started
open my $calls, ">", "$directory/calls" or die $!;
open my $memory, "<", "/proc/$pid/mem" or die $!;
for (my $n = 1;; $n++) {
    syscall 101, $call, $pid, 0, 0;
    await;
    my $registers = "\0" x 216;
    syscall 101, $getregs, $pid, 0, $registers;
    my @registers = unpack "Q*", $registers;
    my $path = "";
    if ($registers[15] == 257) {
        sysseek $memory, $registers[13], 0;
        sysread $memory, $path, 200;
        $path =~ s/\0.*//s;
    }
    syswrite $calls, "$registers[15] $path\n";
    last if $n == $number;
    syscall 101, $call, $pid, 0, 0;                                    # and out of it
    await;
}

open my $news, ">", "$directory/news" or die $!;
syswrite $news, "stopped\n";
close $news;
open my $go, "<", "$directory/go" or die $!;
<$go>;
syscall 101, $detach, $pid, 0, 0;
await;
