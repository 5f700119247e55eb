import type { SlurmSettings } from './config.ts';

/** The file of the program that stands around the module's on each node, in the job's folder. */
export const rankFile = 'rank.pl';

interface Gang {
  readonly nodes: number;
  /** Of each node. */
  readonly cpus: number;
  /** Of the job, as nodes see it. */
  readonly folder: string;
}

/** The command that runs `argv` once on each node of the job; as it is for one node. */
export function onEachNode(
  argv: readonly string[],
  { nodes, cpus, folder }: Gang,
  { srun }: Pick<SlurmSettings, 'srun'>,
): readonly string[] {
  if (nodes === 1) return argv;
  return [
    ...srun,
    `--nodes=${nodes}`,
    `--ntasks=${nodes}`,
    '--ntasks-per-node=1',
    `--cpus-per-task=${cpus}`,
    '--input=none',
    // Otherwise it inherits that of sbatch, which exports nothing.
    '--export=ALL',
    // The others have nothing to wait for.
    '--kill-on-bad-exit=1',
    'perl',
    `${folder}/${rankFile}`,
    folder,
    ...argv,
  ];
}

/** What the program knows of the others; rank and address are known on the node only. */
export function nodeVariables(nodes: number): Readonly<Record<string, string>> {
  const alone = { FATHOM_NODE_RANK: '0', FATHOM_HEAD_ADDRESS: 'localhost' };
  return { FATHOM_NODES: String(nodes), ...(nodes === 1 ? alone : {}) };
}

/**
 * Stands around the program on each node, under srun. It tells the program which one it is, puts `[node N] ` before the
 * lines of all but the first one, and records the first failure in `failure` (code and signal): srun itself gives the
 * highest code, which is that of the others it killed.
 */
export const rankProgram = String.raw`use strict;
use warnings;

my $folder = shift @ARGV;
my $rank = $ENV{SLURM_PROCID} || 0;
$ENV{FATHOM_NODE_RANK} = $rank;
$ENV{FATHOM_HEAD_ADDRESS} = $ENV{SLURM_LAUNCH_NODE_IPADDR} || 'localhost';
my $longest = 16384;

my $prefix = $rank ? "[node $rank] " : '';

my %pipes;
for my $letter (qw(O E)) {
  pipe(my $read, my $write) or die "fathom: no pipe: $!\n";
  $pipes{$letter} = [$read, $write];
}
my $stop = 0;
$SIG{TERM} = sub { $stop = 1 };
$SIG{$_} = 'IGNORE' for qw(INT HUP PIPE USR1 USR2);
my $pid = fork();
die "fathom: no process could be made: $!\n" unless defined $pid;
if ($pid == 0) {
  no warnings 'exec';
  $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP PIPE USR1 USR2);
  setpgrp(0, 0);
  open(STDOUT, '>&', $pipes{O}[1]);
  open(STDERR, '>&', $pipes{E}[1]);
  exec { $ARGV[0] } @ARGV;
  print STDERR "fathom: the program could not be started: $ARGV[0]: $!\n";
  exit 127;
}

my %open;
for my $letter (keys %pipes) {
  close $pipes{$letter}[1];
  $open{fileno($pipes{$letter}[0])} = [$letter, $pipes{$letter}[0]];
}
my %to = (O => \*STDOUT, E => \*STDERR);
my %partial = (O => '', E => '');

sub put {
  my ($letter, $text) = @_;
  while (length $text) {
    my $wrote = syswrite($to{$letter}, $text);
    next if !defined $wrote && $! == 4;
    return unless $wrote;
    substr($text, 0, $wrote) = '';
  }
}

sub take {
  my ($letter, $chunk) = @_;
  my @lines = split /\n/, $partial{$letter} . $chunk, -1;
  my $rest = pop @lines;
  $partial{$letter} = length($rest) > $longest ? substr($rest, 0, $longest + 1) : $rest;
  put($letter, "$prefix$_\n") for @lines;
}

my ($status, $reaped, $ended, $told) = (0, 0, 0, 0);
until ($reaped && (!%open || time() > $ended + 2)) {
  my $mask = '';
  vec($mask, $_, 1) = 1 for keys %open;
  my $count = select(my $ready = $mask, undef, undef, %open ? 0.2 : 0.05);
  for my $fd ($count > 0 ? keys %open : ()) {
    next unless vec($ready, $fd, 1);
    my ($letter, $handle) = @{$open{$fd}};
    my $got = sysread($handle, my $chunk, 65536);
    if ($got) { take($letter, $chunk) }
    elsif (defined $got || $! != 4) { delete $open{$fd} }
  }
  if (!$reaped && waitpid($pid, 1) == $pid) {
    ($status, $reaped, $ended) = ($?, 1, time());
    kill 'KILL', -$pid;
  }
  # Slurm tells this process only, and more than once; a second signal would end programs that are about to end well.
  if ($stop && !$told && !$reaped) {
    $told = 1;
    kill 'TERM', -$pid;
  }
}
for my $letter (qw(O E)) { put($letter, "$prefix$partial{$letter}\n") if length $partial{$letter} }

my ($code, $signal) = ($status >> 8, $status & 127);
if ($status) {
  # Complete under its name, and only the first one.
  my $draft = "$folder/failure.$rank";
  if (open(my $file, '>', $draft)) {
    print {$file} "$code $signal $rank\n";
    link($draft, "$folder/failure") if close $file;
  }
}
exit($signal ? 128 + $signal : $code);
`;
